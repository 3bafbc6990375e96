"""Resolving: from what a person asked for, and what the pictures are like, to a configuration without open questions."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from edgeship_runtime.errors import UsageError
from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.pictures import Color
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_train import survey
from edgeship_train.architectures import default_cnn, is_pretrained, known, own, pretrained
from edgeship_train.augmentation import PRESETS, Augmentation
from edgeship_train.config import TrainingConfig
from edgeship_train.optimization import RATES

# Depthwise convolutions have few weights to move: MNIST in 10 epochs, at 0.001 0.990, at 0.003 0.992.
_FASTER = {"micro": 3}
_FOLDER_SIZE, _PRETRAINED_SIZE = 96, 224
_LARGE, _SMALL_BATCH, _LARGE_BATCH = 20_000, 32, 128


def resolve(
    config: TrainingConfig, data: LabelledData, parent: Manifest | None = None, chosen: Collection[str] = ()
) -> TrainingConfig:
    """Decides every field that is None.

    Args:
        config: what was asked for.
        data: the pictures.
        parent: of the model that goes on, whose network and input stay as they are.
        chosen: fields that were asked for, which a value that is the default does not tell.

    Raises:
        UsageError: options contradict each other, or the pictures.
        TrainingError: a weights file cannot be read, or there is no such function of the user's.
    """
    config = _inherited(config, parent, chosen) if parent else _network(config, data)
    config = _augmented(config, data)
    training = data.parts.get("all") or data.parts.get("train") or ()
    values: dict[str, Any] = {}
    if config.batch_size is None:
        values["batch_size"] = _LARGE_BATCH if len(training) >= _LARGE else _SMALL_BATCH
    if config.learning_rate is None:
        values["learning_rate"] = RATES[config.optimizer] * _FASTER.get(config.arch, 1)
    return dataclasses.replace(config, **values)


def preprocessing_of(config: TrainingConfig) -> Preprocessing:
    """Of a resolved configuration.

    Raises:
        UsageError: no picture can be brought to that size.
    """
    assert config.size is not None  # noqa: S101 - resolved
    color: Color = "grey" if config.color == "grey" else "rgb"
    fit: Any = config.fit
    try:
        return Preprocessing(config.size, config.size, color, fit)
    except ValueError as error:
        raise UsageError(f"--size: {error}") from None


def augmentation_of(config: TrainingConfig) -> Augmentation:
    """Of a resolved configuration."""
    names = [item.name for item in dataclasses.fields(Augmentation)]
    return Augmentation(**{name: getattr(config, name) for name in names})


def _inherited(config: TrainingConfig, parent: Manifest, chosen: Collection[str]) -> TrainingConfig:
    """What a model that goes on brings along."""
    taken, default = parent.preprocessing, TrainingConfig()
    if taken.width != taken.height:
        raise UsageError(f"--from: the model's input is {taken.width}×{taken.height}; wanted a square one")
    then = parent.provenance.configuration
    inherited: dict[str, Any] = {
        "arch": then.get("arch", "cnn"),
        "dropout": float(then.get("dropout", default.dropout)),
        "precision": default.precision,
        "alpha": None,
        "weights": "none",
        "size": taken.width,
        "color": taken.color,
        "fit": taken.fit,
    }
    for name, value in inherited.items():
        asked = getattr(config, name)
        if asked != value and (name in chosen or asked != getattr(default, name)):
            raise UsageError(
                f"--{name} cannot be chosen with --from: the network and its input stay as they are, here {value}"
            )
    return dataclasses.replace(config, **inherited)


def _network(config: TrainingConfig, data: LabelledData) -> TrainingConfig:
    """Architecture, weights, alpha, colour and size."""
    if not known(config.arch):
        raise UsageError(f"--arch {config.arch}: {_not_known()}")
    if own.is_own(config.arch):
        own.found(config.arch)  # said now, not once all pictures are decoded
    if pretrained.is_mobilenet_v2(config.arch):
        config = dataclasses.replace(config, arch="mobilenet_v2")  # spelled as here, whose width can be chosen
    transfers = is_pretrained(config.arch)
    weights = config.weights or ("imagenet" if transfers else "none")
    if weights != "none" and not transfers:
        raise UsageError(
            f"the architecture {config.arch} has no pretrained weights; use mobilenet_v2 or a name of keras.applications"
        )
    if config.alpha is not None and config.arch != "mobilenet_v2":
        raise UsageError(f"--alpha is the width of mobilenet_v2, not of {config.arch}")
    alpha = pretrained.alpha_of(weights, config.alpha) if config.arch == "mobilenet_v2" else None
    color = config.color or ("rgb" if transfers else survey.color_of(data))
    size = config.size or (_PRETRAINED_SIZE if transfers else survey.side_of(data, _FOLDER_SIZE))
    training = data.parts.get("all") or data.parts.get("train") or ()
    arch = default_cnn(size, color, len(training)) if config.arch == "cnn" else config.arch
    return dataclasses.replace(config, arch=arch, weights=weights, alpha=alpha, color=color, size=size)


def _augmented(config: TrainingConfig, data: LabelledData) -> TrainingConfig:
    """The preset's values where none was given."""
    preset = PRESETS[config.augmentation]
    characters = all(len(label) == 1 or label.isdecimal() for label in data.labels)
    if characters and config.flip not in (None, "none"):
        raise UsageError(
            f"--flip {config.flip}: the labels of {data.name} are digits or letters ({', '.join(data.labels[:3])}…); "
            "a mirrored one is another one, or none"
        )
    values: dict[str, Any] = {
        name: getattr(preset, name)
        for name in ("rotation", "shift", "shear", "zoom", "flip", "brightness", "contrast")
        if getattr(config, name) is None
    }
    if characters:
        values["flip"] = "none"
    return dataclasses.replace(config, **values)


def _not_known() -> str:
    return (
        "no such architecture; known: cnn, lenet, conv3, bn_cnn, micro, mobilenet_v2, "
        "a name of keras.applications such as efficientnet_v2_b0, or package.module:function"
    )
