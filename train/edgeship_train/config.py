"""TrainingConfig: everything that decides what a training run gives, besides the pictures.

One list serves the command line (`--learning-rate`), train.toml (`learning_rate`) and the manifest. Fields that are None are decided
by `resolving.resolve`, which knows the pictures; what is written down is always resolved, so that it gives the same again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from typing import Any

LARGEST_SEED = 2**31 - 1
LARGEST_EPOCHS = 1_000_000
GROUPS = ("network", "pictures", "optimization", "regularization", "augmentation", "run")


def _option(default: object, group: str, text: str, **more: object) -> Any:  # noqa: ANN401 - as dataclasses.field
    return field(default=default, metadata={"group": group, "help": text, **more})


@dataclass(frozen=True)
class TrainingConfig:
    """Training options; the `help` of each field says what it means.

    Raises:
        ValueError: a value that cannot be trained with.
    """

    arch: str = _option(
        "cnn",
        "network",
        "cnn (default: lenet, bn_cnn or conv3, whichever suits the pictures), lenet, conv3, bn_cnn, micro, mobilenet_v2, "
        "a name of keras.applications (efficientnet_v2_b0), or your own as package.module:function",
        metavar="NAME",
    )
    alpha: float | None = _option(
        None, "network", "width of mobilenet_v2 (default: that of the weights file, else 1.0)", metavar="A"
    )
    weights: str | None = _option(
        None,
        "network",
        "imagenet, none or a file (default: imagenet for mobilenet_v2 and keras.applications)",
        metavar="W",
    )
    fine_tune_from: str = _option(
        "all",
        "network",
        "of a pretrained network, fine-tune from this block on (block_13), all (default), or none: the new head only",
        metavar="BLOCK",
    )
    size: int | None = _option(
        None,
        "pictures",
        "input of N×N pixels (default: that of the pictures, at most 96; pretrained networks 224)",
        metavar="N",
        low=1,
    )
    color: str | None = _option(
        None,
        "pictures",
        "default: grey when all pictures are, and RGB for pretrained networks",
        choices=("rgb", "grey"),
    )
    fit: str = _option(
        "stretch",
        "pictures",
        "how pictures meet the input's shape (default stretch)",
        choices=("stretch", "crop", "letterbox"),
    )
    balance: str = _option(
        "none",
        "pictures",
        "for labels of unequal size: weights in the loss, or sampling each label as often",
        choices=("none", "weights", "sampling"),
    )
    epochs: int = _option(
        30,
        "optimization",
        "at most (default 30); stops when it no longer helps",
        metavar="N",
        low=1,
        high=LARGEST_EPOCHS,
    )
    patience: int = _option(
        8,
        "optimization",
        "epochs without a better validation loss before it stops (default 8; 0: never)",
        metavar="N",
        low=0,
    )
    monitor: str = _option(
        "loss", "optimization", "what the best epoch is best in, on validation pictures", choices=("loss", "accuracy")
    )
    batch_size: int | None = _option(
        None,
        "optimization",
        "pictures in a step (default 32; 128 from 20,000 training pictures on)",
        metavar="N",
        low=1,
    )
    optimizer: str = _option(
        "adam", "optimization", "adam (default), adamw, or sgd with Nesterov momentum", choices=("adam", "adamw", "sgd")
    )
    learning_rate: float | None = _option(
        None,
        "optimization",
        "at its highest (default: 0.001, sgd 0.05; micro three times that)",
        metavar="R",
        above=0.0,
    )
    fine_tune_rate: float = _option(
        0.3, "optimization", "learning rate of pretrained layers, as a share (default 0.3)", metavar="S", above=0.0
    )
    schedule: str = _option(
        "cosine",
        "optimization",
        "of the learning rate: cosine to zero (default), constant, step: a tenth after 1/2 and 3/4 of the epochs, "
        "exponential: to a hundredth",
        choices=("cosine", "constant", "step", "exponential"),
    )
    warmup_epochs: float = _option(
        0.0, "optimization", "epochs in which the rate first rises from zero; cosine only", metavar="N", low=0.0
    )
    weight_decay: float = _option(0.004, "regularization", "of adamw (default 0.004)", metavar="D", low=0.0)
    l1: float = _option(0.0, "regularization", "L1 penalty of kernels", metavar="P", low=0.0)
    l2: float = _option(0.0, "regularization", "L2 penalty of kernels", metavar="P", low=0.0)
    dropout: float = _option(
        0.2, "regularization", "before the last layer (default 0.2)", metavar="P", low=0.0, below=1.0
    )
    label_smoothing: float = _option(
        0.0, "regularization", "share of every other label", metavar="S", low=0.0, below=1.0
    )
    augmentation: str = _option(
        "light",
        "augmentation",
        "preset (default light); the options below replace single values of it",
        choices=("none", "light", "standard", "strong"),
    )
    rotation: float | None = _option(
        None, "augmentation", "at most, in degrees, either way", metavar="DEG", low=0.0, high=180.0
    )
    shift: float | None = _option(
        None, "augmentation", "at most, as a share of width and height", metavar="S", low=0.0, high=1.0
    )
    shear: float | None = _option(None, "augmentation", "at most, in degrees", metavar="DEG", low=0.0, high=60.0)
    zoom: float | None = _option(None, "augmentation", "at most, in or out, as a share", metavar="S", low=0.0, high=0.9)
    flip: str | None = _option(
        None,
        "augmentation",
        "default: horizontal for folders; digits and letters are never flipped",
        choices=("none", "horizontal", "vertical", "both"),
    )
    fill: str = _option(
        "nearest",
        "augmentation",
        "what comes into view beyond the border (default nearest)",
        choices=("nearest", "constant", "reflect", "wrap"),
    )
    brightness: float | None = _option(
        None, "augmentation", "added at most, as a share of white", metavar="S", low=0.0, high=1.0
    )
    contrast: float | None = _option(
        None, "augmentation", "changed at most, as a share", metavar="S", low=0.0, high=1.0
    )
    precision: str = _option(
        "float32",
        "run",
        "float32 (default), or mixed_float16 / mixed_bfloat16 for GPUs; the written model is float32 in any case",
        choices=("float32", "mixed_float16", "mixed_bfloat16"),
    )
    seed: int = _option(
        0, "run", "of split, weights, shuffling and augmentation (default 0)", metavar="N", low=0, high=LARGEST_SEED
    )

    def __post_init__(self) -> None:
        """Refuses what cannot be trained."""
        for item in fields(self):
            try:
                _check(item, getattr(self, item.name))
            except OverflowError:
                raise ValueError(f"{item.name} is larger than any number that can be computed with") from None
        if self.alpha is not None and not 0.05 <= self.alpha <= 2:
            raise ValueError(f"alpha is {self.alpha}; wanted 0.05 to 2 (pretrained: 0.35, 0.5, 0.75, 1, 1.3, 1.4)")
        if self.warmup_epochs and self.schedule != "cosine":
            raise ValueError(f"warmup_epochs goes with the schedule cosine, not {self.schedule}")
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs is {self.warmup_epochs:g} of {self.epochs} epochs; wanted fewer")

    def to_text(self) -> dict[str, str]:
        """For the manifest: what was decided, as text. A weights file is named without its folder."""
        from pathlib import Path

        values = {item.name: getattr(self, item.name) for item in fields(self)}
        text = {name: str(value) for name, value in values.items() if value is not None}
        return {**text, "weights": Path(self.weights or "none").name}


def kind(item: Field[Any]) -> Callable[[str], Any]:
    """The type of a field's values: int, float or str."""
    name = str(item.type).partition(" ")[0]
    return {"int": int, "float": float, "str": str}[name]


def _check(item: Field[Any], value: object) -> None:
    if value is None:
        if item.default is not None:
            raise ValueError(f"{item.name} has no value")
        return
    wanted = kind(item)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        names = {int: "a whole number", float: "a number", str: "text"}
        raise ValueError(f"{item.name} is {value!r}; wanted {names[wanted]}")  # type: ignore[index]
    rules = item.metadata
    if choices := rules.get("choices"):
        if value not in choices:
            raise ValueError(f"{item.name} is {value!r}; known: {', '.join(choices)}")
    elif isinstance(value, (int, float)):
        _check_range(item, value)


def _check_range(item: Field[Any], value: float) -> None:
    rules = item.metadata
    low, high = rules.get("low", -math.inf), rules.get("high", math.inf)
    above, below = rules.get("above", -math.inf), rules.get("below", math.inf)
    if not (math.isfinite(value) and low <= value <= high and above < value < below):
        parts = [
            f"at least {low:g}" if math.isfinite(low) else "",
            f"at most {high:g}" if math.isfinite(high) else "",
            f"above {above:g}" if math.isfinite(above) else "",
            f"below {below:g}" if math.isfinite(below) else "",
        ]
        raise ValueError(f"{item.name} is {value:g}; wanted {' and '.join(part for part in parts if part)}")
