"""Search: one process's part in a search, trial by trial, until there are as many as are wanted."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

from edgeship_runtime.errors import EdgeshipError, TrainingError, UsageError
from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.terminal import counted, duration, say
from edgeship_train import interrupts
from edgeship_train.config import TrainingConfig
from edgeship_train.dataset import Dataset
from edgeship_train.resolving import resolve
from edgeship_train.running import begun
from edgeship_train.tuning import trials
from edgeship_train.tuning.plan import Plan
from edgeship_train.tuning.runs import Runs
from edgeship_train.tuning.storage import Storage, plainly
from edgeship_train.tuning.trials import Trial

if TYPE_CHECKING:
    import optuna

_POLL_S = 1.0


class _SurplusError(Exception):
    """Another process began the last trial that was wanted a moment earlier."""


class Search:
    """A plan, on its pictures, in a storage.

    Raises:
        EdgeshipError: the configuration or the pictures are not what is needed, or the storage has another search of that name.
    """

    def __init__(self, plan: Plan, data: LabelledData, storage: Storage) -> None:
        self.plan, self.data, self._storage = plan, data, storage
        self._runs = Runs(plan, data)
        self.base = resolve(plan.base, data)
        if not plan.searches_networks:  # what fails now fails in every trial, and a search of failed ones goes nowhere
            begun(data, self.base)
        self.dataset = self._runs.read(self.base)
        self.name = _name(plan.objective, self.base, self.dataset)
        with plainly(storage):
            self._study = _study(self.name, plan, storage)
        self._begun: optuna.Trial | None = None

    def trials(self) -> list[Trial]:
        """What was tried so far, by all processes."""
        with plainly(self._storage):
            return trials.of(self._study, self.plan.space)

    def importances(self) -> dict[str, float]:
        """Share of each option in how the objective varies, by fANOVA (Hutter et al., ICML 2014)."""
        import optuna

        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        with plainly(self._storage):
            return optuna.importance.get_param_importances(self._study, evaluator=evaluator)

    def resolved(self, trial: Trial) -> TrainingConfig:
        """The configuration that gives a trial again."""
        return resolve(self.plan.config(trial.options), self.data)

    def run(self) -> None:
        """Tries what is wanted and not there yet; returns when all trials have ended, those of other processes too.

        Raises:
            EdgeshipError: the storage or the cache went away.
            KeyboardInterrupt: the trial that ran begins again with the next process.
        """
        with plainly(self._storage), interrupts.noted():
            self._storage.put_back(self._study)
            self._say_there()
            timed = False
            while self._is_left():
                interrupts.obey()
                begun = time.monotonic()
                if self._one() and not timed:
                    self._say_time(time.monotonic() - begun)
                    timed = True
            self._wait()

    def _is_left(self) -> bool:
        return len(trials.counting(self._study)) < self.plan.wanted

    def _wait(self) -> None:
        """For the trials of other processes; what these leave behind is done here."""
        said = False
        while running := [one for one in trials.counting(self._study) if not one.state.is_finished()]:
            if not said:
                say(f"waiting for {counted(len(running), 'trial')} of other processes; Ctrl-C reports without")
                said = True
            time.sleep(_POLL_S)
            interrupts.obey()
            self._storage.put_back(self._study)
            if self._is_left():
                self._one()

    def _one(self) -> bool:
        """Runs a trial and says how it went; False when it turned out to be one too many."""
        self._begun = None
        try:
            self._study.optimize(self._objective, n_trials=1, catch=(TrainingError, UsageError, _SurplusError))
        except (KeyboardInterrupt, EdgeshipError):
            self._begin_again_if_failed()
            raise
        except ValueError:  # how Optuna says that a trial has ended already
            if not self._was_put_back():
                raise
            say("a trial was given up here: this process was silent for so long that another began it again")
            return False
        finally:
            self._storage.drop()
        if self._begin_again_if_failed():
            return False
        self._say_trial()
        return True

    def _objective(self, trial: optuna.Trial) -> float:
        self._begun = trial
        self._storage.claim(trial)
        place = 1 + sum(other.number < trial.number for other in trials.counting(self._study))
        if place > self.plan.wanted:
            raise _SurplusError
        return self._runs.value(trial, f"trial {place}/{self.plan.wanted}")

    def _begin_again_if_failed(self) -> bool:
        """Puts the trial back that ended here without a result or a reason."""
        if self._begun is None:
            return False
        trial = self._study.trials[self._begun.number]
        if trial.state.name != "FAIL" or "reason" in trial.user_attrs:
            return False
        trials.begin_again(self._study, trial)
        return True

    def _was_put_back(self) -> bool:
        begun = self._begun
        return begun is not None and begun.number not in {one.number for one in trials.counting(self._study)}

    def _say_there(self) -> None:
        there = trials.counting(self._study)
        done = sum(one.state.is_finished() for one in there)
        run = len(there) - done
        if there:
            more = max(0, self.plan.wanted - len(there))
            elsewhere = f", {run} {'runs' if run == 1 else 'run'} elsewhere" if run else ""
            are = "is" if done == 1 else "are"
            say(
                f"{counted(done, 'trial')} {are} already there{elsewhere}; {f'{more} more' if more else 'none is missing'}"
            )

    def _say_time(self, seconds: float) -> None:
        if left := self.plan.wanted - len(trials.counting(self._study)):
            say(
                f"estimated time: {duration(seconds * left)} for {counted(left, 'further trial')}, less where some are pruned"
            )

    def _say_trial(self) -> None:
        """The line of the trial that just ended."""
        assert self._begun is not None  # noqa: S101 - it did
        found = trials.of(self._study, self.plan.space)
        numbers = [one.number for one in trials.counting(self._study)]
        mine = found[numbers.index(self._begun.number)]
        say(f"trial {mine.number}/{self.plan.wanted}: {trials.line(mine, found, self.plan.objective)}")


def _name(objective: str, base: TrainingConfig, dataset: Dataset) -> str:
    """Of the study: other pictures, another configuration or another objective is another search."""
    about = json.dumps([objective, base.to_text()], sort_keys=True)
    return f"edgeship-{dataset.sha256[:16]}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"


def _study(name: str, plan: Plan, storage: Storage) -> optuna.Study:
    import optuna

    from edgeship_train.tuning import sampling

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what it warns of is said here
    study = optuna.create_study(
        study_name=name,
        storage=storage.backend,
        direction="maximize" if plan.objective == "accuracy" else "minimize",
        sampler=sampling.sampler(plan.sampler, plan.space, plan.base.seed),
        pruner=sampling.pruner(plan.pruner, plan.base.epochs),
        load_if_exists=True,
    )
    about = {"space": plan.space.to_json(), "grid": plan.sampler == "grid"}
    there = study.user_attrs.get("search")
    if there is None:
        study.set_user_attr("search", about)
    elif there != about:
        raise TrainingError(
            f"{storage.name} has a search of these pictures and this configuration that differs: {json.dumps(there)}; "
            f"this one: {json.dumps(about)}. Go on with that one, or name another --storage"
        )
    return study
