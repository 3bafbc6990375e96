"""Mistakes: the wrong answers that a model was surest of. They show mislabelled pictures and labels that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeship_train.dataset import Part
from edgeship_train.reporting import contact_sheet
from edgeship_train.reporting.contact_sheet import Thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 24


@dataclass(frozen=True)
class Mistake:
    """A wrong answer.

    Attributes:
        picture: with its true label.
        answer: the label it was given.
        score: of the answer.
        true_score: of the true label.
    """

    picture: Thumbnail
    answer: str
    score: float
    true_score: float


def worst(part: Part, scores: NDArray[np.float32], labels: Sequence[str], most: int = MOST) -> list[Mistake]:
    """Wrong answers of a part, the surest first; `scores` are N×labels."""
    answers = scores.argmax(axis=1)
    wrong = np.flatnonzero(answers != part.targets)
    chosen = wrong[np.argsort(-scores[wrong, answers[wrong]], kind="stable")][:most]
    thumbnails = contact_sheet.of_originals([part.pictures[index] for index in chosen])
    return [
        Mistake(
            thumbnail,
            labels[answers[index]],
            float(scores[index, answers[index]]),
            float(scores[index, part.targets[index]]),
        )
        for index, thumbnail in zip(chosen, thumbnails, strict=True)
    ]
