"""Storage: where trials are written down, so that processes share a search and a stopped one goes on.

Processes die. Each running trial of a journal is a lock, which the system drops with the process; a database is told by each process
every few seconds that it lives. What a process left behind is put back for another.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime import files
from edgeship_runtime.errors import OutputError, UsageError
from edgeship_train.tuning import database, journal, trials

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

# Between its number and its claim a trial stands for milliseconds; longer only where its process died just then.
_UNCLAIMED_S = 60


@dataclass(frozen=True, eq=False)
class Storage:
    """An open storage.

    Attributes:
        name: to be shown: neither user nor password is in it.
        backend: Optuna's.
        claims: of a journal.
    """

    name: str
    backend: BaseStorage
    claims: journal.Claims | None = None

    def claim(self, trial: optuna.Trial) -> None:
        """Says that this process works on a trial, until it drops it or dies."""
        if self.claims:
            self.claims.take(trial.study.study_name, trial.number)
        trial.set_user_attr("claimed", trial.number)

    def drop(self) -> None:
        """After the end of a trial is written down."""
        if self.claims:
            self.claims.drop()

    def close(self) -> None:
        """Lets go of files and connections."""
        import optuna

        if self.claims:
            self.claims.close()
        if isinstance(self.backend, optuna.storages.RDBStorage):
            self.backend.remove_session()
            self.backend.engine.dispose()

    def put_back(self, study: optuna.Study) -> None:
        """Puts back the trials of processes that are no more. Not while one of this process's runs."""
        import optuna

        plain = optuna.load_study(study_name=study.study_name, storage=self.backend)  # whose sampler takes no part
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.storages.fail_stale_trials(plain)
        for trial in _running(plain):
            if self._is_left_behind(plain, trial):
                plain.tell(trial.number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)
                trials.begin_again(plain, trial, trials.RETRIES)
        self.drop()

    def _is_left_behind(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """If so, no other process finds so of a journal's trial as long as this one does not drop it."""
        if self.claims and not self.claims.take(study.study_name, trial.number):
            return False
        if trial.user_attrs.get("claimed") != trial.number:  # the attributes of a trial that begins again come along
            begun = trial.datetime_start
            return begun is not None and datetime.now() - begun > timedelta(seconds=_UNCLAIMED_S)
        return self.claims is not None and trial.number in {other.number for other in _running(study)}


def opened(spec: str) -> Storage:
    """The storage that `--storage` names: a database's URL, or a journal's file.

    Raises:
        UsageError: it names nothing, as from a variable that is not set.
        TrainingError: it cannot be reached, or is something else.
        OutputError: the file cannot be written.
    """
    if not spec:
        raise UsageError("--storage is empty; wanted a database's URL, or a file")
    if "://" in spec:
        return Storage(database.shown(spec), database.opened(spec))
    path = Path(spec)
    return Storage(spec, journal.opened(path), journal.Claims(path))


@contextlib.contextmanager
def plainly(storage: Storage) -> Iterator[None]:
    """Says in one line what the storage raises when it goes away in the midst of a search.

    Raises:
        TrainingError: of a database, or of a journal that another program damaged.
        OutputError: of a journal.
    """
    with database.plainly(storage.name):
        try:
            yield
        except OSError as error:
            if storage.claims is None:
                raise
            raise OutputError(f"{storage.name}: {files.reason(error)}") from None
        except json.JSONDecodeError:
            raise journal.damaged(storage.name) from None


def _running(study: optuna.Study) -> list[FrozenTrial]:
    import optuna

    return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
