"""Golden samples: pictures that travel with the model and the answers they must give, so that a device can prove itself.

Each stage between the file and the answer is compared on its own, because "the scores differ" does not say what to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.classifier import Classifier
from edgeship_runtime.errors import ModelFileError, PictureError
from edgeship_runtime.files import sha256
from edgeship_runtime.manifest import GoldenSample, Manifest
from edgeship_runtime.record import Json

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GRID = 4
_ROUNDING = 1.0  # levels of 255: decoders and SIMD paths differ by less, a wrong filter or colour order by more
_MOST_SCORES = 10  # of a thousand labels, the rest are noise that only fills the file


@dataclass(frozen=True)
class Stage:
    """One stage on the way from the file to the answer.

    Attributes:
        name: "file", "preprocess", "invoke" or "answer".
        passed: for every sample.
        detail: what was compared, and by how much it differs.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Verification:
    """What `verify` found."""

    samples: int
    stages: tuple[Stage, ...]

    @property
    def passed(self) -> bool:
        """Every stage passed."""
        return all(stage.passed for stage in self.stages)

    def to_json(self) -> Json:
        """What `edgeship verify --json` prints."""
        stages = [{"name": stage.name, "passed": stage.passed, "detail": stage.detail} for stage in self.stages]
        return {"passed": self.passed, "samples": self.samples, "stages": stages}


def verify(classifier: Classifier) -> Verification:
    """Gives the model its golden samples, here, and compares each stage.

    Raises:
        ModelFileError: it carries none.
    """
    manifest = classifier.manifest
    if not manifest.golden:
        raise ModelFileError(
            f"{classifier.model.path} carries no golden samples, so nothing can be verified; "
            "they are left out by `edgeship train --carry none`, and by `edgeship adopt` without --pictures"
        )
    file = Stage("file", passed=True, detail=f"model part matches sha256 {manifest.model_sha256[:12]}…")
    inputs: list[NDArray[np.uint8]] = []
    for sample in manifest.golden:
        try:
            inputs.append(manifest.preprocessing(classifier.model.member(sample.member)))
        except PictureError as error:
            broken = Stage("preprocess", passed=False, detail=f"{sample.member}: {error}")
            return Verification(len(manifest.golden), (file, broken))
    scores = [classifier.scores(pixels[np.newaxis])[0] for pixels in inputs]
    stages = (file, _inputs_agree(manifest, inputs), _scores_agree(manifest, scores), _answers_agree(manifest, scores))
    return Verification(len(manifest.golden), stages)


def make_sample(
    member: str,
    picture: bytes,
    scores_of: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    manifest: Manifest,
    tolerance: float,
) -> GoldenSample:
    """Records what an encoded picture gives here: the reference that devices are compared with."""
    pixels = manifest.preprocessing(picture)
    scores = scores_of(pixels[np.newaxis])[0]
    best = np.argsort(-scores, kind="stable")[:_MOST_SCORES]
    return GoldenSample(
        member=member,
        label=manifest.labels[best[0]],
        scores={manifest.labels[index]: round(float(scores[index]), 6) for index in best},
        tolerance=tolerance,
        input_sha256=sha256(pixels.tobytes()),
        input_means=_means(pixels),
    )


def _inputs_agree(manifest: Manifest, inputs: list[NDArray[np.uint8]]) -> Stage:
    pairs = list(zip(manifest.golden, inputs, strict=True))
    if all(sha256(pixels.tobytes()) == sample.input_sha256 for sample, pixels in pairs):
        return Stage("preprocess", passed=True, detail="decoded and resized to identical pixels")
    worst = max(_distance(sample, pixels) for sample, pixels in pairs)
    return Stage(
        "preprocess",
        passed=worst <= _ROUNDING,
        detail=f"pixels differ; by up to {worst:.2f} of 255 levels in a cell's mean",
    )


def _distance(sample: GoldenSample, pixels: NDArray[np.uint8]) -> float:
    means = np.array(_means(pixels))
    if len(means) != len(sample.input_means):
        return 255.0
    return float(np.abs(means - np.array(sample.input_means)).max())


def _scores_agree(manifest: Manifest, scores: list[NDArray[np.float32]]) -> Stage:
    index = {label: number for number, label in enumerate(manifest.labels)}
    differences = [_difference(sample.scores, own, index) for sample, own in zip(manifest.golden, scores, strict=True)]
    passed = all(d <= sample.tolerance for d, sample in zip(differences, manifest.golden, strict=True))
    allowed = max(sample.tolerance for sample in manifest.golden)
    return Stage(
        "invoke", passed=passed, detail=f"scores differ by up to {max(differences):.2g}; {allowed:.2g} is allowed"
    )


def _difference(expected: Mapping[str, float], scores: NDArray[np.float32], index: Mapping[str, int]) -> float:
    if any(label not in index for label in expected):
        return float("inf")
    worst = max(abs(float(scores[index[label]]) - score) for label, score in expected.items())
    return worst if np.isfinite(scores).all() else float("inf")


def _answers_agree(manifest: Manifest, scores: list[NDArray[np.float32]]) -> Stage:
    for sample, own in zip(manifest.golden, scores, strict=True):
        answer = manifest.labels[int(np.argmax(own))]
        if answer != sample.label:
            return Stage("answer", passed=False, detail=f"{sample.member}: {answer!r} instead of {sample.label!r}")
    return Stage("answer", passed=True, detail="every sample gets its label")


def _means(pixels: NDArray[np.uint8]) -> tuple[float, ...]:
    """Mean level of each cell of a grid, by row, column and channel."""
    rows = [piece for piece in np.array_split(pixels, _GRID, axis=0) if piece.size]
    cells = [cell for row in rows for cell in np.array_split(row, _GRID, axis=1) if cell.size]
    return tuple(round(float(mean), 2) for cell in cells for mean in cell.mean(axis=(0, 1)))
