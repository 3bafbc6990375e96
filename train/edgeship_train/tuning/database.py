"""Database: a search in a database that processes share, on one machine or on several. What it raises is said without its password."""

from __future__ import annotations

import contextlib
import re
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edgeship_runtime.errors import TrainingError
from edgeship_train.tuning.trials import RETRIES

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

# How often a process says that it lives, and when it is taken for dead. Tracing a large network takes seconds.
HEARTBEAT_S, GRACE_S = 15, 60
_CONNECT_S, _LOCKED_S = 10, 30
_ATTEMPTS, _PAUSE_S = 5, 0.3  # processes that begin together make the same tables
_FORMS = "wanted sqlite:///F.db, postgresql+psycopg://USER@HOST:PORT/DATABASE, or a file"


def opened(url: str) -> BaseStorage:
    """The database, its tables made where they are missing.

    Raises:
        TrainingError: it cannot be reached or understood, or its driver is not installed.
    """
    with plainly(shown(url)):
        if url.count("@") > 1:
            raise TrainingError(f"--storage {shown(url)}: an @ in a user or password is written %40, a / is %2F")
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(_SameMomentError):
                return _opened(url)
            time.sleep(_PAUSE_S)
        return _opened(url)


def shown(url: str) -> str:
    """A URL without user, password and options."""
    import sqlalchemy

    try:
        found = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        return f"{url.partition('://')[0]}://…"
    if "@" in (found.host or ""):  # a piece of the password
        return f"{found.drivername}://…"
    plain = sqlalchemy.URL.create(found.drivername, host=found.host, port=found.port, database=found.database)
    return plain.render_as_string()


@contextlib.contextmanager
def plainly(name: str) -> Iterator[None]:
    """Says in one line what SQLAlchemy and Optuna raise.

    Raises:
        TrainingError: instead of theirs.
    """
    import optuna
    import sqlalchemy

    try:
        yield
    except sqlalchemy.exc.ArgumentError:  # its text may hold the URL
        raise TrainingError(f"--storage {name}: no such database; {_FORMS}") from None
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError, UnboundLocalError) as error:
        # Optuna trips over a variable of its own where a database goes away at the end of a trial.
        found = [one for one in _chain(error) if isinstance(one, sqlalchemy.exc.SQLAlchemyError)]
        if not found:
            raise
        raise TrainingError(f"--storage {name}: {_reason(found[0])}") from None


class _SameMomentError(TrainingError):
    """Another process makes the same tables."""


def _opened(url: str) -> BaseStorage:
    import sqlalchemy

    try:
        return _rdb(url)
    except sqlalchemy.exc.DBAPIError as error:
        if re.search("already exists|unique", str(error.orig), re.IGNORECASE):
            raise _SameMomentError(f"--storage {shown(url)}: {_reason(error)}") from None
        raise
    except ImportError as error:
        driver = getattr(error.__cause__, "name", "") or "its driver"
        raise TrainingError(f"--storage {shown(url)} needs {driver}, which is not installed; {_FORMS}") from None
    except ValueError:  # the port, whose text may be a password
        raise TrainingError(f"--storage {shown(url)}: its port is no number; {_FORMS}") from None
    except RuntimeError as error:  # tables of another version of Optuna's
        raise TrainingError(f"--storage {shown(url)}: {_line(error)}") from None


def _rdb(url: str) -> BaseStorage:
    import optuna
    import sqlalchemy

    dialect = sqlalchemy.make_url(url).get_backend_name()
    limits: dict[str, Any] = {"postgresql": {"connect_timeout": _CONNECT_S}, "sqlite": {"timeout": _LOCKED_S}}

    class Patient(optuna.storages.RDBStorage):
        """Whose heart beats on when one beat is lost; else its thread would end, and the trial be another's a minute later."""

        def record_heartbeat(self, trial_id: int) -> None:
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError):
                super().record_heartbeat(trial_id)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return Patient(
            url,
            heartbeat_interval=HEARTBEAT_S,
            grace_period=GRACE_S,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
            engine_kwargs={"pool_pre_ping": True, "connect_args": limits.get(dialect, {})},
        )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: BaseException) -> str:
    """What the driver says, rather than what is said about it."""
    return _line(getattr(error, "orig", None) or error)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
