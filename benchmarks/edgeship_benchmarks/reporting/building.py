"""Building: from what a board found out, and what the workstation knows of files and labels, to a Report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from edgeship_benchmarks.gathering import Gathered, Opened
from edgeship_benchmarks.measuring.disturbance import counted
from edgeship_benchmarks.measuring.environment import Environment
from edgeship_benchmarks.measuring.plan import Plan
from edgeship_benchmarks.measuring.results import Answered, Results, Run
from edgeship_benchmarks.measuring.speed import Known, known
from edgeship_benchmarks.reporting import accuracy, latency
from edgeship_benchmarks.reporting.parity import parity
from edgeship_benchmarks.reporting.report import (
    Data,
    MeantFor,
    Picture,
    Reference,
    Report,
    Settings,
    UnreadablePicture,
)
from edgeship_benchmarks.reporting.rows import Failure, Result
from edgeship_devices.detecting import could_be
from edgeship_devices.device import Device


@dataclass(frozen=True)
class Session:
    """Everything there is to make a report of.

    Attributes:
        command: as it was typed.
        opened: the files, the usable ones in the order of the plan's.
        gathered: the pictures.
        plan: what was asked.
        results: what came.
        parity: whether a parity matrix was asked for.
    """

    command: str
    opened: Opened
    gathered: Gathered
    plan: Plan
    results: Results
    parity: bool


def build(session: Session) -> Report:
    """The report of a session."""
    plan, results = session.plan, session.results
    data, readable = _data(session.gathered, results)
    used = {index: counted(_runs(results, index), plan.blocks) for index in range(plan.timed)}
    every = [run.timed.reference_ms for runs in used.values() for run in runs]
    reference = Reference(results.kernel, float(np.median(every)) if every else None)
    medians = known(used, plan.configurations)
    answers = {item.configuration: item.answered for item in results.answers}
    errors = {item.configuration: item.error for item in results.failed}

    def row(index: int) -> Result | Failure:
        at = plan.configurations[index]
        lost = index in errors and len(used[index]) < plan.blocks
        if lost or index not in answers or index not in medians:
            name = session.opened.models[at.model].name
            return Failure(name, at.engine, at.threads, at.batch, errors.get(index, "nothing was measured"))
        return _result(session, index, answers, used[index], data, readable, medians[index])

    rows = [row(index) for index in range(plan.timed)]
    refused = [Failure(one.name, "auto", 1, 1, one.error) for one in session.opened.refused]
    return Report(
        edgeship=version("edgeship"),
        command=session.command,
        started=results.started,
        seconds=results.seconds,
        environment=results.environment,
        before=results.before,
        after=results.after,
        reference=reference,
        settings=Settings(plan.precision, plan.blocks, plan.most_blocks, plan.seconds, plan.seed),
        data=data,
        device=_meant_for(session.opened.device, results.environment),
        parity=parity(plan, session.opened.models, session.gathered, answers, errors, readable)
        if session.parity
        else None,
        results=(*rows, *refused),
    )


def _result(
    session: Session,
    index: int,
    answers: Mapping[int, Answered],
    runs: Sequence[Run],
    data: Data,
    readable: Sequence[int],
    median: Known,
) -> Result:
    plan, at = session.plan, session.plan.configurations[index]
    model = session.opened.models[at.model].model
    top = np.array(answers[index].top)[list(readable)]
    score = np.array(answers[index].score)[list(readable)]
    judged = accuracy.judge(top, model.manifest.labels, data)
    measured = latency.measure(runs, median, plan.precision)
    return Result(
        model=session.opened.models[at.model].name,
        sha256=model.raw.sha256,
        format=model.format,
        quantization=model.manifest.quantization.scheme,
        engine=answers[index].engine,
        engine_version=answers[index].engine_version,
        threads=at.threads,
        batch=at.batch,
        size_bytes=model.raw.size_bytes,
        data_sha256=data.sha256,
        labels=model.manifest.labels,
        answers=tuple(top.tolist()),
        scores=tuple(score.tolist()),
        samples=len(top),
        accuracy=judged.accuracy,
        accuracy_interval=judged.interval,
        per_label=judged.per_label,
        agreement=accuracy.agreement(index, session.plan, session.opened.models, answers, readable),
        latency_ms=measured.latency,
        wall_ms=measured.wall,
        end_to_end_ms=measured.whole,
        throughput_per_s=latency.rounded(1e3 * at.batch / measured.latency.p50),
        import_ms=measured.import_ms,
        load_ms=measured.load_ms,
        peak_rss_bytes=measured.peak_rss_bytes,
        precision=measured.precision,
        crashed=tuple(item.error for item in session.results.crashed if item.configuration == index),
        runs=latency.summaries(_runs(session.results, index), runs, session.results.environment.cores),
    )


def _meant_for(device: Device | None, where: Environment) -> MeantFor | None:
    if device is None:
        return None
    return MeantFor(device.name, device.title, device.engines, could_be(device, where.machine, where.board))


def _runs(results: Results, index: int) -> list[Run]:
    return [run for run in results.runs if run.configuration == index]


def _data(gathered: Gathered, results: Results) -> tuple[Data, list[int]]:
    """The data that answers are about, and the indices of its pictures in the plan."""
    black = {item.picture: item.error for item in results.unreadable}
    readable = [number for number in range(len(gathered.pictures)) if number not in black]
    targets = [gathered.targets[number] for number in readable] if gathered.labels else []
    labels = [gathered.labels[target] for target in targets] or [""] * len(readable)
    lines = [f"{gathered.digests[number]} {label}\n" for number, label in zip(readable, labels, strict=True)]
    lost = [UnreadablePicture(*item) for item in gathered.unreadable]
    lost += [UnreadablePicture(gathered.pictures[number].name, error) for number, error in black.items()]
    data = Data(
        name=gathered.name,
        part=gathered.part,
        sha256=hashlib.sha256("".join(lines).encode()).hexdigest(),
        labels=gathered.labels,
        targets=tuple(targets),
        samples=len(readable),
        pictures=tuple(Picture(gathered.pictures[number].name, gathered.digests[number]) for number in readable),
        trained_on=gathered.trained_on,
        unreadable=tuple(lost),
    )
    return data, readable
