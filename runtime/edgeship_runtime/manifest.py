"""Manifest: what a model file says about itself.

The specification, with an example, is in ARCHITECTURE.md; a change here changes FORMAT and that page together.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edgeship_runtime import record
from edgeship_runtime.errors import ModelFileError
from edgeship_runtime.preprocessing import Preprocessing

FORMAT = 1
MOST_CALIBRATION, MOST_PROOF, MOST_GOLDEN = 200, 500, 4  # pictures in a file
MOST_CHANGES = 32
Scheme = Literal["float32", "float16", "dynamic", "int8", "int16x8", "mixed"]
Dtype = Literal["float32", "uint8", "int8", "float16", "int16"]
SCHEMES = ("float32", "float16", "dynamic", "int8", "int16x8", "mixed")
DTYPES = ("float32", "uint8", "int8", "float16", "int16")


@dataclass(frozen=True)
class Quantization:
    """How numbers are stored and computed.

    Attributes:
        scheme: float32; float16 weights; dynamic (int8 weights, float activations); int8 (weights and activations). Other tools also
            write int16x8 (activations of 16 bits), and mixed (some layers one, some another).
        input_dtype: what the graph takes: float32, or uint8 / int8 in int8 files; in other tools' also float16 and int16.
    """

    scheme: Scheme = "float32"
    input_dtype: Dtype = "float32"

    def __post_init__(self) -> None:
        """Refuses what no file is."""
        if self.scheme not in SCHEMES:
            raise ValueError(f"scheme is {self.scheme!r}; known: {', '.join(SCHEMES)}")
        if self.input_dtype not in DTYPES:
            raise ValueError(f"input_dtype is {self.input_dtype!r}; known: {', '.join(DTYPES)}")


@dataclass(frozen=True)
class Metric:
    """A measured accuracy: a fraction of `samples` pictures."""

    accuracy: float
    samples: int


@dataclass(frozen=True)
class EngineNeed:
    """The first release of an engine that runs the file.

    Attributes:
        version: "2.3.0"; None when no release that was known as the file was written runs it.
        because: what decides that, such as "FULLY_CONNECTED 12" or "opset 21".
    """

    version: str | None
    because: str


@dataclass(frozen=True)
class Requirements:
    """What must be there to run the file, computed when it is written.

    Attributes:
        operators: highest version of each operator (TFLite), or of each operator set by domain (ONNX).
        ir_version: ONNX only.
        keras: the Keras that saved the file (.keras only).
        engines: engine → see EngineNeed; empty for .keras, and in files that were written before this was computed.
        memory_bytes: weights, and the activations that are alive at once at the widest place; an engine takes more, never less.
    """

    operators: Mapping[str, int] = dataclasses.field(default_factory=dict)
    ir_version: int | None = None
    keras: str | None = None
    engines: Mapping[str, EngineNeed] = dataclasses.field(default_factory=dict)
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Split:
    """Which picture served what, so that anyone can tell again.

    Attributes:
        rule: "content-hash" (ours), or "given" (the data came with its parts).
        seed: of the hash order.
        counts: pictures in each part.
    """

    rule: str
    seed: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Provenance:
    """Where the model came from. No paths, no names of people or machines.

    Attributes:
        created: UTC, ISO 8601.
        versions: of edgeship and of what made the file.
        data_sha256: over the sorted content digests and labels of every picture.
        split: see Split.
        seed: of weights and shuffling.
        configuration: the resolved training options, as text.
        parent_sha256: the whole file that this one was exported from.
        parent_model_sha256: its model part.
        route: the converter that made it: "tensorflow", "keras" or "tf2onnx".
    """

    created: str
    versions: Mapping[str, str]
    data_sha256: str | None = None
    split: Split | None = None
    seed: int | None = None
    configuration: Mapping[str, str] = dataclasses.field(default_factory=dict)
    parent_sha256: str | None = None
    parent_model_sha256: str | None = None
    route: str | None = None


@dataclass(frozen=True)
class Change:
    """A picture that an exported file answers otherwise than its parent.

    Attributes:
        picture: the parent's member, or the beginning of the SHA-256 of a file that was given.
        label: its true label.
        before: the parent's answer.
        after: this file's.
    """

    picture: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Proof:
    """How an exported file compares with its parent, on pictures that neither training nor calibration saw.

    Attributes:
        samples: pictures.
        accuracy: of this file, in its own engine.
        parent_accuracy: of the parent, on the same pictures.
        agreement: fraction with the same top-1.
        largest_difference: of any score.
        p_value: one-sided exact McNemar test that the drop is chance.
        lost: pictures that only the parent answers rightly.
        won: pictures that only this file answers rightly.
        changed: pictures with another answer, the first MOST_CHANGES.
        forced: written although the drop was too large.
    """

    samples: int
    accuracy: float
    parent_accuracy: float
    agreement: float
    largest_difference: float
    p_value: float
    lost: int
    won: int
    changed: tuple[Change, ...] = ()
    forced: bool = False


@dataclass(frozen=True)
class GoldenSample:
    """A picture that travels with the model, and the answer it must give.

    Attributes:
        member: name of the encoded picture.
        label: the expected top-1.
        scores: label → score, the highest ones.
        tolerance: largest difference of a score that counts as the same answer on another engine or CPU.
        input_sha256: of the model input, H×W×C uint8, after decode and preprocessing.
        input_means: mean level of each cell and channel of a 4×4 grid over that input: when the digest differs, these tell a
            rounding difference from a wrong picture.
    """

    member: str
    label: str
    scores: Mapping[str, float]
    tolerance: float
    input_sha256: str
    input_means: tuple[float, ...]


@dataclass(frozen=True)
class CarriedPicture:
    """A picture at model size that travels in a .keras file.

    Attributes:
        member: name of the lossless WebP.
        label: its true label.
    """

    member: str
    label: str


@dataclass(frozen=True)
class Manifest:
    """What a model file says about itself; round-trips as one byte string.

    Attributes:
        labels: one for each output, in output order.
        preprocessing: from a picture of any size to the graph's input.
        quantization: see Quantization.
        model_sha256: of the model part.
        metrics: part of the data ("validation", "test") → accuracy measured with this file.
        requirements: see Requirements.
        provenance: see Provenance.
        golden: see GoldenSample.
        proven: against the parent (exported files; None where there were no pictures to prove it on).
        threshold: best score below which no answer is better than an answer, fitted with this file on pictures that it was not
            trained on (see threshold.fit_threshold); None where none was fitted.
        calibration: training pictures for post-training quantization (.keras only).
        proof: validation pictures on which an export is proven (.keras only).
        logits: the graph of a model trained elsewhere ends without softmax; the runtime applies it.
    """

    labels: tuple[str, ...]
    preprocessing: Preprocessing
    quantization: Quantization
    model_sha256: str
    provenance: Provenance
    metrics: Mapping[str, Metric] = dataclasses.field(default_factory=dict)
    requirements: Requirements = Requirements()
    golden: tuple[GoldenSample, ...] = ()
    proven: Proof | None = None
    threshold: float | None = None
    calibration: tuple[CarriedPicture, ...] = ()
    proof: tuple[CarriedPicture, ...] = ()
    logits: bool = dataclasses.field(default=False, metadata=record.LEFT_OUT)

    def __post_init__(self) -> None:
        """Refuses labels that could not be told apart, and samples that name others."""
        if len(self.labels) < 2:
            raise ValueError(f"a classifier has at least 2 labels; received {len(self.labels)}")
        if len(set(self.labels)) != len(self.labels):
            twice = next(label for label in self.labels if self.labels.count(label) > 1)
            raise ValueError(f"label {twice!r} occurs twice")
        if any(not label or "\n" in label for label in self.labels):
            raise ValueError("a label is empty or has a line break")
        used = {sample.label for sample in self.golden} | {item.label for item in (*self.calibration, *self.proof)}
        if unknown := sorted(used - set(self.labels)):
            raise ValueError(f"a carried picture has label {unknown[0]!r}, which is none of the model's")
        if any(not math.isfinite(sample.tolerance) or sample.tolerance < 0 for sample in self.golden):
            raise ValueError("a golden sample's tolerance is negative")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; wanted a score from 0 to 1")

    def to_bytes(self) -> bytes:
        """UTF-8 JSON, `{"format": 1, …}`; the same manifest always gives the same bytes."""
        return json.dumps(
            {"format": FORMAT, **record.to_json(self)}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Reads what to_bytes wrote.

        Raises:
            ModelFileError: it is of a newer format, or not a valid manifest.
        """
        try:
            value = json.loads(data)
        except ValueError as error:
            raise ModelFileError(f"its manifest is not JSON ({error})") from None
        if not isinstance(value, dict) or type(value.get("format")) is not int:
            raise ModelFileError("its manifest states no format")
        found = value.pop("format")
        if found > FORMAT:
            raise ModelFileError(
                f"it has manifest format {found}; this runtime reads up to {FORMAT}. Upgrade: pip install -U edgeship"
            )
        try:
            return record.from_json(cls, value, "manifest")
        except record.RecordError as error:
            raise ModelFileError(f"its manifest is invalid: {error}") from None


def now() -> str:
    """UTC, ISO 8601, for Provenance.created; SOURCE_DATE_EPOCH (reproducible-builds.org) takes the clock's place."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    moment = (
        datetime.datetime.fromtimestamp(int(seconds), datetime.UTC) if seconds else datetime.datetime.now(datetime.UTC)
    )
    return moment.replace(microsecond=0).isoformat()
