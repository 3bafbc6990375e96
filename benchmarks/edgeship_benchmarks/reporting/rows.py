"""Rows: one configuration of a report, as a record: what was measured of it, or why nothing was. See docs/report-format.md."""

from __future__ import annotations

from dataclasses import dataclass

PERCENTS = 101  # quantiles of a distribution, 0 to 100 %, both ends included


@dataclass(frozen=True)
class Latency:
    """One inference, in milliseconds, without waiting for a CPU that others had, at the machine's usual speed during the session.

    Attributes:
        first: as it came, in a fresh process.
        p50: median of the processes' medians, each brought to that speed, which is the same for all rows.
        p50_interval: lower and upper end of its 95 % interval, changes of speed included; None from fewer than 5 processes.
        p90, p95, p99: over all inferences that count.
        distribution: 101 quantiles, 0 to 100 %, over all inferences that count.
    """

    first: float
    p50: float
    p50_interval: tuple[float, ...] | None
    p90: float
    p95: float
    p99: float
    distribution: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuses what cannot be divided by, or drawn."""
        if self.p50 <= 0 or len(self.distribution) != PERCENTS:
            raise ValueError(f"p50 is {self.p50}, the distribution of {len(self.distribution)} quantiles")


@dataclass(frozen=True)
class WallClock:
    """The same inferences on the clock, waiting and drift included, in milliseconds."""

    p50: float
    p90: float
    p95: float
    p99: float


@dataclass(frozen=True)
class WholePicture:
    """From a picture's file to an answer, in milliseconds; the stages are medians on the clock."""

    p50: float
    p95: float
    decode: float
    preprocess: float
    invoke: float
    pictures: int


@dataclass(frozen=True)
class Precision:
    """How well the median is known: half-widths of 95 % intervals as shares; None from fewer than 5 processes.

    Attributes:
        asked: for both.
        half_width: of p50, in milliseconds: wide where the machine changed its speed.
        relative: of the latency in units of the reference: how well rows, and reports of other hours, compare.
        reached: whether both are as narrow as was asked for.
    """

    asked: float
    half_width: float | None
    relative: float | None
    reached: bool


@dataclass(frozen=True)
class LabelResult:
    """One label: precision, recall and F1 as fractions, 0 where undefined."""

    label: str
    precision: float
    recall: float
    f1: float
    samples: int


@dataclass(frozen=True)
class Agreement:
    """How often the answer is that of the float parent.

    Attributes:
        parent: name of the file it was compared with; None when the number is the one its export proved and wrote into it.
        fraction: of the pictures.
        samples: pictures.
    """

    parent: str | None
    fraction: float
    samples: int


@dataclass(frozen=True)
class ProcessRun:
    """One fresh process.

    Attributes:
        block: number, from 0.
        again: whether it repeats a disturbed one of the same block.
        at_s: when it began, from the start of the first block.
        p50_ms: its median net latency, drift included.
        relative: its latency in units of the reference; what comparisons go by.
        reference_ms: the reference's own time.
        waiting: share of the time in which others had the CPU; None where the system does not say.
        others: share of the machine's processor time that others used; None likewise.
        clock_mhz, temperature_c: at its end; None where the machine does not tell.
        steady: whether the warm-up ended before its patience did.
        disturbed: what disturbed it.
        counted: whether the result uses it.
    """

    block: int
    again: bool
    at_s: float
    p50_ms: float
    relative: float
    reference_ms: float
    waiting: float | None
    others: float | None
    clock_mhz: float | None
    temperature_c: float | None
    steady: bool
    disturbed: tuple[str, ...]
    counted: bool


@dataclass(frozen=True)
class Result:
    """One configuration that was measured; design and units are in docs/report-format.md."""

    model: str
    sha256: str
    format: str
    quantization: str
    engine: str
    engine_version: str
    threads: int
    batch: int
    size_bytes: int
    data_sha256: str
    labels: tuple[str, ...]
    answers: tuple[int, ...]
    scores: tuple[float, ...]
    samples: int
    accuracy: float | None
    accuracy_interval: tuple[float, ...] | None
    per_label: tuple[LabelResult, ...] | None
    agreement: Agreement | None
    latency_ms: Latency
    wall_ms: WallClock
    end_to_end_ms: WholePicture | None
    throughput_per_s: float
    import_ms: float
    load_ms: float
    peak_rss_bytes: int
    precision: Precision
    crashed: tuple[str, ...]
    runs: tuple[ProcessRun, ...]

    def __post_init__(self) -> None:
        """Refuses answers that are not one of the labels for each picture."""
        if not len(self.answers) == len(self.scores) == self.samples:
            raise ValueError(f"{len(self.answers)} answers and {len(self.scores)} scores to {self.samples} pictures")
        if any(not 0 <= answer < len(self.labels) for answer in self.answers):
            raise ValueError(f"an answer is none of the {len(self.labels)} labels")

    @property
    def picture_ms(self) -> float:
        """Median latency for each picture: what configurations with other batches compare by."""
        return self.latency_ms.p50 / self.batch


@dataclass(frozen=True)
class Failure:
    """One configuration that could not be measured, and why."""

    model: str
    engine: str
    threads: int
    batch: int
    error: str
