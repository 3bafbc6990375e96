"""Results: what a board found out, as it came; what it means is decided on the workstation."""

from __future__ import annotations

from dataclasses import dataclass

from edgeship_benchmarks.measuring.conditions import Conditions
from edgeship_benchmarks.measuring.environment import Environment
from edgeship_benchmarks.measuring.plan import FORMAT
from edgeship_benchmarks.measuring.warm_up import WarmUp

GRID = 201  # quantiles that stand for all latencies of a process: every half per cent, both ends included


@dataclass(frozen=True)
class EndToEnd:
    """Pictures from a file to an answer, in milliseconds, one entry for each: total net of waiting, the stages on the clock."""

    total_ms: tuple[float, ...]
    decode_ms: tuple[float, ...]
    preprocess_ms: tuple[float, ...]
    invoke_ms: tuple[float, ...]


@dataclass(frozen=True)
class Timed:
    """What one fresh process measured. An inference goes from raw pixels in memory to scores in memory.

    Attributes:
        engine, engine_version: that ran.
        import_ms: the engine's library.
        load_ms: the model file: read, checked, loaded.
        first_ms: the first inference.
        warm_up: before the first inference that counts.
        inferences: that count.
        net_ms: quantiles (GRID of them) of their latency, without the time in which others had the CPU.
        wall_ms: the same quantiles on the clock.
        scaled: the same quantiles of net latency in units of the reference of the same slice of some 30 ms.
        relative: median, over the slices, of their median net latency in units of their reference.
        reference_ms: median of the reference.
        waiting: share of the time in which a thread was ready to run and others had the CPU; None where the system does not say.
        end_to_end: whole pictures; None for batches and for engines that refuse single ones.
        peak_rss_bytes: highest resident memory of the process.
        own_s: processor time of this process from `before` to `after`.
        wall_s: time from `before` to `after`.
        before, after: the timing.
    """

    engine: str
    engine_version: str
    import_ms: float
    load_ms: float
    first_ms: float
    warm_up: WarmUp
    inferences: int
    net_ms: tuple[float, ...]
    wall_ms: tuple[float, ...]
    scaled: tuple[float, ...]
    relative: float
    reference_ms: float
    waiting: float | None
    end_to_end: EndToEnd | None
    peak_rss_bytes: int
    own_s: float
    wall_s: float
    before: Conditions
    after: Conditions

    @property
    def net_p50_ms(self) -> float:
        """Median of the net latencies."""
        return self.net_ms[GRID // 2]


@dataclass(frozen=True)
class Run:
    """One process of one block.

    Attributes:
        configuration: index into Plan.configurations.
        block: number, from 0.
        again: whether it repeats one of the same block that was disturbed.
        at_s: when it began, from the start of the session.
        timed: what it measured.
        disturbed: what disturbed it; empty when nothing did.
    """

    configuration: int
    block: int
    again: bool
    at_s: float
    timed: Timed
    disturbed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answered:
    """The answers of one configuration to every picture.

    Attributes:
        engine, engine_version: that answered.
        top: index of the highest score; -1 for a picture that cannot be decoded.
        score: that score.
    """

    engine: str
    engine_version: str
    top: tuple[int, ...]
    score: tuple[float, ...]


@dataclass(frozen=True)
class Failed:
    """A configuration that could not be measured, and why."""

    configuration: int
    error: str


@dataclass(frozen=True)
class Unreadable:
    """A picture that cannot be decoded: its index in Plan.pictures, and why."""

    picture: int
    error: str


@dataclass(frozen=True)
class AnswersOf:
    """Whose answers."""

    configuration: int
    answered: Answered


@dataclass(frozen=True)
class Results:
    """Everything.

    Attributes:
        started: UTC, ISO 8601.
        seconds: that it took.
        kernel: which reference was timed.
        environment: see Environment.
        before, after: the whole session.
        runs: in the order they were made.
        answers: of each configuration that answered.
        failed: the others, and those that dropped out later, whose runs are kept.
        crashed: every process that gave nothing while timing, though the same had answered before.
        unreadable: pictures without an answer.
        format: of this record.
    """

    started: str
    seconds: float
    kernel: str
    environment: Environment
    before: Conditions
    after: Conditions
    runs: tuple[Run, ...]
    answers: tuple[AnswersOf, ...]
    failed: tuple[Failed, ...]
    crashed: tuple[Failed, ...]
    unreadable: tuple[Unreadable, ...]
    format: int = FORMAT

    def __post_init__(self) -> None:
        """Refuses what another version wrote."""
        if self.format != FORMAT:
            raise ValueError(f"results have format {self.format}; this version reads format {FORMAT}")
