"""Adopting: a manifest for a model that another tool trained, so that it runs, verifies, evaluates and benchmarks as ours do.

The model part stays what it was, byte for byte. What the file does not tell (labels, what its input was in training) is asked for,
or measured, never guessed: a wrong normalization is the fault that nobody sees.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeship_export import foreign, graph_inputs, kinds, lint, tflite_description
from edgeship_export.facts import RANGES, End, Facts
from edgeship_export.tflite_description import Description
from edgeship_export.tolerances import floor, tolerance
from edgeship_runtime.classifier import Classifier
from edgeship_runtime.containers.tflite import LABELS
from edgeship_runtime.engines import open_engine
from edgeship_runtime.errors import (
    AdoptError,
    DamagedError,
    EdgeshipError,
    ModelFileError,
    PictureError,
)
from edgeship_runtime.golden import make_sample
from edgeship_runtime.graph_input import GraphInput
from edgeship_runtime.labelled import LabelledPicture
from edgeship_runtime.manifest import MOST_GOLDEN, Dtype, Manifest, Provenance, Quantization, Scheme, now
from edgeship_runtime.model_file import ModelFile, RawModel, assemble
from edgeship_runtime.preprocessing import Fit, Preprocessing
from edgeship_runtime.small_pictures import small

_LONGEST = 200  # characters of an engine's error
_SUM_OF_SHARES = 0.02  # by which quantized scores may miss one


@dataclass(frozen=True)
class Known:
    """A foreign model, and what is known of it before anything is asked.

    Attributes:
        raw: the file.
        facts: what its tensors tell.
        picture: what its graph takes.
        description: its TFLITE_METADATA.
    """

    raw: RawModel
    facts: Facts
    picture: kinds.Picture
    description: Description


def know(raw: RawModel, size: tuple[int, int] | None = None) -> Known:
    """Reads a foreign model.

    Args:
        raw: the file.
        size: width and height, where the graph leaves them open.

    Raises:
        AdoptError: it is no classifier of pictures (the message says what it is), or no device could run it.
        ModelFileError: its structure is broken.
    """
    try:
        facts = lint.facts(raw)
        description = tflite_description.read(raw) if raw.format == "tflite" else Description()
    except DamagedError as error:
        raise ModelFileError(f"{raw.path} is damaged: {error}; copy it again from where it was made") from None
    kinds.check(raw.path, facts)
    errors = [finding for finding in lint.findings(facts, None) if finding.level == "error"]
    errors = [
        finding for finding in errors if finding.code != lint.NO_RELEASE
    ]  # an engine newer than our table is asked
    if errors:
        raise AdoptError(f"{raw.path}: {errors[0].message}")
    if raw.format == "onnx" and facts.outputs[0].dtype in RANGES:
        given = facts.outputs[0].dtype
        raise AdoptError(
            f"{raw.path} gives {given}, whose scale ONNX Runtime does not tell; let a DequantizeLinear end it"
        )
    picture = kinds.picture(facts.inputs[0]) if facts.inputs else None
    if picture is None:
        raise AdoptError(
            f"{raw.path}: its configuration does not say what its network takes; save it again after it was built, with an Input layer"
        )
    return Known(raw, facts, _sized(raw, picture, size), description)


def draft(
    known: Known, labels: Sequence[str], stated: GraphInput, fit: Fit = "stretch", color: str | None = None
) -> ModelFile:
    """The file with a manifest that has no golden samples yet.

    Raises:
        AdoptError: the numbers of labels and of scores differ, or the normalization is for another number of channels, or for other
            numbers than a quantized input holds.
    """
    picture, facts, raw = known.picture, known.facts, known.raw
    _check_labels(raw.path, labels, kinds.labels_wanted(facts))
    channels = {1: "grey", 3: "rgb"}[picture.channels]
    if color is not None and color != channels:
        raise AdoptError(f"{raw.path} takes {channels} pictures, its metadata says {color}")
    if (objection := graph_inputs.objection(stated, facts.inputs[0])) is not None:
        raise AdoptError(f"{raw.path}: {objection}; leave out --preprocessing")
    if raw.format == "onnx":
        stated = graph_inputs.in_integers(stated, facts.inputs[0])
    try:
        preprocessing = Preprocessing(
            picture.width,
            picture.height,
            "grey" if channels == "grey" else "rgb",
            fit,
            graph_input=graph_inputs.laid_out(stated, picture),
        )
        manifest = Manifest(
            labels=tuple(labels),
            preprocessing=preprocessing,
            quantization=Quantization(cast("Scheme", facts.scheme), cast("Dtype", facts.inputs[0].dtype)),
            model_sha256=raw.model_sha256,
            provenance=_provenance(raw),
            requirements=facts.requirements,
        )
    except ValueError as error:
        raise AdoptError(f"{raw.path}: {error}") from None
    return ModelFile.parse(raw.path, _assembled(known, manifest, {}))


def tried(model: ModelFile, facts: Facts) -> Classifier:
    """The draft in its engine, with the number of scores checked, and logits told from scores.

    Raises:
        AdoptError: it cannot compute pictures of this size, gives no scores, or another number of them than there are labels.
        EngineError: the engine is not installed, or refuses the file.
    """
    classifier = Classifier(model, open_engine(model))
    scores = _first_scores(classifier)
    given = getattr(classifier.engine, "output_shape", None)  # Keras alone: the configuration need not tell
    if given is not None:
        kinds.check(model.path, dataclasses.replace(facts, outputs=(End("output", "float32", given),)))
    _check_labels(model.path, model.manifest.labels, len(scores))
    if facts.activation is not None or _are_shares(scores):
        return classifier
    stated = dataclasses.replace(model.manifest, logits=True)
    return Classifier(dataclasses.replace(model, manifest=stated), classifier.engine)


@dataclass(frozen=True)
class Answer:
    """What the model says to a picture that was given, and whether the picture travels in the file."""

    picture: str
    label: str
    score: float
    carried: bool


def completed(known: Known, classifier: Classifier, pictures: Sequence[LabelledPicture]) -> tuple[bytes, list[Answer]]:
    """The whole file, with up to MOST_GOLDEN of the pictures as golden samples: sure answers, different ones first.

    Raises:
        PictureError: a picture cannot be decoded; the message names it.
        AdoptError: the scores of a picture are no numbers.
    """
    manifest, preprocessing = classifier.manifest, classifier.preprocessing
    # A folder may hold more pictures than memory: of each only the scores are kept.
    scores = [
        _finite(classifier, classifier.scores(preprocessing(_encoded(picture, preprocessing))[np.newaxis])[0])
        for picture in pictures
    ]
    likely = _chosen(scores, floor(classifier))
    allowed = tolerance(classifier, [preprocessing(_encoded(pictures[index], preprocessing)) for index in likely])
    chosen = _chosen(scores, allowed)
    members = {f"golden/{place}": _encoded(pictures[index], preprocessing) for place, index in enumerate(chosen)}
    golden = tuple(make_sample(name, data, classifier.scores, manifest, allowed) for name, data in members.items())
    content = _assembled(known, dataclasses.replace(manifest, golden=golden), members)
    answers = []
    for index, (picture, row) in enumerate(zip(pictures, scores, strict=True)):
        best = classifier.top(row, 1)[0]
        answers.append(Answer(picture.name, best.label, best.score, index in chosen))
    return content, answers


def _first_scores(classifier: Classifier) -> NDArray[np.float32]:
    """Of a grey picture."""
    height, width, channels = classifier.manifest.preprocessing.shape
    try:
        scores = classifier.scores(np.full((1, height, width, channels), 127, np.uint8))
    except EdgeshipError:
        raise
    except Exception as error:  # an engine raises what its kernels come across
        line = next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))[:_LONGEST]
        raise AdoptError(
            f"{classifier.model.path} cannot compute a picture of {width}×{height}: {line}; perhaps it was trained on another size: "
            "--size WIDTHxHEIGHT"
        ) from None
    first: NDArray[np.float32] = scores[0]
    return _finite(classifier, first)


def _finite(classifier: Classifier, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(scores).all():
        raise AdoptError(f"{classifier.model.path} computes scores that are no finite numbers (NaN or infinite)")
    return scores


def _sized(raw: RawModel, picture: kinds.Picture, size: tuple[int, int] | None) -> kinds.Picture:
    fixed = picture.width, picture.height
    if size is None and -1 in fixed:
        raise AdoptError(f"{raw.path} takes pictures of any size; say which it was trained on: --size WIDTHxHEIGHT")
    if size is not None and any(side not in (-1, asked) for side, asked in zip(fixed, size, strict=True)):
        raise AdoptError(f"{raw.path} takes {fixed[0]}×{fixed[1]} pixels, not {size[0]}×{size[1]}; leave out --size")
    width, height = size or fixed
    return dataclasses.replace(picture, width=width, height=height)


def _check_labels(path: Path, labels: Sequence[str], outputs: int | None) -> None:
    if outputs is None or outputs == len(labels):
        return
    hint = ""
    if outputs == len(labels) + 1:
        hint = "; often the first score is for 'background': then put that before the first label"
    if outputs == len(labels) - 1:
        hint = "; often the first label, 'background', has no score: then leave it out"
    raise AdoptError(f"{path} gives {outputs:,} scores, and there are {len(labels):,} labels{hint}")


def _are_shares(scores: NDArray[np.float32]) -> bool:
    return bool(np.all(scores >= 0) and abs(float(scores.sum()) - 1) < _SUM_OF_SHARES)


def _encoded(picture: LabelledPicture, preprocessing: Preprocessing) -> bytes:
    try:
        return small(preprocessing.decode(picture.content), preprocessing)
    except PictureError as error:
        raise PictureError(f"{picture.name}: {error}") from None


def _chosen(scores: Sequence[NDArray[np.float32]], tolerance: float) -> list[int]:
    """Indices of golden pictures. One that wavers here would accuse every device, so its lead must outlast the tolerance."""
    leads = [float(np.diff(np.sort(row)[-2:])[0]) for row in scores]
    sure = sorted((index for index, lead in enumerate(leads) if lead > 2 * tolerance), key=lambda index: -leads[index])
    first: dict[int, int] = {}
    for index in sure:
        first.setdefault(int(np.argmax(scores[index])), index)
    others = [index for index in sure if index not in first.values()]
    return sorted([*first.values(), *others][:MOST_GOLDEN])


def _provenance(raw: RawModel) -> Provenance:
    versions = {"edgeship": version("edgeship")}
    return Provenance(now(), versions, parent_sha256=raw.sha256, parent_model_sha256=raw.model_sha256)


def _assembled(known: Known, manifest: Manifest, members: dict[str, bytes]) -> bytes:
    """The foreign file with our members beside its own: a .tflite keeps the files that its metadata names."""
    raw = known.raw
    if raw.format == "tflite" and LABELS not in foreign.appended(raw):
        members = {LABELS: ("\n".join(manifest.labels) + "\n").encode(), **members}
    return assemble(raw.format, raw.read() if raw.format != "onnx" else raw.model, manifest, members)
