"""Predicting: what a network gives for every picture of a part, seen to move on, and ended by Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeship_train.dataset import Part

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray


def predicted(model: keras.Model, part: Part, batch_size: int, what: str) -> NDArray[np.float32]:
    """The output for every picture of a part, in order: N×outputs. `what` names the progress bar.

    Raises:
        KeyboardInterrupt: after the batch in which Ctrl-C came, see `interrupts`.
    """
    from edgeship_train import watching
    from edgeship_train.batches import InOrder

    labels = int(part.targets.max(initial=0)) + 1  # of these pictures; what is predicted does not depend on it
    batches = InOrder(part, labels, batch_size)
    passing = watching.Passing(len(batches), what)
    try:
        return np.asarray(model.predict(batches, callbacks=[passing], verbose=0), np.float32)
    finally:
        passing.close()
