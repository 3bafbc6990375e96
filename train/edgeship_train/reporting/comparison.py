"""Comparison: several networks, trained on one split, side by side on the same pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from edgeship_runtime import files
from edgeship_runtime.evaluation import Evaluation, wilson
from edgeship_runtime.pages import render
from edgeship_runtime.record import Json
from edgeship_runtime.terminal import duration
from edgeship_train.reporting import contact_sheet, figures
from edgeship_train.reporting.contact_sheet import Thumbnail
from edgeship_train.reporting.report import evaluation
from edgeship_train.running import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNIFICANCE = 0.05
_MOST_LABELS = 40  # in the table; the ones that the networks differ most on
_MOST_PICTURES = 12  # each way


@dataclass(frozen=True, eq=False)
class Contender:
    """A network and what it answered.

    Attributes:
        outcome: of its training.
        result: of its evaluation.
        answers: index of the answered label, for each picture.
        right: whether it is the true one.
    """

    outcome: Outcome
    result: Evaluation
    answers: NDArray[np.int64]
    right: NDArray[np.bool_]

    @property
    def name(self) -> str:
        """As the command line has it: the file's name without its suffix tells networks of one architecture apart."""
        return self.outcome.order.out.stem

    @property
    def arch(self) -> str:
        """What the name stood for."""
        return self.outcome.trained.config.arch


@dataclass(frozen=True, eq=False)
class Duel:
    """The best against another.

    Attributes:
        other: the other one.
        best_only: pictures that only the best gets right.
        other_only: pictures that only the other gets right.
        p_value: see `mcnemar`.
        shown: headline, how many pictures there are, and some of them, each with what the other answered.
    """

    other: Contender
    best_only: int
    other_only: int
    p_value: float
    shown: list[tuple[str, int, list[tuple[Thumbnail, str]]]]


def write_comparison(folder: Path, outcomes: Sequence[Outcome]) -> Path:
    """Writes comparison.json and comparison.html into a folder, which is made if need be; returns the page's path.

    Args:
        folder: what is there already by these names is overwritten.
        outcomes: of at least two networks, trained on the same pictures in the same parts.

    Raises:
        OutputError: they cannot be written.
        ValueError: the networks were measured on different pictures.
    """
    contenders = sorted((_contender(outcome) for outcome in outcomes), key=lambda one: -one.result.accuracy)
    _check_same_pictures(contenders)
    duels = [_duel(contenders[0], other) for other in contenders[1:]]
    data = _to_json(contenders, duels)
    folder.mkdir(exist_ok=True)
    files.write(folder / "comparison.json", json.dumps(data, ensure_ascii=False, indent=1).encode(), force=True)
    path = folder / "comparison.html"
    files.write(path, _page(folder, contenders, duels, data).encode(), force=True)
    return path


def mcnemar(one: int, other: int) -> float:
    """Two-sided exact McNemar test (Q. McNemar, Psychometrika 12, 1947).

    How likely two equally good networks differ so unevenly, where `one` pictures are right only with the one and `other` only
    with the other.
    """
    differing, ways, term = one + other, 1, 1
    for count in range(min(one, other)):
        term = term * (differing - count) // (count + 1)
        ways += term
    return min(1.0, 2 * ways / (1 << differing))


def _contender(outcome: Outcome) -> Contender:
    result = evaluation(outcome.dataset, outcome.trained)
    answers = outcome.trained.scores[result.part].argmax(axis=1)
    return Contender(outcome, result, answers, answers == outcome.dataset.parts[result.part].targets)


def _check_same_pictures(contenders: Sequence[Contender]) -> None:
    first, *others = (one.outcome.dataset.parts[one.result.part].digests for one in contenders)
    if any(digests != first for digests in others):
        raise ValueError("the networks were measured on different pictures")


def _duel(best: Contender, other: Contender) -> Duel:
    only_best, only_other = best.right & ~other.right, other.right & ~best.right
    won, lost = int(only_best.sum()), int(only_other.sum())
    shown = [
        (f"Right with {best.name}, wrong with {other.name}", won, _some(only_best, best, other)),
        (f"Right with {other.name}, wrong with {best.name}", lost, _some(only_other, other, best)),
    ]
    return Duel(other, won, lost, mcnemar(won, lost), shown)


def _some(chosen: NDArray[np.bool_], right: Contender, wrong: Contender) -> list[tuple[Thumbnail, str]]:
    """Pictures with the wrong answers to them, those first on which the right network was surest."""
    dataset, part = right.outcome.dataset, right.outcome.dataset.parts[right.result.part]
    found = np.flatnonzero(chosen)
    certainty = right.outcome.trained.scores[right.result.part].max(axis=1)[found]
    first = found[np.argsort(-certainty, kind="stable")][:_MOST_PICTURES]
    thumbnails = contact_sheet.of_originals([part.pictures[index] for index in first])
    return [(one, dataset.labels[wrong.answers[index]]) for one, index in zip(thumbnails, first, strict=True)]


def _to_json(contenders: Sequence[Contender], duels: Sequence[Duel]) -> Json:
    best = contenders[0]
    return {
        "part": best.result.part,
        "samples": best.result.samples,
        "data_sha256": best.outcome.dataset.sha256,
        "labels": list(best.result.labels),
        "models": [_row(one) for one in contenders],
        "against_best": [
            {
                "name": duel.other.name,
                "best_only": duel.best_only,
                "other_only": duel.other_only,
                "p_value": duel.p_value,
            }
            for duel in duels
        ],
    }


def _row(one: Contender) -> Json:
    trained, result = one.outcome.trained, one.result
    return {
        "name": one.name,
        "file": one.outcome.order.out.name,
        "arch": one.arch,
        "parameters": int(trained.model.count_params()),
        "size_bytes": one.outcome.size_bytes,
        "accuracy": result.accuracy,
        "interval": list(wilson(int(one.right.sum()), result.samples)),
        "epochs": len(trained.history["loss"]),
        "best_epoch": trained.best_epoch,
        "seconds": round(trained.seconds, 3),
        "pictures_per_s": round(trained.pictures_per_s, 3),
        "f1": [row["f1"] for row in result.per_label()],
    }


def _page(folder: Path, contenders: Sequence[Contender], duels: Sequence[Duel], data: Json) -> str:
    histories = {one.name: one.outcome.trained.history for one in contenders}
    return render(
        "edgeship_train",
        "comparison.html",
        dataset=contenders[0].outcome.dataset,
        data=data,
        links=[_link(folder, one.outcome.order.report / "report.html") for one in contenders],
        durations=[duration(one.outcome.trained.seconds) for one in contenders],
        curves=[figures.curves(histories, quantity) for quantity in ("val_accuracy", "val_loss")],
        duels=duels,
        significance=SIGNIFICANCE,
        labels=_labels(data),
    )


def _link(folder: Path, page: Path) -> str:
    return quote(Path(os.path.relpath(page, folder)).as_posix())


def _labels(data: Json) -> list[tuple[str, list[float]]]:
    """Each label and its F1 with each network; of many labels those on which the networks differ most."""
    rows = [(label, [model["f1"][index] for model in data["models"]]) for index, label in enumerate(data["labels"])]
    if len(rows) <= _MOST_LABELS:
        return rows
    return sorted(rows, key=lambda row: min(row[1]) - max(row[1]))[:_MOST_LABELS]
