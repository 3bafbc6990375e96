"""Pretrained networks: keras.applications, from raw pixels to features, with the scaling that each was trained with in the graph."""

from __future__ import annotations

import ast
import contextlib
import inspect
import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from edgeship_runtime.errors import TrainingError

if TYPE_CHECKING:
    import keras

    Tensor: TypeAlias = keras.KerasTensor
    Shape: TypeAlias = tuple[int, int, int]

ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)  # those that ImageNet weights of MobileNetV2 were published for
_DEFAULT_ALPHA = 1.0
_IS_HERE = ".src.applications."  # where Keras' own list of networks takes them from
# MobileNetV2's bottlenecks: expansion, channels at alpha 1, repeats (Sandler et al., 2018, arXiv:1801.04381, table 2)
_BOTTLENECKS = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))


def is_known(arch: str) -> bool:
    """Whether keras.applications has it, whatever the spelling: efficientnet_v2_b0, EfficientNetV2B0."""
    return _plain(arch) in (names() or _functions())


def is_mobilenet_v2(arch: str) -> bool:
    """Whether it is, whatever the spelling."""
    return _plain(arch) == "mobilenetv2"


def names() -> frozenset[str]:
    """Plain names of keras.applications, from its source: a misspelt one is said without ten seconds of importing TensorFlow.

    Empty where this Keras lists them in another way.
    """
    spec = find_spec("keras")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        with contextlib.suppress(OSError, SyntaxError):
            listed = ast.parse((Path(folder) / "applications/__init__.py").read_bytes())
            found = [item for item in listed.body if isinstance(item, ast.ImportFrom)]
            return frozenset(_plain(one.name) for item in found if _IS_HERE in f"{item.module}." for one in item.names)
    return frozenset()


def features(arch: str, inputs: Tensor, weights: str, alpha: float | None) -> Tensor:
    """From raw pixels N×H×W×C to pooled features N×F; the pretrained layers are frozen.

    Args:
        arch: a name of keras.applications.
        inputs: N×H×W×C raw pixels.
        weights: "imagenet", "none" or a file.
        alpha: width, for architectures that have one.

    Raises:
        TrainingError: the weights cannot be had, or the network does not take pictures of that shape.
    """
    shape = inputs.shape[1:]
    if shape[2] != 3:
        raise TrainingError(f"{arch} takes RGB pictures; use --color rgb")
    if weights not in ("none", "imagenet") and not Path(weights).is_file():
        raise TrainingError(f"--weights {weights}: no such file; wanted imagenet, none, or a Keras weights file")
    function, scaling = _functions()[_plain(arch)]
    width = {"alpha": alpha} if alpha is not None else {}
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):  # where Keras shows its downloads
            # of sizes that no weights were published for: those of 224×224 serve, as everybody expects
            warnings.filterwarnings("ignore", "`input_shape` is undefined")
            warnings.filterwarnings(
                "ignore", "Skipping nested container"
            )  # of another network's file, which is refused
            base = _base(function, _scaled(inputs, scaling), None if weights == "none" else weights, width)
    except Exception as error:  # a download, a file of another network, a picture too small: Keras raises many kinds
        raise TrainingError(_explained(arch, shape, weights, width, error)) from None
    for layer in base.layers:
        layer.trainable = weights == "none"
    return base.output


def alpha_of(weights: str, alpha: float | None) -> float:
    """The width of a MobileNetV2: as asked, else as the weights file has it, else 1.0.

    Raises:
        TrainingError: the file holds another width than was asked for, or is no file of MobileNetV2's weights.
    """
    if weights in ("none", "imagenet") or not Path(weights).is_file():
        if weights == "imagenet" and alpha not in (None, *ALPHAS):
            raise TrainingError(f"--alpha {alpha:g}: ImageNet weights exist for {', '.join(f'{a:g}' for a in ALPHAS)}")
        return _DEFAULT_ALPHA if alpha is None else alpha
    pointwise = _pointwise_kernels(Path(weights))
    found = next((a for a in (alpha, *ALPHAS) if a is not None and _expected(a) == pointwise), None)
    if found is None:
        raise TrainingError(
            f"--weights {weights} does not hold the weights of a MobileNetV2{f' of alpha {alpha:g}' if alpha else ''}"
        )
    if alpha is not None and found != alpha:
        raise TrainingError(
            f"--weights {weights} holds a MobileNetV2 of alpha {found:g}; --alpha {alpha:g} was asked for (leave it out)"
        )
    return found


def _base(function: Callable[..., Any], inputs: Tensor, weights: str | None, width: dict[str, float]) -> keras.Model:
    # the shape is said twice, or Keras warns that it does not know it
    options = {"input_tensor": inputs, "input_shape": inputs.shape[1:], "include_top": False, "pooling": "avg", **width}
    if weights in (None, "imagenet") or not (classes := _classes(Path(str(weights)))):
        return function(weights=weights, **options)
    # The file has the original classifier too: loaded with it, and all but it taken over.
    whole = function(weights=weights, include_top=True, classes=classes, classifier_activation=None, **width)
    base = function(weights=None, **options)
    base.set_weights(whole.get_weights()[: len(base.get_weights())])
    return base


def _functions() -> dict[str, tuple[Callable[..., Any], Callable[..., Any]]]:
    """Plain name → the function that builds it, and the one that scales its input."""
    import keras

    # the function that scales a network's input lies beside the one that builds it
    return {
        _plain(name): (function, inspect.getmodule(function).preprocess_input)  # type: ignore[union-attr]
        for name, function in vars(keras.applications).items()
        if inspect.isfunction(function)
    }


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _scaled(inputs: Tensor, scaling: Callable[..., Any]) -> Tensor:
    """The network's own preprocess_input as layers. It is affine in a pixel's three levels, so four pixels tell all of it."""
    from keras import layers, ops

    probe = np.zeros((4, 1, 1, 3), np.float32)
    probe[[1, 2, 3], 0, 0, [0, 1, 2]] = 255
    answers = np.asarray(scaling(probe.copy(), data_format="channels_last"), np.float64).reshape(4, 3)
    offset, matrix = answers[0], (answers[1:] - answers[0]) / 255  # matrix[source, target]
    if np.count_nonzero(matrix - np.diag(np.diag(matrix))):  # the networks that were trained in Caffe take BGR
        inputs, matrix = ops.flip(inputs, axis=-1), matrix[::-1]
    scale = np.diag(matrix)
    if np.count_nonzero(matrix - np.diag(scale)):
        raise TrainingError("its input scaling mixes colours in a way that is not known here")
    if np.allclose(scale, 1) and np.allclose(offset, 0):
        return inputs  # EfficientNet, ConvNeXt, MobileNetV3: it is among the network's layers
    alike = np.ptp(scale) == 0 and np.ptp(offset) == 0
    values = (float(scale[0]), float(offset[0])) if alike else (scale.tolist(), offset.tolist())
    return layers.Rescaling(values[0], offset=values[1], name="rescaling")(inputs)


def _expected(alpha: float) -> Counter[tuple[int, int]]:
    """Channels in and out of every 1×1 convolution of a MobileNetV2, without its classifier."""
    shapes: Counter[tuple[int, int]] = Counter()
    channels = _divisible(32 * alpha)
    for expansion, width, repeats in _BOTTLENECKS:
        for _ in range(repeats):
            wide, out = channels * expansion, _divisible(width * alpha)
            if expansion > 1:
                shapes[channels, wide] += 1
            shapes[wide, out] += 1
            channels = out
    shapes[channels, _divisible(1280 * alpha) if alpha > 1 else 1280] += 1
    return shapes


def _divisible(channels: float) -> int:
    """The nearest multiple of 8 that is not more than a tenth below."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def _pointwise_kernels(path: Path) -> Counter[tuple[int, int]]:
    return Counter((shape[2], shape[3]) for shape in _shapes(path) if len(shape) == 4 and shape[:2] == (1, 1))


def _classes(path: Path) -> int | None:
    """Outputs of the classifier that a weights file includes, if it does."""
    dense = [shape for shape in _shapes(path) if len(shape) == 2]
    return dense[-1][1] if dense else None


def _shapes(path: Path) -> list[tuple[int, ...]]:
    import h5py

    shapes: list[tuple[int, ...]] = []
    try:
        with h5py.File(path) as file:
            file.visititems(lambda _name, item: shapes.append(item.shape) if isinstance(item, h5py.Dataset) else None)
    except Exception:  # of a damaged file HDF5 raises many kinds, some after half of it
        shapes.clear()
    if not shapes:
        raise TrainingError(f"--weights {path} is no Keras weights file (.weights.h5 or .h5), or a damaged one")
    return shapes


def _explained(arch: str, shape: Shape, weights: str, width: dict[str, float], error: Exception) -> str:
    """One line that says what to do."""
    text = " ".join(str(error).split()) or repr(error)
    if url := re.search(r"https?://\S+/([\w.\-]+)", text):
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
        return (
            f"the ImageNet weights of {arch} could not be downloaded; fetch {url[0].rstrip('.:,')} where there is a network and "
            f"put it into {home}, or name the file: --weights FILE (or --weights none)"
        )
    where = f"alpha {width['alpha']:g}, " if width else ""
    return f"{arch} ({where}{shape[1]}×{shape[0]} pixels, weights {weights}): {text[:300]}"
