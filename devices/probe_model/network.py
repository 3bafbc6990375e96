"""The network of the tiny models: the operators that nearly every classifier has, and few weights."""

import keras


def build(shape: tuple[int, int, int], labels: int) -> keras.Model:
    """Convolution, depthwise convolution, mean, dense layer, softmax."""
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.DepthwiseConv2D(3, strides=2, activation="relu"),
            keras.layers.Conv2D(16, 1, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(labels, activation="softmax"),
        ]
    )
