"""Named sets: the labelled pictures everyone knows, by their name.

`digits` is embedded in scikit-learn. `mnist`, `fashion_mnist` and `cifar10` come through keras.datasets, which downloads them once;
`mnist:DIR` and the like read the original files in DIR instead, without a network.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from edgeship_runtime import original_files
from edgeship_runtime.errors import DataError, MissingExtraError
from edgeship_runtime.labelled import LabelledData, LabelledPicture, digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels, N×H×W or N×H×W×3, and the index of each label.
Arrays: TypeAlias = "tuple[NDArray[np.uint8], NDArray[np.int64]]"

_DIGITS = tuple(str(number) for number in range(10))
LABELS = {
    "digits": _DIGITS,
    "mnist": _DIGITS,
    "fashion_mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}  # fmt: skip
NAMES = tuple(LABELS)
_READERS: dict[str, Callable[[Path, str], Arrays]] = {
    "mnist": original_files.read_idx,
    "fashion_mnist": original_files.read_idx,
    "cifar10": original_files.read_cifar10,
}
_TEST_FRACTION = 0.2


def is_named_set(spec: str) -> bool:
    """Whether DATA is the name of a set, alone or followed by `:DIR`."""
    return spec.partition(":")[0] in NAMES


def load(spec: str) -> LabelledData:
    """A named set, in its parts "train" and "test".

    Raises:
        MissingExtraError: the package that brings it is not installed.
        DataError: DIR does not hold the original files, or they cannot be downloaded.
    """
    name, _, folder = spec.partition(":")
    if name == "digits":
        if folder:
            raise DataError(f"{spec}: the set digits needs no folder; write digits")
        return _digits()
    arrays = {part: _READERS[name](Path(folder), part) for part in ("train", "test")} if folder else _from_keras(name)
    labels = LABELS[name]
    for part, (_, targets) in arrays.items():
        _check_targets(spec, part, targets, len(labels))
    return LabelledData(name, labels, {part: _pictures(part, labels, *arrays[part]) for part in arrays})


def _check_targets(spec: str, part: str, targets: NDArray[np.int64], labels: int) -> None:
    """Refuses the files of another set, such as EMNIST's letters, which are kept in the same format."""
    if others := sorted({int(target) for target in targets} - set(range(labels))):
        raise DataError(f"{spec}: a label of the {part} files is {others[0]}; this set's are 0 to {labels - 1}")


def _digits() -> LabelledData:
    """1,797 handwritten digits, 8×8 grey (UCI; scikit-learn ships them). A fifth, by content, is the test part."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingExtraError("the set digits comes with scikit-learn: pip install 'edgeship[workstation]'") from None
    bunch = load_digits()
    pixels = np.rint(np.asarray(bunch.images) * (255 / 16)).astype(np.uint8)
    every = _pictures("", _DIGITS, pixels, np.asarray(bunch.target))
    parts: dict[str, list[LabelledPicture]] = {"train": [], "test": []}
    for label in _DIGITS:
        ours = sorted(
            (picture for picture in every if picture.label == label), key=lambda picture: digest(picture.read())
        )
        count = round(len(ours) * _TEST_FRACTION)
        parts["test"] += ours[:count]
        parts["train"] += ours[count:]
    return LabelledData("digits", _DIGITS, parts)


def _from_keras(name: str) -> dict[str, Arrays]:
    try:
        import keras
    except ImportError:
        raise MissingExtraError(
            f"the set {name} comes through Keras: pip install 'edgeship[workstation]'; or read its original files: {name}:DIR"
        ) from None
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras shows its downloads there, and ours are answers
            (train, train_targets), (test, test_targets) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # a download that fails does so in many ways
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{name} could not be downloaded ({line}); without a network read its original files from a folder: {name}:DIR"
        ) from None
    return {"train": (train, np.ravel(train_targets)), "test": (test, np.ravel(test_targets))}


def _pictures(
    part: str, labels: tuple[str, ...], pixels: NDArray[np.uint8], targets: NDArray[np.int64]
) -> list[LabelledPicture]:
    prefix = f"{part}/" if part else ""
    return [
        LabelledPicture(f"{prefix}{labels[int(target)]}/{number:05}", labels[int(target)], array)
        for number, (array, target) in enumerate(zip(pixels, targets, strict=True))
    ]
