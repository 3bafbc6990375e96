"""Preparing: many pictures to model inputs, on all cores, in order, with bounded memory."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.errors import PictureError
from edgeship_runtime.labelled import LabelledPicture, digest
from edgeship_runtime.ordered import in_order
from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AHEAD = 8  # pictures in flight for each worker


@dataclass(frozen=True, eq=False)
class Prepared:
    """A labelled picture as the model takes it.

    Attributes:
        picture: where it came from.
        digest: SHA-256 of what was read; empty when nothing could be.
        pixels: the model's input, uint8 H×W×C; None when the picture is unreadable.
        error: why, then.
    """

    picture: LabelledPicture
    digest: str
    pixels: NDArray[np.uint8] | None
    error: str | None = None


def prepare(
    pictures: Iterable[LabelledPicture], preprocessing: Preprocessing, *, skip: Container[str] = ()
) -> Iterator[Prepared]:
    """Reads, decodes and resizes pictures in threads (Pillow releases the interpreter lock), and yields them in order.

    Args:
        pictures: in any number.
        preprocessing: what to bring them to.
        skip: digests of pictures that are not to be decoded; they come with neither pixels nor error.
    """
    workers = os.cpu_count() or 1
    work = partial(_prepared, preprocessing=preprocessing, skip=skip)
    return in_order(pictures, [work] * workers, ahead=workers * _AHEAD)


def _prepared(picture: LabelledPicture, *, preprocessing: Preprocessing, skip: Container[str]) -> Prepared:
    name = ""
    try:
        content = picture.read()
        name = digest(content)
        return Prepared(picture, name, None if name in skip else preprocessing(content))
    except PictureError as error:
        return Prepared(picture, name, None, str(error))
