"""Saving: a trained model and what it must say about itself, as one .keras file."""

from __future__ import annotations

import dataclasses
import io
import platform
import re
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.digests import MEMBER, Digests
from edgeship_runtime.errors import OutputError
from edgeship_runtime.files import reason
from edgeship_runtime.golden import make_sample
from edgeship_runtime.manifest import (
    MOST_CALIBRATION,
    MOST_PROOF,
    Manifest,
    Metric,
    Provenance,
    Quantization,
    Requirements,
    now,
)
from edgeship_runtime.model_file import assemble
from edgeship_train.carrying import carry, golden_pictures
from edgeship_train.continuing import Heir
from edgeship_train.dataset import Dataset
from edgeship_train.training import Trained

if TYPE_CHECKING:
    import keras

TOLERANCE = 1e-3  # of a float32 score, between engines and CPUs
_SHARED = re.compile(rb'("shared_object_id": )(\d+)')
_VERSIONS_OF = ("edgeship", "tensorflow", "keras", "numpy", "pillow")


def model_bytes(
    dataset: Dataset, trained: Trained, *, carry_pictures: bool, heir: Heir | None = None
) -> tuple[bytes, Manifest]:
    """The .keras file, and its manifest. `heir` is the model that went on, if one did.

    Raises:
        OutputError: the temporary folder is full.
    """
    manifest = _manifest(dataset, trained)
    digests = Digests.of(dataset.parts["train"].digests)
    if heir is not None:
        manifest = _descended(manifest, heir, dataset, trained)
        digests = Digests(digests.prefixes | heir.parent.trained.prefixes)
    members = {MEMBER: digests.to_bytes()}
    if carry_pictures:
        calibration = carry(dataset, "train", "calibration", MOST_CALIBRATION)
        proof = carry(dataset, "validation", "proof", MOST_PROOF)
        manifest = dataclasses.replace(manifest, calibration=calibration.pictures, proof=proof.pictures)
        manifest, golden = _with_golden(manifest, dataset, trained)
        members |= calibration.members | proof.members | golden
    return assemble("keras", saved(trained.model), manifest, members), manifest


def saved(model: keras.Model) -> bytes:
    """What Keras writes for a model, without the optimizer's state: two thirds of the file, and of use only in training.

    Raises:
        OutputError: the temporary folder is full.
    """
    import keras

    bare = keras.Model(model.inputs, model.outputs, name=model.name)
    with tempfile.TemporaryDirectory(prefix="edgeship-") as folder:
        path = Path(folder) / "model.keras"
        try:
            bare.save(path)
            return _reproducible(path)
        except OSError as error:
            raise OutputError(f"{folder}: {reason(error)}; set TMPDIR to a folder with space") from None


def _reproducible(path: Path) -> bytes:
    """The archive with shared objects numbered 1, 2, …: Keras writes their addresses in memory, other ones in each process."""
    stream = io.BytesIO()
    numbers: dict[bytes, int] = {}
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "config.json":
                content = _SHARED.sub(
                    lambda found: b"%s%d" % (found[1], numbers.setdefault(found[2], len(numbers) + 1)), content
                )
            new.writestr(entry, content)
    return stream.getvalue()


def measured(dataset: Dataset, trained: Trained) -> dict[str, Metric]:
    """Accuracy on validation and test."""
    return {
        name: Metric(float((trained.scores[name].argmax(axis=1) == part.targets).mean()), len(part))
        for name, part in dataset.parts.items()
        if name != "train"
    }


def _manifest(dataset: Dataset, trained: Trained) -> Manifest:
    versions = {name: version(name) for name in _VERSIONS_OF}
    return Manifest(
        labels=dataset.labels,
        preprocessing=dataset.preprocessing,
        quantization=Quantization("float32", "float32"),
        model_sha256="",  # assemble sets it
        metrics=measured(dataset, trained),
        requirements=Requirements(keras=versions["keras"]),
        provenance=Provenance(
            created=now(),
            versions={**versions, "python": platform.python_version()},
            data_sha256=dataset.sha256,
            split=dataset.split,
            seed=trained.config.seed,
            configuration=trained.config.to_text(),
        ),
    )


def _descended(manifest: Manifest, heir: Heir, dataset: Dataset, trained: Trained) -> Manifest:
    """Says which model went on, and what became of its labels."""
    old = heir.parent.model.raw
    provenance = dataclasses.replace(
        manifest.provenance, parent_sha256=old.sha256, parent_model_sha256=old.model_sha256
    )
    metrics = {**manifest.metrics, **heir.metrics(dataset, trained.scores)}
    return dataclasses.replace(manifest, provenance=provenance, metrics=metrics)


def _with_golden(manifest: Manifest, dataset: Dataset, trained: Trained) -> tuple[Manifest, dict[str, bytes]]:
    pictures = golden_pictures(dataset.parts["validation"], trained.scores["validation"], dataset.preprocessing)
    members = {f"golden/{number}": data for number, data in enumerate(pictures)}

    def scores_of(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(trained.model.predict_on_batch(batch.astype(np.float32)), np.float32)

    samples = tuple(make_sample(name, data, scores_of, manifest, TOLERANCE) for name, data in members.items())
    return dataclasses.replace(manifest, golden=samples), members
