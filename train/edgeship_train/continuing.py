"""Continuing: a trained model goes on with new pictures, and new labels, without forgetting the old ones unseen.

The pictures that its file carries take part: those for calibration are trained on again, those for proof tell what was forgotten.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.digests import MEMBER, Digests
from edgeship_runtime.errors import TrainingError
from edgeship_runtime.labelled import LabelledData, LabelledPicture
from edgeship_runtime.manifest import CarriedPicture, Metric
from edgeship_runtime.model_file import ModelFile
from edgeship_train.architectures import Network
from edgeship_train.architectures.networks import scored
from edgeship_train.dataset import Dataset
from edgeship_train.predicting import predicted
from edgeship_train.rehearsal import Rehearsal

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

_MEASURED_ON = ("validation", "test")


@dataclass(frozen=True)
class Parent:
    """The model that goes on.

    Attributes:
        model: its .keras file.
    """

    model: ModelFile

    @classmethod
    def open(cls, path: Path) -> Parent:
        """Opens it.

        Raises:
            ModelFileError: it is damaged, or not ours.
            TrainingError: it is an exported file, or an adopted one that takes other numbers than ours do.
        """
        model = ModelFile.open(path)
        if model.format != "keras":
            raise TrainingError(
                f"--from {path} is a .{model.format}; training goes on from the .keras it was exported from"
            )
        if model.manifest.preprocessing.graph_input is not None or model.manifest.logits:
            raise TrainingError(
                f"--from {path} was trained elsewhere, on other numbers than raw pixels, or gives logits; training goes on from a "
                ".keras that edgeship train wrote"
            )
        return cls(model)

    @property
    def labels(self) -> tuple[str, ...]:
        """Those it knows."""
        return self.model.manifest.labels

    @property
    def rehearsed_labels(self) -> set[str]:
        """Those of the pictures that are trained on again."""
        return {picture.label for picture in self.model.manifest.calibration}

    @property
    def trained(self) -> Digests:
        """What it was trained on."""
        return Digests.from_bytes(self.model.raw.members.get(MEMBER, b""))

    def joined(self, data: LabelledData) -> LabelledData:
        """The data under all labels: the old ones first, so that outputs keep their place."""
        new = tuple(label for label in data.labels if label not in self.labels)
        return dataclasses.replace(data, labels=(*self.labels, *new))

    def rehearsal(self) -> Rehearsal:
        """What it brings along: the pictures that its file carries, and which it was trained on."""
        manifest = self.model.manifest
        carried = {"train": self._pictures(manifest.calibration), "validation": self._pictures(manifest.proof)}
        return Rehearsal(carried, self.trained)

    def network(self, labels: int, seed: int) -> Network:
        """The old network; for new labels, its last layer has new columns beside the old ones, which the seed decides.

        Raises:
            TrainingError: its last layer cannot be widened.
        """
        import keras

        from edgeship_runtime.engines.keras import load_model

        keras.utils.set_random_seed(seed)
        old = load_model(self.model)
        dense = _last_dense(old, len(self.labels), self.model.path)
        if labels == len(self.labels):
            return Network(old, dense.input)
        model = scored(old.inputs[0], dense.input, labels, name=old.name)
        widened = model.get_layer("logits")
        kernel, bias = (np.array(value) for value in widened.get_weights())
        old_kernel, *old_bias = dense.get_weights()
        kernel[:, : len(self.labels)] = old_kernel
        bias[: len(self.labels)] = old_bias[0] if old_bias else 0
        widened.set_weights([kernel, bias])
        return Network(model, dense.input)

    def heir(self, network: Network, dataset: Dataset) -> Heir:
        """What this model's network answers before it goes on."""
        measured_on = [(name, dataset.parts[name]) for name in _MEASURED_ON if name in dataset.parts]
        scores = {name: predicted(network.model, part, 32, "scores, before") for name, part in measured_on}
        # of the old labels only: new columns are nothing but random weights
        answers = {name: found[:, : len(self.labels)].argmax(axis=1) for name, found in scores.items()}
        return Heir(self, answers)

    def _pictures(self, carried: Sequence[CarriedPicture]) -> list[LabelledPicture]:
        preprocessing = self.model.manifest.preprocessing
        pictures = []
        for item in carried:
            pixels = preprocessing(self.model.member(item.member))
            content = pixels[..., 0] if pixels.shape[2] == 1 else pixels
            pictures.append(LabelledPicture(f"{self.model.path.name}/{item.member}", item.label, content))
        return pictures


@dataclass(frozen=True, eq=False)
class Heir:
    """A model on its way on.

    Attributes:
        parent: what it was.
        answers: of the old network: part → index of the answered label, for each picture.
    """

    parent: Parent
    answers: Mapping[str, NDArray[np.int64]]

    def metrics(self, dataset: Dataset, scores: Mapping[str, NDArray[np.float32]]) -> dict[str, Metric]:
        """Accuracy on pictures that were not trained on: of old labels before and after, of new labels after.

        Args:
            dataset: what was trained on.
            scores: of the new model, by part.
        """
        right: dict[str, list[bool]] = {"old_labels_before": [], "old_labels": [], "new_labels": []}
        for name, answers in self.answers.items():
            targets = dataset.parts[name].targets
            old, after = targets < len(self.parent.labels), scores[name].argmax(axis=1) == targets
            right["old_labels_before"] += list((answers == targets)[old])
            right["old_labels"] += list(after[old])
            right["new_labels"] += list(after[~old])
        return {name: Metric(float(np.mean(values)), len(values)) for name, values in right.items() if values}


def _last_dense(model: keras.Model, labels: int, path: Path) -> keras.layers.Layer:
    """The layer that gives the logits, whether softmax is its own activation or a layer's behind it."""
    import keras

    dense = scores = model.layers[-1]
    if isinstance(scores, keras.layers.Softmax | keras.layers.Activation):
        dense = model.layers[-2]
    ends = isinstance(scores, keras.layers.Softmax) or _activation(scores) is keras.activations.softmax
    linear = dense is scores or _activation(dense) is keras.activations.linear
    if not (ends and linear and isinstance(dense, keras.layers.Dense) and dense.units == labels):
        raise TrainingError(
            f"--from {path}: its network does not end with a Dense layer of {labels} units and a softmax; training goes on from there"
        )
    return dense


def _activation(layer: keras.layers.Layer) -> object:
    return getattr(layer, "activation", None)
