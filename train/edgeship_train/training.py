"""Training: a dataset and a configuration to fitted weights."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeship_train import memory
from edgeship_train.architectures import Network, build
from edgeship_train.config import TrainingConfig
from edgeship_train.course import Course
from edgeship_train.dataset import Dataset
from edgeship_train.fitting import Aids, fit
from edgeship_train.predicting import predicted
from edgeship_train.resolving import augmentation_of
from edgeship_train.transfer import first_tuned, fit_head, thaw

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Trained:
    """What training gave.

    Attributes:
        model: with the weights of its best epoch, computing in float32.
        config: resolved.
        history: quantity ("loss", "val_accuracy", …) → value of each epoch.
        best_epoch: whose weights these are, from 1.
        scores: part → float32 N×labels, of every picture of the part.
        seconds: of training, by this process.
        pictures_per_s: in training, augmentation included, validation not; 0 where only a head was trained.
    """

    model: keras.Model
    config: TrainingConfig
    history: Mapping[str, list[float]]
    best_epoch: int
    scores: Mapping[str, NDArray[np.float32]]
    seconds: float
    pictures_per_s: float


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


def train(
    dataset: Dataset, config: TrainingConfig, aids: Aids | None = None, network: Network | None = None
) -> Trained:
    """Fits a network, keeping the weights of its best epoch.

    Of a pretrained network the new head comes first, on features that are computed once; this counts as the first epoch.

    Args:
        dataset: pictures in their parts.
        config: resolved.
        aids: checkpoints and the like.
        network: to begin with; None builds the one of the configuration.

    Raises:
        TrainingError: the weights cannot be had, the loss is not a number, memory does not suffice, or the checkpoint is damaged.
        KeyboardInterrupt: after the batch in which Ctrl-C came, where `interrupts.noted` holds.
    """
    import keras

    begun, aids = time.monotonic(), aids or Aids()
    keras.utils.set_random_seed(config.seed)
    network = network or built(config, dataset.preprocessing.shape, len(dataset.labels))
    with memory.told(config.batch_size or 1):
        course, speed = _fitted(network, dataset, config, aids)
        for variable, value in zip(network.model.variables, course.weights, strict=True):
            variable.assign(value)
        model = _in_float32(network.model)
        scores = {
            name: predicted(model, part, config.batch_size or 1, "scores") for name, part in dataset.parts.items()
        }
    return Trained(model, config, course.history, course.best_epoch, scores, time.monotonic() - begun, speed)


def _fitted(network: Network, dataset: Dataset, config: TrainingConfig, aids: Aids) -> tuple[Course, float]:
    """The course to its end, and pictures per second."""
    course, speed, rate, first = Course(), 0.0, config.learning_rate or 0.0, 0
    fits = network.features is None or (config.fine_tune_from != "none" and config.epochs > 1)
    if fits:  # before the head, which may take hours
        memory.check_batch(network.model, config.batch_size or 1, len(dataset.parts["train"]))
    if network.features is not None:
        rate, first = rate * config.fine_tune_rate, 1
        if not aids.resume:
            fit_head(network, dataset, config, course)
        if fits:
            thaw(network, first_tuned(network, config))
    if fits:
        rated = dataclasses.replace(config, learning_rate=rate)
        labels, augmentation = len(dataset.labels), augmentation_of(config)
        speed = fit(network.model, dataset.parts, labels, rated, course, augmentation, aids, first=first)
    return course, speed


def built(config: TrainingConfig, shape: tuple[int, int, int], labels: int) -> Network:
    """The network that a run begins with; its weights depend on the seed alone.

    Args:
        config: resolved.
        shape: H, W, C of a picture.
        labels: number of scores.

    Raises:
        TrainingError: its weights cannot be had, it does not take such pictures, or there is no block to fine-tune from.
    """
    import keras

    keras.utils.clear_session()  # names count from the beginning again: the same run gives the same file in any process
    keras.utils.set_random_seed(config.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.precision)
    try:
        network = build(config, shape, labels)
    finally:
        keras.config.set_dtype_policy(before)
    if network.features is not None:
        first_tuned(network, config)
    return network


def _in_float32(model: keras.Model) -> keras.Model:
    """The same weights in layers that compute in float32: converters know no mixed precision."""
    import keras

    text = json.dumps(keras.saving.serialize_keras_object(model))
    plain = text.replace('"mixed_float16"', '"float32"').replace('"mixed_bfloat16"', '"float32"')
    if plain == text:
        return model
    rebuilt = keras.saving.deserialize_keras_object(json.loads(plain))
    rebuilt.set_weights(model.get_weights())
    return rebuilt
