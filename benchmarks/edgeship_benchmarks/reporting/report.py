"""Report: report.json as records. docs/report-format.md describes every field; a change here changes FORMAT and that page together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeship_benchmarks.measuring.conditions import Conditions
from edgeship_benchmarks.measuring.environment import Environment
from edgeship_benchmarks.reporting.rows import Failure, Result
from edgeship_runtime import files, record
from edgeship_runtime.errors import DataError
from edgeship_runtime.record import Json

FORMAT = 3
_WANTED = "wanted the report.json that edgeship benchmark wrote"


@dataclass(frozen=True)
class UnreadablePicture:
    """A picture left out, and why."""

    name: str
    error: str


@dataclass(frozen=True)
class Picture:
    """A picture: its name in the data, and the SHA-256 of its content before anything was done to it."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Data:
    """What was measured on.

    Attributes:
        name: the folder's, or the named set's.
        part: "test", or "all".
        sha256: over content and label of each picture, in order: equal for equal pictures.
        labels: empty for pictures without labels.
        targets: index of each true label.
        samples: pictures.
        pictures: which one each answer is about.
        trained_on: left out because a model was trained on them.
        unreadable: left out because they cannot be decoded.
    """

    name: str
    part: str
    sha256: str
    labels: tuple[str, ...]
    targets: tuple[int, ...]
    samples: int
    pictures: tuple[Picture, ...]
    trained_on: int
    unreadable: tuple[UnreadablePicture, ...]

    def __post_init__(self) -> None:
        """Refuses data whose parts are of different pictures."""
        targets = self.samples if self.labels else 0
        if (len(self.pictures), len(self.targets)) != (self.samples, targets):
            raise ValueError(f"{self.samples} samples, {len(self.pictures)} pictures, {len(self.targets)} targets")
        if any(not 0 <= target < len(self.labels) for target in self.targets):
            raise ValueError(f"a target is none of the {len(self.labels)} labels")


@dataclass(frozen=True)
class MeantFor:
    """The board that the files are for.

    Attributes:
        name, title: of its profile.
        engines: its releases, name → version.
        here: whether the machine that measured may be one.
    """

    name: str
    title: str
    engines: Mapping[str, str]
    here: bool


@dataclass(frozen=True)
class Reference:
    """The fixed kernel: which one, and its median time in this session."""

    kernel: str
    ms: float | None


@dataclass(frozen=True)
class Settings:
    """How it was measured: see Plan."""

    precision: float
    blocks: int
    most_blocks: int
    seconds: float
    seed: int


@dataclass(frozen=True)
class ParityWay:
    """One configuration of the parity matrix."""

    model: str
    engine: str
    engine_version: str
    threads: int
    batch: int


@dataclass(frozen=True)
class ParityAnswer:
    """A label and its score."""

    label: str
    score: float


@dataclass(frozen=True)
class ParityPicture:
    """A picture that not all answer alike: its true label, if it has one, and the answer of each configuration."""

    name: str
    label: str | None
    answers: tuple[ParityAnswer, ...]


@dataclass(frozen=True)
class Parity:
    """Which configurations answer differently.

    Attributes:
        ways: the configurations.
        differ: pictures that two of them answer differently, ways × ways.
        pictures: those that any two answer differently.
        missing: engines that are not here or refuse a file, in words.
    """

    ways: tuple[ParityWay, ...]
    differ: tuple[tuple[int, ...], ...]
    pictures: tuple[ParityPicture, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Head:
    """A benchmark without its rows.

    Attributes:
        edgeship: version that made it.
        command: that made it.
        started: UTC, ISO 8601.
        seconds: that it took.
        environment, before, after: the machine.
        reference, settings: how it was measured.
        data: what on.
        device: None unless one was named.
        parity: None unless asked for.
    """

    edgeship: str
    command: str
    started: str
    seconds: float
    environment: Environment
    before: Conditions
    after: Conditions
    reference: Reference
    settings: Settings
    data: Data
    device: MeantFor | None
    parity: Parity | None


@dataclass(frozen=True)
class Report(Head):
    """A benchmark; `results` are its configurations, in the order they were asked for."""

    results: tuple[Result | Failure, ...]

    def __post_init__(self) -> None:
        """Refuses rows that are of other pictures than the report's."""
        other = [row for row in self.measured if row.samples != self.data.samples]
        if other:
            raise ValueError(f"{other[0].model} has {other[0].samples} samples, the report {self.data.samples}")

    @property
    def measured(self) -> list[Result]:
        """Configurations with numbers."""
        return [row for row in self.results if isinstance(row, Result)]

    @property
    def failed(self) -> list[Failure]:
        """Configurations with a reason in place of numbers."""
        return [row for row in self.results if isinstance(row, Failure)]

    def to_json(self) -> Json:
        """What report.json holds."""
        return {"format": FORMAT, **record.to_json(self)}


def read_report(path: Path) -> Report:
    """Reads report.json; `path` may be its folder.

    Raises:
        DataError: no such file, no report, or one of another format.
    """
    path = path / "report.json" if path.is_dir() else path
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {files.reason(error)}; {_WANTED}") from None
    except ValueError:
        raise DataError(f"{path} is no JSON; {_WANTED}") from None
    if isinstance(value, dict) and isinstance(value.get("boards"), dict):
        raise DataError(
            f"{path} is of several boards ({', '.join(value['boards'])}); name the folder of one, beside it"
        )
    if not isinstance(value, dict) or not isinstance(value.get("results"), list):
        raise DataError(f"{path} is no report; {_WANTED}")
    if value.get("format") != FORMAT:
        raise DataError(
            f"{path} is a report of format {value.get('format')}; this version reads {FORMAT}: measure again, or use the "
            "version of edgeship that wrote it"
        )
    head = {key: item for key, item in value.items() if key not in ("format", "results")}
    try:
        read = record.from_json(Head, head, "report")
        rows = tuple(_row(row, f"report.results[{number}]") for number, row in enumerate(value["results"]))
        return Report(**vars(read), results=rows)
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}; {_WANTED}") from None


def _row(value: Json, where: str) -> Result | Failure:
    failed = isinstance(value, dict) and "error" in value
    return record.from_json(Failure, value, where) if failed else record.from_json(Result, value, where)


def names(rows: Sequence[Result | Failure | ParityWay]) -> list[str]:
    """A short name for each row: the file, and of engine, threads and batch what the rows do not share."""
    many = {key for key in ("engine", "threads", "batch") if len({getattr(row, key) for row in rows}) > 1}
    return [_name(row, many) for row in rows]


def _name(row: Result | Failure | ParityWay, many: set[str]) -> str:
    pieces = [row.model]
    if "engine" in many:
        pieces.append(row.engine)
    if "threads" in many:
        pieces.append(f"{row.threads} thread{'s' if row.threads > 1 else ''}")
    if "batch" in many:
        pieces.append(f"batch {row.batch}")
    return " · ".join(pieces)
