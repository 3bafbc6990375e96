"""Gathering: the model files and pictures of a command line, brought into a Store and known by what they are."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from edgeship_benchmarks.measuring.plan import PlannedModel, PlannedPicture
from edgeship_benchmarks.measuring.store import Store
from edgeship_runtime.data import open_data
from edgeship_runtime.digests import MEMBER, Digests
from edgeship_runtime.errors import DataError, EdgeshipError, PictureError
from edgeship_runtime.evaluation import label_index
from edgeship_runtime.files import sha256
from edgeship_runtime.labelled import LabelledPicture, digest
from edgeship_runtime.model_file import ModelFile
from edgeship_runtime.pictures import SUFFIXES
from edgeship_runtime.sources.listing import every_picture

if TYPE_CHECKING:
    from edgeship_devices.device import Device


@dataclass(frozen=True)
class NamedModel:
    """A usable model file, and how to speak of it: by its name, with folders where two have one name."""

    name: str
    model: ModelFile

    @property
    def planned(self) -> PlannedModel:
        """How a plan names it."""
        return PlannedModel(self.model.raw.sha256, self.name)


@dataclass(frozen=True)
class Refused:
    """A file that cannot be used, and why."""

    name: str
    error: str


@dataclass(frozen=True)
class Opened:
    """The files of a command line.

    Attributes:
        models: those to measure.
        refused: those that cannot be.
        device: the board that they are for; None where none was named.
    """

    models: Sequence[NamedModel]
    refused: Sequence[Refused]
    device: Device | None = None

    @property
    def errors(self) -> frozenset[str]:
        """Why those are refused."""
        return frozenset(one.error for one in self.refused)


@dataclass(frozen=True)
class Gathered:
    """The pictures to measure on.

    Attributes:
        name: of the data.
        part: "test", or "all".
        labels: of the data; empty when it has none.
        pictures: as a plan names them.
        digests: of each picture's content, before anything was done to it.
        targets: index of each true label in `labels`; empty when there are none.
        trained_on: pictures left out because a model was trained on them.
        unreadable: files that could not be read, with the reason.
    """

    name: str
    part: str
    labels: tuple[str, ...]
    pictures: tuple[PlannedPicture, ...]
    digests: tuple[str, ...]
    targets: tuple[int, ...]
    trained_on: int
    unreadable: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Pictures:
    """What DATA stands for: labelled pictures, or such without (then `labels` is empty).

    Attributes:
        name: the folder's, or the set's.
        part: "test", or "all".
        labels: those there are.
        pictures: to measure on.
        beside: how many more lie in the folder itself, beside those of the labels.
    """

    name: str
    part: str
    labels: tuple[str, ...]
    pictures: Sequence[LabelledPicture]
    beside: int = 0


def open_pictures(spec: str) -> Pictures:
    """Finds the pictures of DATA: labelled ones, or a folder or glob of pictures without labels.

    Raises:
        DataError: there are none.
    """
    path = Path(spec)
    has_labels = path.is_dir() and any(item.is_dir() and not item.name.startswith(".") for item in path.iterdir())
    if has_labels or not (path.exists() or any(sign in spec for sign in "*?[")):
        data = open_data(spec)
        part, pictures = data.for_measuring()
        beside = sum(item.suffix.lower() in SUFFIXES for item in path.iterdir()) if has_labels else 0
        return Pictures(data.name, part, data.labels, pictures, beside)
    found = [LabelledPicture(item.name, "", item) for item in every_picture(spec)]
    name = path.resolve().name if path.exists() else "/".join(path.absolute().parts[-2:])  # of a glob
    return Pictures(name, "all", (), found)


def open_models(paths: Sequence[str], data: Pictures) -> tuple[list[NamedModel], list[Refused]]:
    """Opens each model file: those that can be used with this data, and those that cannot."""
    usable, refused = [], []
    files = list({Path(path).absolute().resolve(): Path(path) for path in paths}.values())
    for file, name in zip(files, map(text, _shortest(files)), strict=True):
        try:
            model = ModelFile.open(file)
            if data.labels:
                label_index(model.manifest.labels, data.pictures, data.name)
        except EdgeshipError as error:
            refused.append(Refused(name, text(str(error))))
        else:
            usable.append(NamedModel(name, model))
    return usable, refused


def gather(models: Sequence[NamedModel], data: Pictures, store: Store) -> Gathered:
    """Brings models and pictures into the store. Pictures that any of the models was trained on are left out for all.

    Raises:
        DataError: no picture is left.
    """
    for one in models:
        store.link(one.model.path, one.model.raw.sha256, one.planned.suffix)
    trained = _trained_on([one.model for one in models])
    index = {label: number for number, label in enumerate(data.labels)}
    planned, digests, targets, unreadable, trained_on = [], [], [], [], 0
    for picture in data.pictures:
        try:
            content = picture.read()
        except PictureError as error:
            unreadable.append((text(picture.name), text(str(error))))
            continue
        name = digest(content)
        if name in trained:
            trained_on += 1
            continue
        planned.append(PlannedPicture(_stored(picture, content, store), text(picture.name)))
        digests.append(name)
        targets += [index[picture.label]] if data.labels else []
    if not planned:
        why = f"the models were trained on {trained_on}" if trained_on else "none can be read"
        raise DataError(f"{data.name}: no picture is left to measure on: {why}")
    pieces = tuple(planned), tuple(digests), tuple(targets)
    return Gathered(text(data.name), data.part, data.labels, *pieces, trained_on, tuple(unreadable))


def _shortest(files: Sequence[Path]) -> list[str]:
    """The end of each path that no other has: its name, or with as many folders as it takes."""
    parts = [file.absolute().parts for file in files]
    ends = Counter(own[-count:] for own in parts for count in range(1, len(own) + 1))
    return ["/".join(next(own[-n:] for n in range(1, len(own) + 1) if ends[own[-n:]] == 1)) for own in parts]


def text(name: str) -> str:
    """A file's name as text: bytes of it that are none become escapes, as reports, plans and terminals take no others."""
    return name.encode(errors="backslashreplace").decode()


def _trained_on(models: Sequence[ModelFile]) -> Digests:
    lists = [Digests.from_bytes(model.raw.members.get(MEMBER, b"")).prefixes for model in models]
    return Digests(frozenset().union(*lists))


def _stored(picture: LabelledPicture, content: bytes | np.ndarray, store: Store) -> str:
    """The SHA-256 under which an encoded picture is in the store; pixels of a named set become a PNG."""
    if isinstance(content, bytes):
        name = sha256(content)
        store.link(Path(str(picture.content)), name)
        return name
    stream = io.BytesIO()
    Image.fromarray(content).save(stream, "PNG", compress_level=1)
    return store.add(stream.getvalue())
