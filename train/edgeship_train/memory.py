"""Memory: whether a batch fits, asked before the first step: a process that the system kills cannot say which size to try."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeship_runtime import machine
from edgeship_runtime.errors import TrainingError

if TYPE_CHECKING:
    import keras

# Each activation is kept for the way back, has a gradient, and its layer works in a copy of its own.
_COPIES = 2.5


def check_batch(model: keras.Model, batch_size: int, pictures: int) -> None:
    """Refuses a batch that this machine's memory cannot hold; it never has more than all pictures.

    Raises:
        TrainingError: with the largest power of two that fits.
    """
    free = machine.free_bytes()
    if free is None:
        return
    one = step_bytes(model)
    needed = one * min(batch_size, pictures)
    if needed > free:
        fits = max(1, 1 << max(0, (free // one).bit_length() - 1))
        raise TrainingError(
            f"out of memory: a step with --batch-size {batch_size} takes about {needed / 1e9:.3g} GB, "
            f"{free / 1e9:.3g} GB are free; try --batch-size {fits}"
        )


@contextlib.contextmanager
def told(batch_size: int) -> Iterator[None]:
    """Says in one line when a batch did not fit after all: a GPU's memory is known only when it is full.

    Raises:
        TrainingError: with a batch of half the size.
    """
    import tensorflow as tf

    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError):
        smaller = max(1, batch_size // 2)
        raise TrainingError(f"out of memory with --batch-size {batch_size}; try --batch-size {smaller}") from None


def step_bytes(model: keras.Model) -> int:
    """What a step takes for each picture of its batch, estimated from the layers' outputs in float32."""
    values = 0
    for layer in model.layers:
        outputs = layer.output if isinstance(layer.output, (list, tuple)) else [layer.output]
        for output in outputs:
            count = 1
            for side in output.shape[1:]:
                count *= side or 1
            values += count
    return int(values * 4 * _COPIES)
