"""Plan: what a board is asked to measure. Files are named by their SHA-256 and lie in a Store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

FORMAT = 2  # of plans and results; the two sides must agree on it


@dataclass(frozen=True)
class PlannedModel:
    """A model file.

    Attributes:
        sha256: of the whole file.
        name: how to speak of it; its suffix stays with the file.
    """

    sha256: str
    name: str

    @property
    def suffix(self) -> str:
        """Of its name, such as ".tflite": Keras goes by it."""
        return PurePath(self.name).suffix.lower()


@dataclass(frozen=True)
class PlannedPicture:
    """An encoded picture, and how to speak of it."""

    sha256: str
    name: str


@dataclass(frozen=True, order=True)
class Configuration:
    """One way to run a model.

    Attributes:
        model: index into Plan.models.
        engine: one of edgeship_runtime.engines.ENGINES, or "auto".
        threads: for one inference.
        batch: pictures in one inference.
    """

    model: int
    engine: str
    threads: int
    batch: int = 1

    def __post_init__(self) -> None:
        """Refuses what no engine can do."""
        if self.threads < 1 or self.batch < 1:
            raise ValueError(f"threads is {self.threads} and batch {self.batch}; wanted at least 1")


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long.

    Attributes:
        models: the files.
        pictures: in the order of the answers.
        configurations: what to run.
        timed: the first so many of them are timed; the others only answer.
        precision: stop when every interval's half-width is at most this share of its median: in ms and against the reference.
        blocks: at least so many, each timing every configuration in a fresh process.
        most_blocks: at most so many.
        seconds: of timing in each process.
        seed: of the order within the blocks.
        format: of this record.
    """

    models: tuple[PlannedModel, ...]
    pictures: tuple[PlannedPicture, ...]
    configurations: tuple[Configuration, ...]
    timed: int
    precision: float
    blocks: int
    most_blocks: int
    seconds: float
    seed: int = 0
    format: int = FORMAT

    def __post_init__(self) -> None:
        """Refuses a plan of another version, and one that measures nothing."""
        if self.format != FORMAT:
            raise ValueError(f"plan has format {self.format}; this version measures format {FORMAT}")
        if not 1 <= self.blocks <= self.most_blocks:
            raise ValueError(
                f"blocks is {self.blocks} and most_blocks {self.most_blocks}; wanted 1 ≤ blocks ≤ most_blocks"
            )
        if not self.pictures:
            raise ValueError("no pictures")
        if any(not 0 <= one.model < len(self.models) for one in self.configurations):
            raise ValueError("a configuration names a model that is not in the plan")
