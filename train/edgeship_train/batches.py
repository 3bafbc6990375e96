"""Batches: what the network sees in each step, decided by the seed and the epoch's number alone: a resumed run sees the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from edgeship_train.augmentation import Augmentation, Changes
from edgeship_train.dataset import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray


class InOrder(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """A part from its first picture to its last: pixels, one-hot labels."""

    def __init__(self, part: Part, labels: int, batch_size: int) -> None:
        super().__init__()
        self._part, self._labels, self._size = part, labels, batch_size

    def __len__(self) -> int:
        return math.ceil(len(self._part) / self._size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = slice(index * self._size, (index + 1) * self._size)
        return self._part.pixels[chosen], one_hot(self._part.targets[chosen], self._labels)


class Shuffled(keras.utils.PyDataset):  # type: ignore[misc]
    """A part in another order each epoch, augmented: pixels, one-hot labels and, where labels are balanced by it, weights.

    Args:
        part: to train on.
        labels: how many.
        batch_size: pictures in a step.
        seed: another seed, other batches.
        augmentation: what may happen to a picture.
        balance: "none", "weights" (a label's share of the loss does not depend on its size) or "sampling" (its share of the
            batches does not).
    """

    def __init__(
        self, part: Part, labels: int, batch_size: int, seed: int, augmentation: Augmentation, balance: str
    ) -> None:
        super().__init__()
        self._part, self._labels, self._size, self._seed = part, labels, batch_size, seed
        self._augmentation, self._balance = augmentation, balance
        counts = np.bincount(part.targets, minlength=labels)
        self._weights = (len(part) / (labels * np.maximum(counts, 1))).astype(np.float32)
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Draws an epoch: the order, and what happens to each picture."""
        self._order = epoch_order(self._part.targets, self._seed, epoch, sampling=self._balance == "sampling")
        self._changes = self._drawn(epoch)

    def _drawn(self, epoch: int) -> Changes | None:
        if not (self._augmentation.moves or self._augmentation.lights):
            return None
        return self._augmentation.draw(self._seed, epoch, len(self._order))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        places = np.arange(index * self._size, min((index + 1) * self._size, len(self._order)))
        chosen = self._order[places]
        pixels, targets = self._part.pixels[chosen], self._part.targets[chosen]
        seen = pixels if self._changes is None else self._changes.apply(pixels, places)
        batch = seen, one_hot(targets, self._labels)
        return (*batch, self._weights[targets]) if self._balance == "weights" else batch


def epoch_order(targets: NDArray[np.int64], seed: int, epoch: int, *, sampling: bool) -> NDArray[np.int64]:
    """Indices of an epoch's pictures, shuffled: each once, or each label as often as any other.

    When sampling, a label's pictures are all used before one is used again, and an epoch is about as long as without.
    """
    random = np.random.default_rng((seed, epoch))
    if not sampling:
        return random.permutation(len(targets))
    groups = [np.flatnonzero(targets == target) for target in np.unique(targets)]
    quota = math.ceil(len(targets) / len(groups))
    rounds = [
        np.concatenate([random.permutation(group) for _ in range(math.ceil(quota / len(group)))]) for group in groups
    ]
    return random.permutation(np.concatenate([one[:quota] for one in rounds]))


def one_hot(targets: NDArray[np.int64], labels: int) -> NDArray[np.float32]:
    """N×labels."""
    return np.eye(labels, dtype=np.float32)[targets]
