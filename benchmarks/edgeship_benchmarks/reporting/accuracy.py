"""Accuracy: how often answers are right, by label, and how often they are the float parent's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.gathering import NamedModel
from edgeship_benchmarks.measuring.plan import Plan
from edgeship_benchmarks.measuring.results import Answered
from edgeship_benchmarks.reporting.report import Data
from edgeship_benchmarks.reporting.rows import Agreement, LabelResult, Result
from edgeship_runtime import record
from edgeship_runtime.evaluation import Evaluation, wilson
from edgeship_runtime.model_file import ModelFile


@dataclass(frozen=True)
class Judged:
    """Accuracy with its 95 % interval, and each label; None where there are no labels."""

    accuracy: float | None
    interval: tuple[float, float] | None
    per_label: tuple[LabelResult, ...] | None


def judge(answers: NDArray[np.int64], labels: Sequence[str], data: Data) -> Judged:
    """Judges answers, indices into the model's `labels`, for the pictures of `data`."""
    if not data.labels:
        return Judged(None, None, None)
    index = {label: number for number, label in enumerate(labels)}
    truth = np.array([index[data.labels[target]] for target in data.targets])
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, answers), 1)
    evaluation = Evaluation(data.part, tuple(labels), confusion, 0, ())
    right = int((answers == truth).sum())
    low, high = wilson(right, len(answers))
    rows = tuple(record.from_json(LabelResult, row, "label") for row in evaluation.per_label())
    return Judged(right / len(answers), (low, high), rows)


def right_answers(row: Result, data: Data) -> NDArray[np.bool_]:
    """For each picture, whether its label was answered."""
    truth = [data.labels[target] for target in data.targets]
    return np.array([row.labels[answer] == label for answer, label in zip(row.answers, truth, strict=True)])


def agreement(
    index: int, plan: Plan, models: Sequence[NamedModel], answers: Mapping[int, Answered], readable: Sequence[int]
) -> Agreement | None:
    """A configuration against its float parent: the .keras it was exported from, or for other files a float32 one of the same parent.

    Where neither was measured beside it, the number is what the export proved on pictures of its own.
    """
    own = models[plan.configurations[index].model].model
    parent = _parent(own, models)
    of_parent = [i for i in answers if parent is not None and models[plan.configurations[i].model] is parent]
    if parent is None or not of_parent:
        proof = own.manifest.proven
        return None if proof is None else Agreement(None, proof.agreement, proof.samples)
    chosen = list(readable)
    same = np.array(answers[index].top)[chosen] == np.array(answers[min(of_parent)].top)[chosen]
    return Agreement(parent.name, float(same.mean()), len(same))


def _parent(own: ModelFile, models: Sequence[NamedModel]) -> NamedModel | None:
    origin = own.manifest.provenance
    if origin.parent_sha256 is None:
        return None
    exported_from = [one for one in models if one.model.raw.sha256 == origin.parent_sha256]
    siblings = [
        one
        for one in models
        if own.manifest.quantization.scheme != "float32"
        and one.model.manifest.provenance.parent_model_sha256 == origin.parent_model_sha256
        and one.model.manifest.quantization.scheme == "float32"
    ]
    return next(iter([*exported_from, *siblings]), None)
