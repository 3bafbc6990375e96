"""TrainingConfig: everything that decides what a training run gives, besides the pictures."""

from __future__ import annotations

from dataclasses import dataclass, fields

ARCHITECTURES = ("cnn", "mobilenet_v2")
_CNN_SIZE, _MOBILENET_SIZE = 96, 224
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainingConfig:
    """Resolved training options.

    Attributes:
        arch: "cnn" or "mobilenet_v2".
        alpha: width multiplier of mobilenet_v2.
        weights: "imagenet", "none", or a file that Keras reads.
        epochs: at most; training stops when validation loss has not improved for `patience` of them.
        patience: see epochs.
        batch_size: pictures in a step.
        learning_rate: of Adam, for the layers that start from random weights; fine-tuning uses a tenth of it.
        dropout: before the last layer.
        seed: of the split, the weights and the shuffling.
    """

    arch: str = "cnn"
    alpha: float = 1.0
    weights: str = "none"
    epochs: int = 30
    patience: int = 6
    batch_size: int = 32
    learning_rate: float = 1e-3
    dropout: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses what cannot be trained."""
        if self.arch not in ARCHITECTURES:
            raise ValueError(f"no architecture {self.arch!r}; known: {', '.join(ARCHITECTURES)}")
        if self.arch == "cnn" and self.weights != "none":
            raise ValueError("the architecture cnn has no pretrained weights; use --arch mobilenet_v2")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"seed is {self.seed}; wanted 0 to {LARGEST_SEED}")
        if not 0.05 <= self.alpha <= 2:
            raise ValueError(f"alpha is {self.alpha}; wanted 0.05 to 2 (pretrained: 0.35, 0.5, 0.75, 1, 1.3, 1.4)")

    def to_text(self) -> dict[str, str]:
        """For the manifest. A weights file is named without its folder."""
        from pathlib import Path

        values = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return {**values, "weights": Path(self.weights).name}


def default_size(arch: str) -> int:
    """Side of the model's input, in pixels, for pictures in a folder."""
    return _MOBILENET_SIZE if arch == "mobilenet_v2" else _CNN_SIZE
