"""Named sets: labelled pictures that need no folder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.errors import MissingExtraError
from edgeship_runtime.labelled import LabelledData, LabelledPicture, digest

NAMES = ("digits",)
_TEST_FRACTION = 0.2


def load(name: str) -> LabelledData:
    """A named set; today that is "digits".

    Raises:
        MissingExtraError: the package that brings it is not installed.
    """
    del name  # the only one
    return _digits()


def _digits() -> LabelledData:
    """1,797 handwritten digits, 8×8 grey (UCI; scikit-learn ships them). A fifth, by content, is the test part."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingExtraError("the set digits comes with scikit-learn: pip install 'edgeship[workstation]'") from None
    bunch = load_digits()
    pixels = np.rint(np.asarray(bunch.images) * (255 / 16)).astype(np.uint8)
    labels = tuple(str(number) for number in range(10))
    parts: dict[str, list[LabelledPicture]] = {"train": [], "test": []}
    for label in labels:
        ours = [pixels[index] for index in np.flatnonzero(np.asarray(bunch.target) == int(label))]
        ours.sort(key=digest)
        count = round(len(ours) * _TEST_FRACTION)
        parts["test"] += _pictures("test", label, ours[:count])
        parts["train"] += _pictures("train", label, ours[count:])
    return LabelledData("digits", labels, parts)


def _pictures(part: str, label: str, arrays: list[NDArray[np.uint8]]) -> list[LabelledPicture]:
    return [LabelledPicture(f"{part}/{label}/{index:03}", label, array) for index, array in enumerate(arrays)]
