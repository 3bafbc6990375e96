"""Networks: our own architectures, each a function to be read. The first layer rescales raw pixels to [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import keras

    Tensor: TypeAlias = keras.KerasTensor
    Shape: TypeAlias = tuple[int, int, int]

LARGEST_SMALL = 48  # pixels: up to here a picture needs no more than two or three halvings
_SMALLEST_HALVED = 4
# Not Keras' 0.99: with forty steps an epoch the averages would lag behind the weights for many epochs.
_MOMENTUM = 0.9


def lenet(shape: Shape, labels: int, dropout: float) -> keras.Model:
    """After LeNet-5 (LeCun et al., Proc. IEEE 86, 1998), with today's parts: two 5×5 convolutions and a hidden layer.

    For small grey pictures. 28×28 pixels, 10 labels: 317,354 parameters.
    """
    from keras import layers

    inputs = pixels(shape)
    x = _rescaled(inputs)
    for filters in (32, 64):
        padding = "valid" if x.shape[1] >= 12 else "same"
        x = layers.Conv2D(filters, 5, padding=padding, use_bias=False)(x)
        x = _halved(x)
        x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
        x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    return classifier(inputs, x, labels, dropout, name="lenet")


def conv3(shape: Shape, labels: int, dropout: float) -> keras.Model:
    """Three 3×3 convolutions with pooling, then a hidden layer: the network of the tutorials, with averages instead of a flat map.

    For photos, and for few of them: no batch normalisation, whose statistics a handful of steps does not settle.
    """
    from keras import layers

    inputs = pixels(shape)
    x = _rescaled(inputs)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
        x = _halved(x)
    # to 4×4 at most: where something is matters, the exact place does not, and the hidden layer stays small
    window = max(1, -(-x.shape[1] // 4)), max(1, -(-x.shape[2] // 4))
    x = layers.AveragePooling2D(window, padding="same")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu", kernel_initializer="he_normal")(x)
    return classifier(inputs, x, labels, dropout, name="conv3")


def bn_cnn(shape: Shape, labels: int, dropout: float) -> keras.Model:
    """Pairs of convolutions with batch normalisation, and dropout that grows with depth: for 32×32 pictures in colour.

    After VGG (Simonyan and Zisserman, 2014, arXiv:1409.1556), narrowed.
    """
    from keras import layers

    inputs = pixels(shape)
    x = _rescaled(inputs)
    for stage, filters in enumerate((32, 64, 128)):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
            x = layers.ReLU()(x)
        x = _halved(x)
        if dropout:
            x = layers.Dropout(dropout * (stage + 1) / 3, name=f"dropout_{stage}")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return classifier(inputs, x, labels, dropout, name="bn_cnn")


def micro(shape: Shape, labels: int, dropout: float) -> keras.Model:
    """Depthwise-separable convolutions (Howard et al., 2017, arXiv:1704.04861), for microcontrollers: 38 k parameters."""
    from keras import layers

    def normalized(x: Tensor) -> Tensor:
        return layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(x))

    inputs = pixels(shape)
    x = _rescaled(inputs)
    x = normalized(layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x))
    for filters, strides in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        strides = strides if min(x.shape[1:3]) >= _SMALLEST_HALVED else 1  # noqa: PLW2901
        x = normalized(layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x))
        x = normalized(layers.Conv2D(filters, 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return classifier(inputs, x, labels, dropout, name="micro")


NETWORKS: dict[str, Callable[[Shape, int, float], keras.Model]] = {
    "lenet": lenet,
    "conv3": conv3,
    "bn_cnn": bn_cnn,
    "micro": micro,
}


def classifier(inputs: Tensor, features: Tensor, labels: int, dropout: float, name: str) -> keras.Model:
    """The last layers, on N×features: dropout, logits, scores."""
    from keras import layers

    if dropout:
        features = layers.Dropout(dropout, name="dropout")(features)
    return scored(inputs, features, labels, name)


def scored(inputs: Tensor, features: Tensor, labels: int, name: str) -> keras.Model:
    """The very last layers: logits, scores."""
    from keras import Model, layers

    logits = layers.Dense(labels, name="logits")(features)
    # float32 also under mixed precision: scores of half precision tie
    scores = layers.Softmax(dtype="float32", name="scores")(logits)
    return Model(inputs, scores, name=name)


def pixels(shape: Shape) -> Tensor:
    """What every network takes: N×H×W×C raw levels, 0–255."""
    from keras import Input

    return Input(shape, name="pixels")


def _rescaled(inputs: Tensor) -> Tensor:
    from keras import layers

    return layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)


def _halved(x: Tensor) -> Tensor:
    """Max pooling, where there is something left to pool."""
    from keras import layers

    return layers.MaxPooling2D()(x) if min(x.shape[1:3]) >= _SMALLEST_HALVED else x
