"""Kinds: whether a graph is a classifier of pictures, and if not, what it is. Told from operators, inputs and outputs alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeship_export.facts import End, Facts
from edgeship_runtime.errors import AdoptError

_DETECTING = {
    "custom TFLite_Detection_PostProcess",
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    "NonMaxSuppression",
    *(f"NonMaxSuppressionV{version}" for version in range(2, 6)),  # TensorFlow's, in SavedModels
    "CombinedNonMaxSuppression",
}
_LISTENING = {"custom AudioSpectrogram", "custom Mfcc", "RFFT2D", "STFT", "DFT", "MelWeightMatrix"}
_RECURRENT = {
    "LSTM", "GRU", "RNN", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN",
    "BIDIRECTIONAL_SEQUENCE_RNN", "WHILE", "Loop", "Scan", "SimpleRNN", "Bidirectional", "ConvLSTM2D", "TimeDistributed",
}  # fmt: skip
_PIXELS = ("float32", "float16", "uint8", "int8", "int16")


@dataclass(frozen=True)
class Picture:
    """What a graph takes where it takes one picture. Sides are -1 where they are free."""

    width: int
    height: int
    channels: int
    layout: str


def not_a_classifier(facts: Facts) -> str | None:
    """What a file is instead of a classifier of pictures, such as "a detector: …"; None when it is one."""
    return next(_objections(facts), None)


def check(path: Path, facts: Facts) -> None:
    """Refuses what is no classifier of pictures.

    Raises:
        AdoptError: with what it is instead.
    """
    other = not_a_classifier(facts)
    if other is not None:
        raise AdoptError(f"{path} is {other}; edgeship runs classifiers of pictures")


def labels_wanted(facts: Facts) -> int | None:
    """How many labels the output has, N×labels or N×labels×1×1; None where the file does not tell."""
    sides = _sides(facts.outputs[0]) if facts.outputs else []
    count = (
        sides[0] if len(sides) == 1 else 1 if facts.outputs and len(facts.outputs[0].shape) > 1 and not sides else -1
    )
    return count if count > 0 else None


def picture(end: End) -> Picture | None:
    """The picture that an input takes: N×H×W×C, or N×C×H×W; None for anything else."""
    if len(end.shape) != 4 or end.dtype not in _PIXELS:
        return None
    _, one, two, three = end.shape
    if three in (1, 3):
        return Picture(two, one, three, "nhwc")
    return Picture(three, two, one, "nchw") if one in (1, 3) else None


def _objections(facts: Facts) -> Iterator[str]:
    for name in sorted(_DETECTING & facts.operators):
        yield f"a detector: it finds boxes ({name.removeprefix('custom ')})"
    for name in sorted(_LISTENING & facts.operators):
        yield f"a model of sound ({name.removeprefix('custom ')})"
    for name in sorted(_RECURRENT & facts.operators):
        yield f"a model of sequences ({name})"
    yield from _of_inputs(facts.inputs)
    yield from _of_outputs(facts.outputs)


def _of_inputs(inputs: tuple[End, ...]) -> Iterator[str]:
    if len(inputs) > 1:
        yield f"a model of {len(inputs)} inputs"
    for end in inputs[:1]:
        if end.dtype in ("int32", "int64", "string"):
            yield f"a model of text or numbers: it takes {end.dtype}"
        elif len(end.shape) != 4:
            yield f"no model of pictures: it takes {_shape(end)}; sound and sensors come so"
        elif picture(end) is None:
            yield f"no model of RGB or grey pictures: it takes {_shape(end)} {end.dtype}"


def _of_outputs(outputs: tuple[End, ...]) -> Iterator[str]:
    if len(outputs) > 1:
        yield f"a model of {len(outputs)} outputs, such as a detector"
    for end in outputs[:1]:
        sides = _sides(end)
        if end.dtype in ("int32", "int64", "string"):
            yield f"a model that gives the best label's number alone ({_shape(end)} {end.dtype}), and no scores"
            return
        if len(sides) > 1:
            what = "segmentation, or pictures from pictures" if len(end.shape) == 4 else "boxes or a sequence"
            yield f"a model of {what}: it gives {_shape(end)}"
        elif end.shape and not sides:
            yield "a model of one number: a regression, or two labels told by one score"


def _sides(end: End) -> list[int]:
    """Of one picture's output, those that are not 1: the number of labels alone, where it is a classifier's."""
    return [side for side in end.shape[1:] if side != 1]


def _shape(end: End) -> str:
    return "×".join("N" if side < 0 else str(side) for side in end.shape) or "a single number"
