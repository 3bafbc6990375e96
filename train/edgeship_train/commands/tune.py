"""Search for good training options.

Trains many times with other options and keeps those of the best trial as DIR/train.toml, for edgeship train --config; beside it
trials.json and tuning.html. What is best is decided on validation pictures; test pictures have no say. Any option of edgeship train
holds for all trials.

--space is a TOML file: a list is a choice, a table a range, as in learning_rate = {low = 1e-4, high = 1e-2, log = true} and
dropout = [0.0, 0.2, 0.5]. Without it, learning rate, dropout, augmentation and a few more are searched, but for those given here.

Interrupted, the same command goes on. Several processes, on several machines with a database, share a search when they name the same
--storage; --trials is what is wanted of all of them together. Best leave the password out of the URL (PostgreSQL reads ~/.pgpass).

Example:
  edgeship tune flowers/ --trials 30
  edgeship train flowers/ --config flowers.tuning/train.toml --out flowers.keras
  edgeship tune flowers/ --trials 12 --sampler grid --space grid.toml --arch mobilenet_v2 --epochs 6
  edgeship tune flowers/ --trials 100 --storage postgresql+psycopg://me@db.example.org/tuning
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_force, add_json, positive
from edgeship_runtime.terminal import answer, answer_json, say
from edgeship_train.commands.options import add_configuration, configured, given
from edgeship_train.config import TrainingConfig

if TYPE_CHECKING:
    from edgeship_train.tuning.plan import Plan
    from edgeship_train.tuning.search import Search
    from edgeship_train.tuning.trials import Trial

_JOURNAL = "trials.journal"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("data", metavar="DATA", help="labelled pictures: a folder, or a named set")
    parser.add_argument(
        "--trials", type=positive, default=20, metavar="N", help="wanted, with those that are there (default 20)"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for what is found (default: DATA's name, .tuning)")
    parser.add_argument(
        "--storage",
        metavar="URL",
        help=f"a database (sqlite:///F.db, postgresql+psycopg://…) or a file, shared by processes (default: DIR/{_JOURNAL})",
    )
    parser.add_argument(
        "--space", metavar="F.toml", help="which options to search, and where (default: the usual ones)"
    )
    parser.add_argument("--sampler", default="tpe", choices=("tpe", "random", "grid"), help="default tpe")
    parser.add_argument(
        "--pruner", default="median", choices=("median", "none"), help="median (default) ends trials that lag behind"
    )
    parser.add_argument(
        "--objective",
        default="accuracy",
        choices=("accuracy", "loss"),
        help="of the best epoch, on validation pictures (default accuracy)",
    )
    parser.add_argument(
        "--config", metavar="F.toml", help="options of all trials from a file; those given here replace them"
    )
    add_configuration(parser)
    parser.add_argument("--no-cache", action="store_true", help="keep decoded pictures in memory, not in the cache")
    add_force(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Searches. Exit code 1 when no trial came to a value."""
    from edgeship_runtime.data import open_data
    from edgeship_train.training import choose_device
    from edgeship_train.tuning import report
    from edgeship_train.tuning.search import Search
    from edgeship_train.tuning.storage import opened

    plan = _plan(options)
    data = open_data(options.data)
    out = _folder(options.out or f"{data.name}.tuning")
    with contextlib.closing(opened(str(out / _JOURNAL) if options.storage is None else options.storage)) as storage:
        search = Search(plan, data, storage)
        report.check(out, search.name, force=options.force)
        say(f"device: {choose_device()}")
        try:
            search.run()
        except KeyboardInterrupt as stop:
            raise type(stop)(_kept(out, search)) from None
        _finish(options, out, search)
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    from edgeship_runtime.errors import UsageError
    from edgeship_train.tuning import space_file
    from edgeship_train.tuning.plan import Plan, default_space, opened

    base = configured(given(options), options)
    flags = [item.name for item in dataclasses.fields(TrainingConfig) if getattr(options, item.name) is not None]
    if options.space:
        searched = space_file.read(Path(options.space), base)
        if both := [name for name in flags if name in searched.options]:
            raise UsageError(f"--{both[0].replace('_', '-')} is given, and searched by --space: leave one of them out")
    else:
        searched = default_space(base, flags, options.objective)
    base = opened(base, searched, flags)
    return Plan(
        base, searched, options.trials, options.objective, options.sampler, options.pruner, not options.no_cache
    )


def _folder(name: str) -> Path:
    from edgeship_runtime import files
    from edgeship_runtime.errors import OutputError

    out = Path(name)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--out {out}: {files.reason(error)}; wanted a folder") from None
    return out


def _kept(out: Path, search: Search) -> str:
    """Reports what an interrupted search gave, and says so."""
    from edgeship_train.tuning import report, trials

    found = [trial for trial in search.trials() if trial.state != "running"]
    if not found:
        return "no trial had ended; the same command goes on from here"
    report.write(out, search, found, trials.best(found, search.plan.objective))
    done = f"{len(found)} of {search.plan.wanted} trials"
    return f"what {done} gave is in {out}; the same command goes on from here"


def _finish(options: argparse.Namespace, out: Path, search: Search) -> None:
    from edgeship_runtime.errors import TrainingError
    from edgeship_train.tuning import report, trials

    found = search.trials()
    best = trials.best(found, search.plan.objective)
    report.write(out, search, found, best)
    if best is None:
        reason = next((trial.reason for trial in found if trial.reason), "")
        raise TrainingError(f"all {len(found)} trials failed, the first so: {reason}")
    if options.json:
        answer_json(_json(out, found, best))
    else:
        _answer(options.data, out, search, found, best)


def _json(out: Path, found: list[Trial], best: Trial) -> dict[str, object]:
    counts = {state: sum(trial.state == state for trial in found) for state in ("pruned", "failed")}
    return {
        "best": dict(best.options),
        "value": best.value,
        "trial": best.number,
        "trials": len(found),
        **counts,
        "out": str(out),
    }


def _answer(data: str, out: Path, search: Search, found: list[Trial], best: Trial) -> None:
    import shlex

    from edgeship_train.tuning.report import BEST, PAGE
    from edgeship_train.tuning.trials import spelled

    answer(
        f"best: validation {search.plan.objective} {best.value:.4f}, trial {best.number} of {len(found)}; {spelled(best.options)}"
    )
    answer(f"wrote {out / BEST} and {out / PAGE}")
    answer(f"edgeship train {shlex.quote(data)} --config {shlex.quote(str(out / BEST))} --out M.keras")
