"""Training: a dataset and a configuration to fitted weights."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.errors import TrainingError
from edgeship_runtime.terminal import say
from edgeship_train.architectures import build
from edgeship_train.config import TrainingConfig
from edgeship_train.dataset import Dataset, Part

if TYPE_CHECKING:
    import keras

FINE_TUNING_RATE = 0.1  # of the head's learning rate: pretrained weights are near where they should be


@dataclass(frozen=True, eq=False)
class Trained:
    """What training gave.

    Attributes:
        model: with the weights of its best epoch.
        history: quantity ("loss", "val_accuracy", …) → value of each epoch.
        scores: part → float32 N×labels, of every picture of the part.
    """

    model: keras.Model
    history: Mapping[str, list[float]]
    scores: Mapping[str, NDArray[np.float32]]


def choose_device() -> str:
    """Prepares TensorFlow, and says in a line what it computes on. GPU memory is taken as needed, not all of it."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    if gpus:
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
        return f"GPU: {', '.join(names)}"
    if tf.test.is_built_with_cuda():
        return "CPU (TensorFlow sees no GPU; for an NVIDIA GPU: pip install 'edgeship[workstation,cuda]')"
    return "CPU"


def train(dataset: Dataset, config: TrainingConfig) -> Trained:
    """Fits a network, keeping the weights of the epoch with the lowest validation loss.

    Pretrained networks train their new last layer for a third of the epochs, then all layers but batch normalisation, whose
    statistics a small data set would only spoil.

    Raises:
        TrainingError: the weights cannot be had, the loss is not a number, or memory does not suffice.
    """
    import keras

    keras.utils.set_random_seed(config.seed)
    model = build(config, dataset.preprocessing.shape, len(dataset.labels))
    histories = []
    if config.weights == "none":
        histories.append(_fit(model, dataset, config, config.epochs, config.learning_rate, "train"))
    else:
        head = max(1, config.epochs // 3)
        histories.append(_fit(model, dataset, config, head, config.learning_rate, "train the head"))
        if config.epochs > head:
            for layer in model.layers:
                layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
            rate = config.learning_rate * FINE_TUNING_RATE
            histories.append(_fit(model, dataset, config, config.epochs - head, rate, "fine-tune"))
    history = {name: [value for part in histories for value in part[name]] for name in histories[0]}
    scores = {name: _scores(model, part, config.batch_size) for name, part in dataset.parts.items()}
    return Trained(model, history, scores)


def _fit(
    model: keras.Model, dataset: Dataset, config: TrainingConfig, epochs: int, rate: float, phase: str
) -> dict[str, list[float]]:
    import keras
    import tensorflow as tf

    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping("val_loss", patience=config.patience, restore_best_weights=True)
    train_part, validation = dataset.parts["train"], dataset.parts["validation"]
    callbacks = [
        _progress(epochs, math.ceil(len(train_part) / config.batch_size), phase),
        keras.callbacks.TerminateOnNaN(),
        stop,
    ]
    try:
        record = model.fit(
            train_part.pixels,
            train_part.targets,
            batch_size=config.batch_size,
            epochs=epochs,
            validation_data=(validation.pixels, validation.targets),
            callbacks=callbacks,
            verbose=0,
        )
    except tf.errors.ResourceExhaustedError:
        half = max(1, config.batch_size // 2)
        raise TrainingError(f"out of memory with --batch-size {config.batch_size}; try --batch-size {half}") from None
    history = {name: [float(value) for value in values] for name, values in record.history.items()}
    if not all(map(math.isfinite, history["loss"])):
        raise TrainingError(f"the loss became NaN in epoch {len(history['loss'])}; try --learning-rate {rate / 10:g}")
    return history


def _progress(epochs: int, steps: int, phase: str) -> Any:  # noqa: ANN401 - a class that exists once Keras is imported
    """A bar with the time left on a terminal; elsewhere a line for each epoch."""
    import keras
    from tqdm import tqdm

    class Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
        def on_train_begin(self, logs: object = None) -> None:
            self.bar = tqdm(
                total=epochs * steps,
                desc=phase,
                unit=" steps",
                disable=not sys.stderr.isatty(),
                leave=False,
                dynamic_ncols=True,
            )

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self.bar.update()

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            values = logs or {}
            text = f"loss {values['loss']:.4f}, validation loss {values['val_loss']:.4f}, accuracy {values['val_accuracy']:.4f}"
            if self.bar.disable:
                say(f"{phase}: epoch {epoch + 1}/{epochs}: {text}")
            else:
                self.bar.set_postfix_str(text)

        def on_train_end(self, logs: object = None) -> None:
            self.bar.close()

    return Progress()


def _scores(model: keras.Model, part: Part, batch_size: int) -> NDArray[np.float32]:
    return np.asarray(model.predict(part.pixels, batch_size=batch_size, verbose=0), np.float32)
