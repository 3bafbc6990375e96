"""Architectures: from a name to a Keras model that takes raw pixels, 0–255, and gives scores.

Our own networks are in `networks`, one function each; `pretrained` has MobileNetV2 and the rest of keras.applications, each
with its own input scaling in the graph; `own` finds a function of the user's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeship_train.architectures import networks, own, pretrained
from edgeship_train.config import TrainingConfig

if TYPE_CHECKING:
    import keras

Shape = tuple[int, int, int]
DEFAULT_CNNS = ("lenet", "bn_cnn", "conv3")  # what "cnn" may stand for
_FEW = 1_000


@dataclass(frozen=True, eq=False)
class Network:
    """A network, not yet trained on the pictures at hand.

    Attributes:
        model: N×H×W×C raw pixels → N×labels scores.
        features: of a pretrained network, what its head takes, N×features; None when every layer starts from random weights.
    """

    model: keras.Model
    features: keras.KerasTensor | None = None


def build(config: TrainingConfig, shape: Shape, labels: int) -> Network:
    """The network of a resolved configuration.

    Args:
        config: resolved.
        shape: H, W, C of a picture.
        labels: number of scores.

    Raises:
        TrainingError: its weights cannot be had, it does not take pictures of that shape, or a function of the user's fails.
    """
    if own.is_own(config.arch):
        return Network(own.build(config.arch, shape, labels))
    if config.arch in networks.NETWORKS:
        return Network(networks.NETWORKS[config.arch](shape, labels, config.dropout))
    inputs = networks.pixels(shape)
    features = pretrained.features(config.arch, inputs, config.weights or "none", config.alpha)
    model = networks.classifier(inputs, features, labels, config.dropout, name=config.arch)
    return Network(model, None if config.weights == "none" else features)


def known(arch: str) -> bool:
    """Whether there is such an architecture; one of the user's own is looked for when it is built."""
    return arch == "cnn" or arch in networks.NETWORKS or own.is_own(arch) or pretrained.is_known(arch)


def is_pretrained(arch: str) -> bool:
    """Whether it comes with weights, and with an input size of its own."""
    return arch != "cnn" and arch not in networks.NETWORKS and not own.is_own(arch)


def default_cnn(size: int, color: str, pictures: int) -> str:
    """What "cnn" stands for: lenet for small grey pictures, bn_cnn for small ones in colour, conv3 for the rest.

    Also conv3 for few pictures: a handful of steps does not settle the statistics of batch normalisation.

    Args:
        size: of the input, in pixels.
        color: "grey" or "rgb".
        pictures: to train on.
    """
    if size > networks.LARGEST_SMALL or pictures < _FEW:
        return "conv3"
    return "lenet" if color == "grey" else "bn_cnn"
