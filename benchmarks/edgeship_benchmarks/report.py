"""Report: the numbers of a benchmark, in the form that report.json has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeship_benchmarks.environment import environment
from edgeship_benchmarks.plan import Outcome
from edgeship_runtime.evaluation import wilson
from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.record import Json

FORMAT = 1


def report(outcomes: Sequence[Outcome], data: LabelledData, command: str) -> Json:
    """`{"format", "environment", "data", "command", "results": […]}`; a configuration that failed has "error" in place of numbers."""
    return {
        "format": FORMAT,
        "environment": environment(),
        "data": {"name": data.name, "part": data.for_measuring()[0]},
        "command": command,
        "results": [_result(outcome) for outcome in outcomes],
    }


def _result(outcome: Outcome) -> Json:
    at, model = outcome.configuration, outcome.model
    head = {"model": at.model.name, "engine": at.engine, "threads": at.threads, "batch": at.batch}
    if model is not None:
        head |= {"sha256": model.raw.sha256, "format": model.format, "quantization": model.manifest.quantization.scheme}
        head |= {"size_bytes": model.raw.size_bytes}
    if outcome.error is not None or outcome.pictures is None or not outcome.measurements:
        return {**head, "error": outcome.error or "nothing was measured"}
    rounds = outcome.measurements
    every = np.concatenate([m.latencies_ms for m in rounds])
    p50 = float(np.median([np.median(m.latencies_ms) for m in rounds]))
    right = int((np.array(outcome.answers) == outcome.pictures.targets).sum())
    samples = len(outcome.answers)
    return {
        **head,
        "engine": rounds[0].engine,
        "engine_version": rounds[0].engine_version,
        "accuracy": right / samples,
        "accuracy_interval": list(wilson(right, samples)),
        "samples": samples,
        "data_sha256": outcome.pictures.sha256,
        "latency_ms": {
            "first": _rounded(np.median([m.first_ms for m in rounds])),
            "p50": _rounded(p50),
            "p95": _rounded(np.percentile(every, 95)),
            "p99": _rounded(np.percentile(every, 99)),
            "rounds_p50": [_rounded(np.median(m.latencies_ms)) for m in rounds],
        },
        "throughput_per_s": _rounded(1e3 * at.batch / p50),
        "peak_rss_bytes": int(np.median([m.peak_rss_bytes for m in rounds])),
        "load_ms": _rounded(np.median([m.load_ms for m in rounds])),
        "answers": list(outcome.answers),
    }


def _rounded(value: float | np.floating) -> float:
    return float(f"{float(value):.5g}")
