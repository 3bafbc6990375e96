"""Graph inputs: how people name what a model was trained on, and what a file tells of it by itself."""

from __future__ import annotations

import dataclasses

from edgeship_export.facts import RANGES, End
from edgeship_export.kinds import Picture
from edgeship_export.tflite_description import Description
from edgeship_runtime.errors import UsageError
from edgeship_runtime.graph_input import GraphInput

# After keras.applications.imagenet_utils.preprocess_input, whose modes are called tf, torch and caffe.
NAMED = {
    "raw": GraphInput(),
    "unit": GraphInput(std=(255.0,)),
    "tf": GraphInput((127.5,), (127.5,)),
    "torch": GraphInput((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "caffe": GraphInput((123.68, 116.779, 103.939), bgr=True),
}
MEANINGS = {
    "raw": "levels 0–255 as they are",
    "unit": "0 to 1",
    "tf": "-1 to 1",
    "torch": "0 to 1, then less ImageNet's mean, by its standard deviation",
    "caffe": "BGR, less ImageNet's mean",
}
_FEWEST_STEPS = 32  # of an integer input, that all 256 levels must make use of
_FORM = "wanted raw, unit, tf, torch, caffe, or mean=M,std=S in levels of 255 (M/M/M for each channel), each with ,bgr if need be"


def parse(text: str) -> GraphInput:
    """What `--preprocessing` says: names and settings, joined by commas; later ones win.

    Raises:
        UsageError: a part is none of them.
    """
    stated = GraphInput()
    for part in text.split(","):
        key, _, value = part.strip().partition("=")
        if key in NAMED and not value:
            stated = NAMED[key]
        elif key in ("mean", "std") and value:
            stated = _replaced(stated, **{key: _numbers(value)})
        elif key in ("bgr", "rgb") and not value:
            stated = dataclasses.replace(stated, bgr=key == "bgr")
        else:
            raise UsageError(f"--preprocessing {text}: {part!r} is none of them; {_FORM}")
    if any(abs(value) < 1 for value in stated.std):
        raise UsageError(f"--preprocessing {text}: mean and std count in levels of 255; multiply by 255, or use torch")
    return stated


def _replaced(stated: GraphInput, **values: tuple[float, ...]) -> GraphInput:
    try:
        return dataclasses.replace(stated, **values)  # type: ignore[arg-type]  # mean and std alone
    except ValueError as error:
        raise UsageError(f"--preprocessing: {error}") from None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split("/"))
    except ValueError:
        raise UsageError(f"--preprocessing: {text!r} is no number, nor three with / between them") from None


def from_file(end: End, description: Description | None) -> GraphInput | None:
    """What a file itself tells: its metadata, or a quantized input of 8 bits, which takes levels as they are; None: nothing."""
    stated, passing = _described(description), as_they_are(end)
    return passing if stated is None or (passing is not None and _alike(stated, passing, end)) else stated


def as_they_are(end: End) -> GraphInput | None:
    """For an input of 8 bits: what it takes a level for, that goes in as it is (uint8) or less 128 (int8)."""
    if end.dtype not in ("uint8", "int8"):
        return None
    shift = 128 if end.dtype == "int8" else 0
    if not end.scale or end.zero_point is None:
        return GraphInput((float(shift),))
    return GraphInput((float(end.zero_point + shift),), (1 / end.scale,))


def objection(stated: GraphInput, end: End) -> str | None:
    """Why a quantized input cannot hold levels that are normalized so; None where it can, and for floating point.

    It would cut them off, or leave too few apart: both look like a model that is bad at its work.
    """
    if end.dtype not in RANGES:
        return None
    low, high = end.range if end.range and end.scale else RANGES[end.dtype]
    step = end.scale or 1.0
    for mean, std in stated.normalizations(max(len(stated.mean), len(stated.std))):
        ends = sorted(((0 - mean) / std, (255 - mean) / std))
        if ends[0] < low - 1.5 * step or ends[1] > high + 1.5 * step or (ends[1] - ends[0]) / step < _FEWEST_STEPS:
            return f"levels would become {ends[0]:.4g} to {ends[1]:.4g}, and its {end.dtype} input stands for {low:.4g} to {high:.4g}"
    return None


def _described(description: Description | None) -> GraphInput | None:
    """Of its metadata; nothing where that is no normalization, such as a deviation of 0."""
    if description is None or not description.mean or not description.std:
        return None
    mean, std = (values[:1] if len(set(values)) == 1 else values for values in (description.mean, description.std))
    try:
        return GraphInput(mean, std)
    except ValueError:
        return None


def _alike(stated: GraphInput, passing: GraphInput, end: End) -> bool:
    """Whether metadata means levels as they are, by a zero point that was rounded: then its halves would only be rounded away."""
    if len(stated.mean) > 1 or len(stated.std) > 1 or not end.scale:
        return False
    levels = [[(level - g.mean[0]) / g.std[0] for level in (0, 255)] for g in (stated, passing)]
    return all(abs(one - other) <= end.scale for one, other in zip(*levels, strict=True))


def in_integers(stated: GraphInput, end: End) -> GraphInput:
    """The same with the input's scale and zero point folded in, for engines that do not tell them: ONNX Runtime."""
    if end.dtype not in RANGES or not end.scale or end.zero_point is None:
        return stated
    scale, zero_point = end.scale, end.zero_point
    pairs = stated.normalizations(max(len(stated.mean), len(stated.std)))
    folded = [(_near(mean - zero_point * std * scale), _near(std * scale)) for mean, std in pairs]
    return dataclasses.replace(stated, mean=tuple(mean for mean, _ in folded), std=tuple(std for _, std in folded))


def _near(value: float) -> float:
    """Without what float32 scales leave behind a whole number."""
    return float(round(value)) if abs(value - round(value)) < 1e-4 else value


def laid_out(stated: GraphInput, picture: Picture) -> GraphInput | None:
    """With the graph's own layout; None where nothing needs to be said."""
    complete = dataclasses.replace(stated, layout=picture.layout)  # type: ignore[arg-type]  # nhwc or nchw
    return None if complete.is_plain else complete


def described(stated: GraphInput | None) -> str:
    """For people."""
    if stated is None:
        return "levels 0–255 as they are"
    mean, std = ("/".join(f"{value:g}" for value in values) for values in (stated.mean, stated.std))
    numbers = "levels as they are" if (mean, std) == ("0", "1") else f"(level − {mean}) / {std}"
    return numbers + (", blue first" if stated.bgr else "") + (", channels first" if stated.layout == "nchw" else "")
