"""Report: what a search found, as a train.toml to train with, as JSON for machines and as one self-contained page for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgeship_runtime import files
from edgeship_runtime.errors import OutputError
from edgeship_runtime.pages import render
from edgeship_runtime.terminal import duration
from edgeship_train import config_file
from edgeship_train.tuning import figures, trials
from edgeship_train.tuning.search import Search
from edgeship_train.tuning.trials import Trial

TRIALS, PAGE, BEST = "trials.json", "tuning.html", "train.toml"
_MOST_ROWS = 15
_TELLING = 10  # complete trials that importances are worth something of


def check(folder: Path, study: str, *, force: bool) -> None:
    """Refuses a folder with the files of another search; those of this one are renewed.

    Raises:
        OutputError: it has some, and `force` is not set.
    """
    there = [name for name in (BEST, TRIALS, PAGE) if (folder / name).exists()]
    if not there or force:
        return
    try:
        same = json.loads((folder / TRIALS).read_text("utf-8"))["study"] == study
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise OutputError(
            f"{folder / there[0]} is of another search, of other pictures or another configuration; "
            "name another --out, or overwrite it with --force"
        )


def write(folder: Path, search: Search, found: list[Trial], best: Trial | None) -> list[str]:
    """Writes what there is to say; returns the files' names. Without a best trial there is no train.toml, and no page.

    Raises:
        OutputError: they cannot be written.
    """
    texts = {TRIALS: json.dumps(_json(search, found, best), ensure_ascii=False, indent=1, allow_nan=False)}
    if best is not None:
        texts = {BEST: _toml(search, found, best), **texts, PAGE: _page(search, found, best)}
    for name, text in texts.items():
        files.write(folder / name, text.encode(), force=True)
    return list(texts)


def _toml(search: Search, found: list[Trial], best: Trial) -> str:
    value = f"validation {search.plan.objective} {best.value:.4f}"
    heading = f"# trial {best.number} of {len(found)} of edgeship tune: {value}\n\n"
    return heading + config_file.text(search.resolved(best))


def _json(search: Search, found: list[Trial], best: Trial | None) -> dict[str, Any]:
    plan = search.plan
    return {
        "study": search.name,
        "data": {"name": search.data.name, "sha256": search.dataset.sha256},
        "objective": plan.objective,
        "sampler": plan.sampler,
        "pruner": plan.pruner,
        "space": plan.space.to_json(),
        "base": search.base.to_text(),
        "best": best.number if best else None,
        "trials": [trial.to_json() for trial in found],
    }


def _page(search: Search, found: list[Trial], best: Trial) -> str:
    plan = search.plan
    return render(
        "edgeship_train",
        PAGE,
        name=search.data.name,
        plan=plan,
        base=search.base.to_text(),
        dataset=search.dataset,
        best=best,
        best_options=_spelled(best),
        found=found,
        counts={state: sum(trial.state == state for trial in found) for state in ("complete", "pruned", "failed")},
        seconds=duration(sum(trial.seconds for trial in found)),
        history=figures.history(found, best, plan.objective),
        courses=figures.courses(found, best, plan.objective),
        importances=_importances(search, found),
        slices=[figures.slices(*item, found, best, plan.objective) for item in plan.space.options.items()],
        rows=[(trial, _spelled(trial)) for trial in _ordered(found, plan.objective)[:_MOST_ROWS]],
        failed=[(trial, trials.spelled(trial.options)) for trial in found if trial.state == "failed"],
        toml=config_file.text(search.resolved(best)),
    )


def _importances(search: Search, found: list[Trial]) -> str:
    """Empty where too few trials came to an end, or all to the same."""
    values = [trial.value for trial in found if trial.state == "complete"]
    if len(values) < _TELLING or len(set(values)) < 2 or len(search.plan.space.options) < 2:
        return ""
    return figures.importances(search.importances())


def _ordered(found: Iterable[Trial], objective: str) -> list[Trial]:
    """Complete trials, the best first."""
    left, ordered = list(found), []
    while leader := trials.best(left, objective):
        ordered.append(leader)
        left.remove(leader)
    return ordered


def _spelled(trial: Trial) -> dict[str, str]:
    return {name: value if isinstance(value, str) else f"{value:g}" for name, value in trial.options.items()}
