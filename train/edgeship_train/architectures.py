"""Architectures: functions from an input shape to a Keras model whose first layer rescales raw pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime.errors import TrainingError
from edgeship_train.config import TrainingConfig

if TYPE_CHECKING:
    import keras

Shape = tuple[int, int, int]


def build(config: TrainingConfig, shape: Shape, labels: int) -> keras.Model:
    """The network of a configuration: raw pixels N×H×W×C in, scores N×labels out.

    Raises:
        TrainingError: its weights cannot be had.
    """
    if config.arch == "mobilenet_v2":
        return mobilenet_v2(shape, labels, alpha=config.alpha, weights=config.weights, dropout=config.dropout)
    return cnn(shape, labels, dropout=config.dropout)


def cnn(shape: Shape, labels: int, *, dropout: float) -> keras.Model:
    """Convolution, batch normalisation, ReLU; halved three times (less for small pictures), then averaged: 0.1 M parameters."""
    from keras import Input, Model, layers

    inputs = Input(shape, name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    for stage, filters in enumerate((32, 64, 128)):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"convolution_{stage}")(x)
        # 0.9, not Keras' 0.99: with forty steps an epoch the averages would lag behind the weights for many epochs
        x = layers.BatchNormalization(momentum=0.9, name=f"normalization_{stage}")(x)
        x = layers.ReLU(name=f"relu_{stage}")(x)
        if min(x.shape[1:3]) >= 4:
            x = layers.MaxPooling2D(name=f"pooling_{stage}")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return Model(inputs, _scores(x, labels, dropout), name="cnn")


def mobilenet_v2(shape: Shape, labels: int, *, alpha: float, weights: str, dropout: float) -> keras.Model:
    """MobileNetV2 (Sandler et al., 2018, arXiv:1801.04381), which expects pixels in [-1, 1]; its layers are frozen."""
    import keras
    from keras import Input, Model, layers

    if shape[2] != 3:
        raise TrainingError("mobilenet_v2 takes RGB pictures; use --color rgb")
    if min(shape[:2]) < 32:
        raise TrainingError(f"mobilenet_v2 takes pictures of at least 32×32; --size is {min(shape[:2])}")
    inputs = Input(shape, name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    source = None if weights == "none" else weights
    if source not in (None, "imagenet") and not Path(str(source)).is_file():
        raise TrainingError(f"--weights {source}: no such file; wanted imagenet, none, or a Keras weights file")
    try:
        base = keras.applications.MobileNetV2(
            input_tensor=x, alpha=alpha, weights=source, include_top=False, pooling="avg"
        )
    except Exception as error:  # a download or a file of another shape: Keras raises many kinds
        line = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise TrainingError(f"--weights {weights} for mobilenet_v2, alpha {alpha}: {line}") from None
    for layer in base.layers:
        layer.trainable = source is None
    return Model(inputs, _scores(base.output, labels, dropout), name="mobilenet_v2")


def _scores(features: keras.KerasTensor, labels: int, dropout: float) -> keras.KerasTensor:
    from keras import layers

    if dropout:
        features = layers.Dropout(dropout, name="dropout")(features)
    logits = layers.Dense(labels, name="logits")(features)
    # float32 also under mixed precision: scores of half precision tie
    return layers.Softmax(dtype="float32", name="scores")(logits)
