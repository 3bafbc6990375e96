"""Choosing: which normalization a foreign network was trained with, tried out on pictures with known labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from edgeship_export import adopting, graph_inputs
from edgeship_export.adopting import Known
from edgeship_export.evidence import in_turns
from edgeship_export.proving import SIGNIFICANCE, mcnemar
from edgeship_runtime.engines import open_engine
from edgeship_runtime.errors import AdoptError, DataError
from edgeship_runtime.evaluation import label_index, wilson
from edgeship_runtime.graph_input import GraphInput
from edgeship_runtime.labelled import LabelledData, LabelledPicture
from edgeship_runtime.preparing import prepare
from edgeship_runtime.preprocessing import Fit

MOST_TRIED = 200  # pictures
OWN = "its own"  # what the file itself tells


@dataclass(frozen=True, eq=False)
class Trial:
    """One normalization, and which pictures it answers rightly."""

    name: str
    stated: GraphInput
    right: NDArray[np.bool_]

    @property
    def accuracy(self) -> float:
        """The fraction that is right."""
        return float(self.right.mean())


def pool(data: LabelledData) -> list[LabelledPicture]:
    """Up to MOST_TRIED pictures, labels taking turns: not the test part where there is another, because that is for measuring."""
    parts = {part: pictures for part, pictures in data.parts.items() if part != "test" and pictures} or data.parts
    return list(islice(in_turns(picture for pictures in parts.values() for picture in pictures), MOST_TRIED))


def trials(
    known: Known, labels: Sequence[str], fit: Fit, pictures: Sequence[LabelledPicture], own: GraphInput | None = None
) -> list[Trial]:
    """What the file itself tells, and every named normalization that its input can take; the most accurate first.

    Args:
        known: the model.
        labels: of its scores.
        fit: of pictures of another shape.
        pictures: to be answered.
        own: what the file tells; None where it tells nothing.

    Raises:
        AdoptError: it cannot compute such pictures, or gives no scores of these labels.
        DataError: a label is none of the model's, or no picture can be decoded.
    """
    index = label_index(labels, pictures, "the data")
    stated = _candidates(known, own)
    plain = adopting.draft(known, labels, next(iter(stated.values())), fit)
    adopting.tried(plain, known.facts)  # or it is no classifier, which is said better there
    prepared = [item for item in prepare(pictures, plain.manifest.preprocessing) if item.pixels is not None]
    if not prepared:
        raise DataError("none of the pictures can be decoded")
    targets = np.array([index[item.picture.label] for item in prepared])
    pixels = [item.pixels[np.newaxis] for item in prepared if item.pixels is not None]
    found = []
    for name, candidate in stated.items():
        engine = open_engine(adopting.draft(known, labels, candidate, fit))
        answers = np.array([int(np.argmax(engine.scores(batch)[0])) for batch in pixels])
        found.append(Trial(name, candidate, answers == targets))
    return sorted(found, key=lambda trial: -trial.accuracy)


def _candidates(known: Known, own: GraphInput | None) -> dict[str, GraphInput]:
    end, channels = known.facts.inputs[0], known.picture.channels
    named = {
        name: stated
        for name, stated in graph_inputs.NAMED.items()
        if stated != own
        and max(len(stated.mean), len(stated.std)) <= channels
        and graph_inputs.objection(stated, end) is None
    }
    return named if own is None else {OWN: own, **named}


def decided(found: Sequence[Trial], labels: int) -> Trial:
    """The best of them, if the pictures tell it from the second and from guessing; the file's own unless another is better.

    Raises:
        AdoptError: they do not; the message lists what was measured.
    """
    best = found[0]
    measured = ", ".join(f"{trial.name} {trial.accuracy:.3f}" for trial in found)
    text = f"accuracy on {len(best.right)} pictures: {measured}"
    if wilson(int(best.right.sum()), len(best.right))[0] < 1 / labels:
        raise AdoptError(f"{text}; none answers better than guessing. Are the labels in the order of the outputs?")
    rivals = [trial for trial in found[1:] if not _is_better(best, trial)]
    own = next((trial for trial in found if trial.name == OWN), None)
    if own is not None and (own is best or own in rivals):
        return own
    if rivals:
        raise AdoptError(f"{text}; {best.name} and {rivals[0].name} cannot be told apart. Say --preprocessing")
    return best


def _is_better(one: Trial, other: Trial) -> bool:
    """Not by chance."""
    won, lost = int((one.right & ~other.right).sum()), int((other.right & ~one.right).sum())
    return mcnemar(won, lost) < SIGNIFICANCE
