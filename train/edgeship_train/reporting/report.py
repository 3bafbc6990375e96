"""Report: what came out of a training run, as JSON for machines and one self-contained page for people."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edgeship_runtime import files
from edgeship_runtime.evaluation import Evaluation, Unreadable
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.pages import render
from edgeship_runtime.record import Json
from edgeship_runtime.terminal import duration
from edgeship_train import config_file
from edgeship_train.architectures import is_pretrained
from edgeship_train.config import TrainingConfig
from edgeship_train.dataset import Dataset
from edgeship_train.reporting import confusions, figures, mistakes
from edgeship_train.reporting.data_section import data_section
from edgeship_train.reporting.environment import environment
from edgeship_train.reporting.reliability import Reliability, reliability
from edgeship_train.training import Trained

_MOST_PAIRS = 20  # confused pairs in the list
_MOST_ROWS = 40  # labels in the table that is open


def write_report(folder: Path, dataset: Dataset, trained: Trained, manifest: Manifest, *, force: bool) -> None:
    """Writes history.json, evaluation.json, train.toml and report.html into a folder.

    Raises:
        OutputError: they cannot be written.
    """
    result = evaluation(dataset, trained)
    trust = reliability(trained.scores[result.part], dataset.parts[result.part].targets)
    measured = {**result.to_json(), "reliability": trust.to_json()}
    for name, text in {
        "history.json": json.dumps(trained.history, indent=1),
        "evaluation.json": json.dumps(measured, ensure_ascii=False, indent=1),
        "train.toml": config_file.text(trained.config),
        "report.html": _page(folder.stem, dataset, trained, manifest, result, trust),
    }.items():
        files.write(folder / name, text.encode(), force=force)


def evaluation(dataset: Dataset, trained: Trained) -> Evaluation:
    """The trained model on the test part, or on validation where there is no test part."""
    name = "test" if "test" in dataset.parts else "validation"
    part, answers = dataset.parts[name], trained.scores[name].argmax(axis=1)
    confusion = np.zeros((len(dataset.labels), len(dataset.labels)), np.int64)
    np.add.at(confusion, (part.targets, answers), 1)
    unreadable = tuple(Unreadable(picture, why) for picture, why in dataset.unreadable.items())
    return Evaluation(name, dataset.labels, confusion, 0, unreadable)


def begins_with_head(config: TrainingConfig, manifest: Manifest) -> bool:
    """Whether the first epoch trained the new head alone, on frozen features that were computed once."""
    continued = manifest.provenance.parent_sha256 is not None
    return continued or (is_pretrained(config.arch) and config.weights != "none")


def _page(
    name: str, dataset: Dataset, trained: Trained, manifest: Manifest, result: Evaluation, trust: Reliability
) -> str:
    head = begins_with_head(trained.config, manifest)
    return render(
        "edgeship_train",
        "report.html",
        name=name,
        dataset=dataset,
        manifest=manifest,
        trained=trained,
        parameters=int(trained.model.count_params()),
        duration=duration(trained.seconds),
        result=result.to_json(),
        head_first=head,
        curves=_curves(trained, head_first=head),
        **_labels(result),
        **_scores(dataset, trained, result, trust),
        data=data_section(dataset, trained.config, manifest, head_first=head),
        toml=config_file.text(trained.config),
        environment=environment() | dict(manifest.provenance.versions),
    )


def _curves(trained: Trained, *, head_first: bool) -> list[str]:
    return [
        figures.curve(trained.history, quantity, trained.best_epoch, head_first=head_first)
        for quantity in ("loss", "accuracy")
    ]


def _labels(result: Evaluation) -> Json:
    """Per label, and which are taken for which: all of it where that can be read, else the worst of it first."""
    rows, many = result.per_label(), len(result.labels) > confusions.MOST_IN_TABLE
    worst = sorted(rows, key=lambda row: (row["f1"], row["label"])) if len(rows) > _MOST_ROWS else []
    return {
        "worst_labels": worst[:_MOST_ROWS],
        "heat_map": confusions.heat_map(result.confusion) if many else "",
        "pairs": confusions.most_frequent(result.confusion, result.labels, _MOST_PAIRS),
    }


def _scores(dataset: Dataset, trained: Trained, result: Evaluation, trust: Reliability) -> Json:
    part, scores = dataset.parts[result.part], trained.scores[result.part]
    return {
        "trust": trust,
        "diagram": figures.diagram(trust),
        "histogram": figures.histogram(scores.max(axis=1), scores.argmax(axis=1) == part.targets),
        "mistakes": mistakes.worst(part, scores, dataset.labels),
    }
