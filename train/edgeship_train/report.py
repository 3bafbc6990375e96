"""Report: what came out of a training run, as JSON for machines and one self-contained page for people."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np

from edgeship_runtime import files
from edgeship_runtime.evaluation import Evaluation, Unreadable
from edgeship_runtime.manifest import Manifest
from edgeship_train.dataset import Dataset
from edgeship_train.training import Trained

_INK = "#5a6472"  # readable on white and on near-black, as the page may be either


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
    from jinja2 import Environment
    from markupsafe import Markup

    template = resources.files("edgeship_train").joinpath("templates/report.html").read_text("utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        dataset=dataset,
        manifest=manifest,
        result=result.to_json(),
        curves=Markup(_curves(trained.history)),  # noqa: S704 - drawn here from numbers
        epochs=len(trained.history["loss"]),
        parameters=int(trained.model.count_params()),
    )


def _curves(history: Mapping[str, list[float]]) -> str:
    """Loss and accuracy by epoch, as SVG."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    style = {"svg.fonttype": "none", "axes.edgecolor": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK, "text.color": _INK}
    with mpl.rc_context({**style, "svg.hashsalt": "edgeship"}):
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        FigureCanvasSVG(figure)
        for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            epochs = range(1, len(history[quantity]) + 1)
            axes.plot(epochs, history[quantity], ".-", color="#8a94a3", label="training")
            axes.plot(epochs, history[f"val_{quantity}"], ".-", color="#0a7d5a", label="validation")
            axes.set(xlabel="epoch", title=quantity, facecolor="none")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.25)
            axes.legend(frameon=False)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return stream.getvalue()[stream.getvalue().index("<svg") :]

