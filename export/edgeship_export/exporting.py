"""Exporting: from a trained .keras to the bytes of a proven model file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeship_devices import Device
from edgeship_export import onnx, requirements, tflite
from edgeship_export.converting import Converted, Format, Scores
from edgeship_export.evidence import Evidence, Pictures
from edgeship_export.proving import compare
from edgeship_export.raw_pixels import taking_raw_pixels
from edgeship_export.speed import Speed, measure
from edgeship_export.tolerances import tolerance
from edgeship_runtime.classifier import Classifier
from edgeship_runtime.containers.tflite import LABELS
from edgeship_runtime.digests import MEMBER
from edgeship_runtime.engines import open_engine
from edgeship_runtime.engines.keras import load_model
from edgeship_runtime.errors import DeviceError, ExportError
from edgeship_runtime.golden import make_sample
from edgeship_runtime.manifest import GoldenSample, Manifest, Metric, Provenance, Quantization, now
from edgeship_runtime.model_file import ModelFile, assemble
from edgeship_runtime.threshold import fit_threshold

if TYPE_CHECKING:
    import keras

FORMATS: dict[str, Format] = {"tflite": tflite, "onnx": onnx}
_ENGINES = {"tflite": "litert", "onnx": "onnxruntime"}  # that a format is made for
CARRIED_BYTES = 64_000  # an exported file carries no more than this beside the model
_BATCH = 32
STEPS = 4
_VERSIONS_OF = ("edgeship", "tensorflow", "keras", "ai-edge-litert", "tf2onnx", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Exported:
    """A file that has been proven, not yet written.

    Attributes:
        content: its bytes.
        model: the same, read.
        speed: against float32; None where the file is float32.
        cures: what was done otherwise than usual for the board it is for.
    """

    content: bytes
    model: ModelFile
    speed: Speed | None = None
    cures: tuple[str, ...] = ()


def export(
    parent: ModelFile,
    out: Path,
    format_name: str,
    quantization: Quantization,
    evidence: Evidence,
    begin: Callable[[str], None] = lambda _step: None,
    *,
    allow_code: bool = False,
    device: Device | None = None,
) -> Exported:
    """Converts a .keras, runs the result in its own engine, and measures it against the parent.

    Args:
        parent: an opened .keras.
        out: where the file will lie, for messages.
        format_name: "tflite" or "onnx".
        quantization: what to make of it.
        evidence: pictures to calibrate and prove on; without proof pictures the manifest says that nothing was proven.
        begin: told what begins, STEPS times.
        allow_code: whether layers that the .keras brings code for may be run.
        device: the board it is for: its cures are applied, and a file that it could not run is not made.

    Raises:
        DeviceError: the board cannot run the file; the message has the reasons, and flags that would pass.
        ExportError: no calibration pictures for int8, or of one label only, or the converter refuses.
        EngineError: the target engine is not installed, or refuses the result.
    """
    calibration = evidence.calibration.pixels if len(evidence.calibration) else None
    if quantization.scheme == "int8":
        _check_calibration(parent, evidence.calibration)
    begin("load")
    network = taking_raw_pixels(load_model(parent, allow_code=allow_code), parent.manifest)
    _check_outputs(parent, network)
    begin("convert")
    converted = FORMATS[format_name].convert(network, quantization, parent.manifest.preprocessing, calibration, device)
    bare = _manifest(parent, format_name, quantization, converted)
    if device is not None:
        _check_device(out, device, bare)
    draft = ModelFile.parse(out, assemble(format_name, converted.model, bare, {}))
    classifier = Classifier(draft, open_engine(draft, _ENGINES[format_name]))
    begin("prove")
    measured = _measured(network, classifier, evidence.proof)
    begin("time")
    speed = _speed(draft, converted, evidence)
    content = _completed(parent, classifier, dataclasses.replace(bare, **measured), converted.model)
    return Exported(content, ModelFile.parse(out, content), speed, converted.cures)


def forced(exported: Exported) -> Exported:
    """The same file, saying of itself that it was written in spite of its drop."""
    raw, manifest = exported.model.raw, exported.model.manifest
    assert manifest.proven is not None  # noqa: S101 - what has no proof has no drop
    manifest = dataclasses.replace(manifest, proven=dataclasses.replace(manifest.proven, forced=True))
    members = {name: data for name, data in raw.members.items() if name != "manifest.json"}
    content = assemble(raw.format, raw.model, manifest, members)
    return dataclasses.replace(exported, content=content, model=ModelFile.parse(raw.path, content))


def _check_device(out: Path, device: Device, manifest: Manifest) -> None:
    reasons = device.refuses(manifest.requirements, manifest.quantization.scheme)
    if reasons:
        raise DeviceError(
            f"{out} would not run on {device.name}: {', and '.join(map(str, reasons))}; nothing was written"
        )


def _check_calibration(parent: ModelFile, pictures: Pictures) -> None:
    if not len(pictures):
        raise ExportError(
            f"{parent.path} carries no calibration pictures; give the data it was trained on: --data DATA"
        )
    seen = set(pictures.targets.tolist())
    if len(seen) == 1:
        label = parent.manifest.labels[seen.pop()]
        raise ExportError(
            f"all {len(pictures)} calibration pictures show {label!r}; activations of other labels would be cut off. "
            "Give pictures of every label: --data DATA"
        )


def _check_outputs(parent: ModelFile, network: keras.Model) -> None:
    width, labels = int(network.output_shape[-1]), len(parent.manifest.labels)
    if width != labels:
        raise ExportError(
            f"{parent.path}: its network has {width} outputs, its manifest {labels} labels; they must match"
        )


def _manifest(parent: ModelFile, format_name: str, quantization: Quantization, converted: Converted) -> Manifest:
    states = requirements.of_tflite if format_name == "tflite" else requirements.of_onnx
    needs = states(converted.model)
    versions = {name: version(name) for name in _VERSIONS_OF}
    past = parent.manifest.provenance
    return dataclasses.replace(
        parent.manifest,
        preprocessing=dataclasses.replace(parent.manifest.preprocessing, graph_input=None),
        logits=False,
        quantization=quantization,
        requirements=needs,
        metrics={},
        threshold=None,
        golden=(),
        calibration=(),
        proof=(),
        provenance=Provenance(
            created=now(),
            versions=versions,
            data_sha256=past.data_sha256,
            split=past.split,
            seed=past.seed,
            configuration=past.configuration,
            parent_sha256=parent.raw.sha256,
            parent_model_sha256=parent.raw.model_sha256,
            route=converted.route,
        ),
    )


def _completed(parent: ModelFile, classifier: Classifier, manifest: Manifest, model: bytes) -> bytes:
    """The whole file: golden samples too, and the parent's list of trained pictures where it is short enough."""
    format_name = classifier.model.format
    members = {LABELS: ("\n".join(parent.manifest.labels) + "\n").encode()}
    golden = {sample.member: parent.member(sample.member) for sample in parent.manifest.golden}
    manifest = dataclasses.replace(manifest, golden=_golden(classifier, golden))
    members |= golden
    trained = parent.raw.members.get(MEMBER, b"")
    if sum(map(len, members.values())) + len(manifest.to_bytes()) + len(trained) <= CARRIED_BYTES:
        members[MEMBER] = trained
    return assemble(format_name, model, manifest, members)


def _measured(network: keras.Model, classifier: Classifier, pictures: Pictures) -> dict[str, Any]:
    """What the manifest says of held-out pictures: proof, accuracy, and the threshold below which no answer is better."""
    if not len(pictures):
        return {}
    parent = np.asarray(network.predict(pictures.pixels, batch_size=_BATCH, verbose=0), np.float32)
    scores = _one_by_one(classifier.scores, pictures.pixels)
    proof = compare(parent, scores, pictures, classifier.labels)
    metrics = {"validation": Metric(proof.accuracy, proof.samples)}
    return {"proven": proof, "metrics": metrics, "threshold": fit_threshold(scores, pictures.targets)}


def _speed(draft: ModelFile, converted: Converted, evidence: Evidence) -> Speed | None:
    if converted.float_model is None:
        return None
    stated = dataclasses.replace(draft.manifest, quantization=Quantization())
    plain = ModelFile.parse(draft.path, assemble(draft.format, converted.float_model, stated, {}))
    pictures = evidence.proof if len(evidence.proof) else evidence.calibration
    picture = pictures.pixels[:1] if len(pictures) else np.zeros((1, *stated.preprocessing.shape), np.uint8)
    engine = _ENGINES[draft.format]
    return measure(open_engine(draft, engine, threads=1), open_engine(plain, engine, threads=1), picture)


def _golden(classifier: Classifier, pictures: dict[str, bytes]) -> tuple[GoldenSample, ...]:
    """The parent's golden pictures with this file's answers, and a tolerance from how far kernels of one CPU differ."""
    if not pictures:
        return ()
    allowed = tolerance(classifier, [classifier.preprocessing(data) for data in pictures.values()])
    return tuple(
        make_sample(name, data, classifier.scores, classifier.manifest, allowed) for name, data in pictures.items()
    )


def _one_by_one(scores: Scores, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As a device computes: kernels for a batch may differ."""
    return np.concatenate([scores(pixels[index : index + 1]) for index in range(len(pixels))])
