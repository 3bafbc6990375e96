"""Report: what came out of a training run, as JSON for machines and one self-contained page for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime import files
from edgeship_runtime.evaluation import Evaluation, Unreadable
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.pages import chart, render
from edgeship_train.dataset import Dataset
from edgeship_train.training import Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_report(folder: Path, dataset: Dataset, trained: Trained, manifest: Manifest, *, force: bool) -> None:
    """Writes history.json, evaluation.json and report.html into a folder.

    Raises:
        OutputError: they cannot be written.
    """
    result = evaluation(dataset, trained)
    page = _page(dataset, trained, manifest, result)
    for name, data in {
        "history.json": json.dumps(trained.history, indent=1),
        "evaluation.json": json.dumps(result.to_json(), ensure_ascii=False, indent=1),
        "report.html": page,
    }.items():
        files.write(folder / name, data.encode(), force=force)


def evaluation(dataset: Dataset, trained: Trained) -> Evaluation:
    """The trained model on the test part, or on validation where there is no test part."""
    name = "test" if "test" in dataset.parts else "validation"
    part, answers = dataset.parts[name], trained.scores[name].argmax(axis=1)
    confusion = np.zeros((len(dataset.labels), len(dataset.labels)), np.int64)
    np.add.at(confusion, (part.targets, answers), 1)
    unreadable = tuple(Unreadable(picture, why) for picture, why in dataset.unreadable.items())
    return Evaluation(name, dataset.labels, confusion, 0, unreadable)


def _page(dataset: Dataset, trained: Trained, manifest: Manifest, result: Evaluation) -> str:
    return render(
        "edgeship_train",
        "report.html",
        dataset=dataset,
        manifest=manifest,
        result=result.to_json(),
        curves=chart(9, 3.2, lambda figure: _draw_curves(figure, trained.history)),
        epochs=len(trained.history["loss"]),
        parameters=int(trained.model.count_params()),
    )


def _draw_curves(figure: Figure, history: Mapping[str, list[float]]) -> None:
    """Loss and accuracy by epoch."""
    from matplotlib.ticker import MaxNLocator

    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[quantity]) + 1)
        axes.plot(epochs, history[quantity], ".-", color="#8a94a3", label="training")
        axes.plot(epochs, history[f"val_{quantity}"], ".-", color="#0a7d5a", label="validation")
        axes.set(xlabel="epoch", title=quantity, facecolor="none")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
