"""Transfer: the two steps by which a pretrained network takes to other pictures: a new head, then the layers below it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeship_runtime.errors import TrainingError
from edgeship_runtime.terminal import say
from edgeship_train.architectures import Network
from edgeship_train.augmentation import Augmentation
from edgeship_train.config import TrainingConfig
from edgeship_train.course import Course
from edgeship_train.dataset import Dataset
from edgeship_train.fitting import Aids, fit
from edgeship_train.pixels import Pixels
from edgeship_train.predicting import predicted

if TYPE_CHECKING:
    import keras

# Of a new head, on features that are computed once: an epoch takes milliseconds.
_HEAD_EPOCHS, _HEAD_RATE = 40, 1e-3


def fit_head(network: Network, dataset: Dataset, config: TrainingConfig, course: Course) -> None:
    """Trains the new last layers on what the pretrained ones make of each picture: the course's first epoch."""
    import keras

    from edgeship_train.watching import summary

    labels, batch_size = len(dataset.labels), config.batch_size or 1
    body = keras.Model(network.model.inputs[0], network.features)
    count = sum(len(dataset.parts[name]) for name in ("train", "validation"))
    say(f"head: features of {count:,} pictures from the frozen {config.arch}")
    parts = {}
    for name in ("train", "validation"):
        part = dataset.parts[name]
        features: Any = predicted(body, part, batch_size, "head")
        parts[name] = dataclasses.replace(part, pixels=Pixels(features, np.arange(len(part))))
    head = _head(network, body)
    rated = dataclasses.replace(
        config, epochs=_HEAD_EPOCHS, learning_rate=_HEAD_RATE, schedule="cosine", warmup_epochs=0.0, patience=0
    )
    own = Course()
    fit(head, parts, labels, rated, own, Augmentation(), Aids(quiet=True))
    for variable, value in zip(head.variables, own.weights, strict=True):
        variable.assign(value)
    course.record({name: values[own.best_epoch - 1] for name, values in own.history.items()})
    course.is_best(config.monitor)
    course.weights = [variable.numpy() for variable in network.model.variables]
    say(f"head: {summary({name: values[-1] for name, values in course.history.items()})}")


def first_tuned(network: Network, config: TrainingConfig) -> int:
    """The number of the layer that fine-tuning begins with; 0 where it takes all of them, or none.

    Raises:
        TrainingError: there is no such block.
    """
    if config.fine_tune_from in ("all", "none"):
        return 0
    names = [layer.name for layer in network.model.layers]
    found = [number for number, name in enumerate(names) if name.startswith(config.fine_tune_from)]
    if not found:
        blocks = dict.fromkeys("_".join(name.split("_")[:2]) for name in names if name.startswith("block"))
        raise TrainingError(
            f"--fine-tune-from {config.fine_tune_from}: no layer of {config.arch} is called so; "
            f"there are {', '.join(blocks or names)[:400]}"
        )
    return found[0]


def thaw(network: Network, first: int) -> None:
    """Makes pretrained layers trainable, from the one of that number on.

    Batch normalisation stays as it is, in inference mode: the statistics of a small set would only spoil it.
    """
    import keras

    for number, layer in enumerate(network.model.layers):
        layer.trainable = number >= first and not isinstance(layer, keras.layers.BatchNormalization)


def _head(network: Network, body: keras.Model) -> keras.Model:
    """The layers above the features, which it shares with the network."""
    import keras

    below = {id(layer) for layer in body.layers}
    inputs = outputs = keras.Input(body.output_shape[1:])
    for layer in network.model.layers:
        if id(layer) not in below:
            outputs = layer(outputs)
    return keras.Model(inputs, outputs)
