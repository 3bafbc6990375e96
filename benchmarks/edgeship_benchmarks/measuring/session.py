"""Session: a plan carried out on this machine, from the first look at it to the last."""

from __future__ import annotations

import dataclasses
import datetime
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edgeship_benchmarks.measuring.blocks import run_blocks
from edgeship_benchmarks.measuring.conditions import conditions
from edgeship_benchmarks.measuring.environment import environment
from edgeship_benchmarks.measuring.inputs import Inputs, make_inputs
from edgeship_benchmarks.measuring.job import Job
from edgeship_benchmarks.measuring.plan import Plan
from edgeship_benchmarks.measuring.process import in_fresh_process
from edgeship_benchmarks.measuring.reference import kernel
from edgeship_benchmarks.measuring.results import Answered, AnswersOf, Failed, Results, Timed, Unreadable
from edgeship_benchmarks.measuring.store import Store
from edgeship_runtime.errors import EdgeshipError
from edgeship_runtime.model_file import ModelFile
from edgeship_runtime.preprocessing import Preprocessing

_ATTEMPTS = 2  # of a process, in one block
_LEAST_LIMIT_S, _SLOWER, _MOST_INFERENCES = 60.0, 10, 200  # of the few that a slow model needs, five times over
_END_TO_END = 40  # pictures handed to each process; how many it takes, time decides


def run(plan: Plan, store: Store, begin: Callable[[str], None]) -> Results:
    """Measures. A configuration that fails is in `failed`, with the reason; the others go on.

    Args:
        plan: what to measure.
        store: has its models and pictures.
        begin: told what comes next, once for each process.

    Raises:
        EdgeshipError: not one picture can be decoded.
    """
    with tempfile.TemporaryDirectory(prefix="edgeship-inputs-") as folder:
        return _Session(plan, store, Path(folder), begin).run()


@dataclass
class _Session:
    plan: Plan
    store: Store
    folder: Path
    begin: Callable[[str], None]
    inputs: dict[Preprocessing, Inputs] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    crashed: list[Failed] = field(default_factory=list)
    took_s: dict[int, float] = field(default_factory=dict)

    def run(self) -> Results:
        started, clock = datetime.datetime.now(datetime.UTC), time.monotonic()
        before = conditions()
        inputs_of = [self._inputs_of(number) for number in range(len(self.plan.models))]
        jobs = [self._job(index, inputs_of[at.model]) for index, at in enumerate(self.plan.configurations)]
        answers = [self._answered(index, job) for index, job in enumerate(jobs) if index not in self.failed]
        timed = [index for index in range(self.plan.timed) if index not in self.failed]
        chosen = {one.configuration: one.answered.engine for one in answers if one is not None}
        jobs = [dataclasses.replace(job, engine=chosen.get(index, job.engine)) for index, job in enumerate(jobs)]
        runs = run_blocks(self.plan, timed, lambda index, block: self._timed(index, jobs[index], block), self.begin)
        return Results(
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - clock, 1),
            kernel=kernel(),
            environment=environment(),
            before=before,
            after=conditions(),
            runs=tuple(runs),
            answers=tuple(one for one in answers if one is not None),
            failed=tuple(Failed(index, error) for index, error in sorted(self.failed.items())),
            crashed=tuple(self.crashed),
            unreadable=self._unreadable(),
        )

    def _inputs_of(self, number: int) -> Inputs | None:
        """The inputs of a model; None when it cannot be opened, and its configurations have failed."""
        model = self.plan.models[number]
        try:
            preprocessing = ModelFile.open(self.store.model(model)).manifest.preprocessing
        except EdgeshipError as error:
            self.failed |= {
                i: self._spoken(error, i) for i, at in enumerate(self.plan.configurations) if at.model == number
            }
            return None
        if preprocessing not in self.inputs:
            path = self.folder / f"{len(self.inputs)}.npy"
            self.inputs[preprocessing] = make_inputs(self.plan.pictures, self.store, preprocessing, path)
        return self.inputs[preprocessing]

    def _job(self, index: int, inputs: Inputs | None) -> Job:
        at = self.plan.configurations[index]
        path = self.store.model(self.plan.models[at.model])
        return Job("answer", str(path), at.engine, at.threads, at.batch, str(inputs.path if inputs else ""))

    def _answered(self, index: int, job: Job) -> AnswersOf | None:
        self.begin("answers")
        began = time.monotonic()
        try:
            answered = in_fresh_process(job, Answered)
        except EdgeshipError as error:
            self.failed[index] = self._spoken(error, index)
            return None
        self.took_s[index] = time.monotonic() - began
        hidden = {item.picture for item in self._unreadable()}
        top = tuple(-1 if number in hidden else best for number, best in enumerate(answered.top))
        return AnswersOf(index, dataclasses.replace(answered, top=top))

    def _timed(self, index: int, job: Job, block: int) -> Timed | None:
        """What a fresh process measured, or the next one; None when two in a row gave nothing: then the configuration has failed."""
        task: Literal["time"] = "time"
        job = dataclasses.replace(job, task=task, pictures=self._pictures(block), seconds=self.plan.seconds)
        for _ in range(_ATTEMPTS):
            try:
                return in_fresh_process(job, Timed, self._limit_s(index, job))
            except EdgeshipError as error:
                self.crashed.append(Failed(index, self._spoken(error, index)))
        self.failed[index] = self.crashed[-1].error
        return None

    def _limit_s(self, index: int, job: Job) -> float:
        """What a process may take that hangs or not: many times what it should, going by how long the answers took."""
        inferences = _MOST_INFERENCES * job.batch / len(self.plan.pictures)
        return _LEAST_LIMIT_S + job.seconds + (_SLOWER + inferences) * self.took_s[index]

    def _pictures(self, block: int) -> tuple[str, ...]:
        """Other ones in each block, so that many are taken from end to end."""
        hidden = {item.picture for item in self._unreadable()}
        every = [picture for number, picture in enumerate(self.plan.pictures) if number not in hidden]
        return tuple(str(self.store.picture(every[(block * _END_TO_END + n) % len(every)])) for n in range(_END_TO_END))

    def _unreadable(self) -> tuple[Unreadable, ...]:
        every = {item.picture: item for inputs in self.inputs.values() for item in inputs.unreadable}
        return tuple(every[number] for number in sorted(every))

    def _spoken(self, error: EdgeshipError, index: int) -> str:
        """An error with the file's own name in place of where it lies in the store."""
        model = self.plan.models[self.plan.configurations[index].model]
        return str(error).replace(str(self.store.model(model)), model.name)
