"""Parity: which pictures two ways of running a model answer differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgeship_benchmarks.gathering import Gathered, NamedModel
from edgeship_benchmarks.measuring.plan import Plan
from edgeship_benchmarks.measuring.results import Answered
from edgeship_benchmarks.reporting.report import Parity, ParityAnswer, ParityPicture, ParityWay


def parity(
    plan: Plan,
    models: Sequence[NamedModel],
    gathered: Gathered,
    answers: Mapping[int, Answered],
    errors: Mapping[int, str],
    readable: Sequence[int],
) -> Parity:
    """The matrix of every configuration that answered, each way once.

    Args:
        plan: what was asked.
        models: those of the plan.
        gathered: its pictures.
        answers: of each configuration.
        errors: of those that have none.
        readable: indices of the pictures that can be decoded.
    """
    chosen: dict[ParityWay, Answered] = {}
    labels = []
    for index, answered in answers.items():
        at = plan.configurations[index]
        way = ParityWay(models[at.model].name, answered.engine, answered.engine_version, at.threads, at.batch)
        if way not in chosen:
            chosen[way] = answered
            labels.append(models[at.model].model.manifest.labels)
    missing = tuple(dict.fromkeys(errors.values()))
    if not chosen:
        return Parity((), (), (), missing)
    named = np.array([[names[top] for top in one.top] for names, one in zip(labels, chosen.values(), strict=True)])
    named = named[:, list(readable)]
    differ = tuple(tuple(int((one != other).sum()) for other in named) for one in named)
    turned = [readable[int(column)] for column in np.flatnonzero((named != named[0]).any(axis=0))]
    pictures = tuple(_picture(gathered, number, labels, list(chosen.values())) for number in turned)
    return Parity(tuple(chosen), differ, pictures, missing)


def _picture(
    gathered: Gathered, number: int, labels: Sequence[Sequence[str]], answers: Sequence[Answered]
) -> ParityPicture:
    label = gathered.labels[gathered.targets[number]] if gathered.labels else None
    given = zip(labels, answers, strict=True)
    return ParityPicture(
        gathered.pictures[number].name,
        label,
        tuple(ParityAnswer(names[one.top[number]], one.score[number]) for names, one in given),
    )
