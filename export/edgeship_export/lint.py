"""Lint: what a person should know of a model file before a device runs it. No inference, no engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from edgeship_devices.gate import is_older
from edgeship_export import graph_inputs, keras_facts, kinds, onnx_facts, tflite_facts
from edgeship_export.facts import End, Facts
from edgeship_export.operator_releases import LAST_TFLITE_RUNTIME
from edgeship_runtime.graph_input import GraphInput
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.model_file import RawModel

_READERS = {"tflite": tflite_facts.read, "onnx": onnx_facts.read, "keras": keras_facts.read}
_RAW_PIXELS = {"uint8": (1.0, 0), "int8": (1.0, -128)}  # scale and zero point of an input that takes levels as they are
NO_RELEASE = "no-release"
_NAMED = 3  # layers that a finding lists
_FILLING = {"ASSIGN_VARIABLE", "CALL_ONCE"}  # without any of these, what a READ_VARIABLE gives is chance


@dataclass(frozen=True)
class Finding:
    """Something a person should know. `level` is "error", "warning" or "info"."""

    level: str
    code: str
    message: str


def facts(raw: RawModel) -> Facts:
    """What a model file is.

    Raises:
        DamagedError: its structure is broken.
    """
    return _READERS[raw.format](raw)


def findings(real: Facts, manifest: Manifest | None) -> list[Finding]:
    """Where the file and what it says of itself, or what a device can run, come apart; the worst first."""
    found = [*_of_manifest(real, manifest), *_of_operators(real), *_of_numbers(real, manifest), *_of_engines(real)]
    return sorted(found, key=lambda finding: ("error", "warning", "info").index(finding.level))


def _of_manifest(real: Facts, manifest: Manifest | None) -> Iterator[Finding]:
    if manifest is None:
        text = "another tool wrote this file (or saved it again): it carries no manifest"
        other = kinds.not_a_classifier(real)
        if other is None:
            yield Finding("warning", "no-manifest", f"{text}; give it a manifest with edgeship adopt")
        else:
            yield Finding("warning", "no-classifier", f"it is {other}; edgeship runs classifiers of pictures")
        return
    stated = manifest.quantization.scheme
    if real.scheme != stated:
        yield Finding("error", "quantization", f"its tensors are {real.scheme}, its manifest says {stated}")
    outputs = kinds.labels_wanted(real)
    if outputs is not None and outputs != len(manifest.labels):
        yield Finding(
            "error", "labels", f"it gives {outputs} scores, and its manifest has {len(manifest.labels)} labels"
        )


def _of_operators(real: Facts) -> Iterator[Finding]:
    for layer in real.foreign:
        where = f"layer {layer.name!r}: " if layer.name else ""
        if layer.operator.startswith("Flex"):
            name = layer.operator.removeprefix("Flex")
            text = f"{where}TensorFlow's own operator {name} (Select TF ops) is not in the runtimes of devices"
            yield Finding("error", "flex-operator", f"{text}; replace the layer, or export without SELECT_TF_OPS")
        elif layer.operator == "edgetpu-custom-op":
            yield Finding(
                "error", "custom-operator", f"{where}it is compiled for the Coral Edge TPU, and runs nowhere else"
            )
        elif real.requirements.keras is not None:
            text = f"{where}{layer.operator} is code of the file's maker, not of Keras; Keras executes it only when told to"
            yield Finding("warning", "custom-layer", text)
        else:
            yield Finding(
                "error", "custom-operator", f"{where}operator {layer.operator} is not built into the runtimes"
            )
    if "READ_VARIABLE" in real.operators and not real.operators & _FILLING:
        text = "its graph reads variables that nothing in the file fills, so its scores are chance"
        yield Finding(
            "error", "empty-variables", f"{text}; convert it again, from a function whose variables are frozen"
        )
    if real.external:
        yield Finding(
            "error",
            "external-weights",
            "its weights lie in other files; save it as one file (save_as_external_data=False)",
        )


def _of_numbers(real: Facts, manifest: Manifest | None) -> Iterator[Finding]:
    yield from _of_input(real, manifest)
    if real.activation == "softmax" and real.activation_dtype in ("int8", "uint8"):
        text = "its softmax has 8 bits, steps of 1/256: about 2 % of pictures have two highest scores alike, and the first label wins"
        yield Finding("info", "softmax-ties", text)
    if real.islands:
        names = ", ".join(f"{layer.operator} {layer.name}".strip() for layer in real.islands[:_NAMED])
        more = f", and {len(real.islands) - _NAMED} more" if len(real.islands) > _NAMED else ""
        yield Finding("info", "float-islands", f"computed in floating point between integer layers: {names}{more}")
    if real.scheme == "mixed":
        yield Finding("warning", "mixed", "some layers compute in integers and some in floating point")


def _of_input(real: Facts, manifest: Manifest | None) -> Iterator[Finding]:
    taken = real.inputs[0] if real.inputs else None
    if taken is not None and len(taken.shape) > 1 and taken.shape[0] > 1:
        text = f"it takes exactly {taken.shape[0]} pictures at a time"
        yield Finding("error", "fixed-batch", f"{text}; convert it again for one, or for any number")
    if taken is None:
        return
    if manifest is not None:
        yield from _of_levels(taken, manifest, told_by_engine="onnxruntime" not in real.requirements.engines)
    elif taken.range is not None and (taken.scale, taken.zero_point) != _RAW_PIXELS.get(taken.dtype):
        low, high = taken.range
        scale = f"scale {taken.scale:g} and zero point {taken.zero_point}"
        text = f"its {taken.dtype} input has {scale}: it stands for {low:g} to {high:g}"
        yield Finding("info", "input-scale", f"{text}, not for levels 0 to 255; edgeship adopt takes care of that")


def _of_levels(taken: End, manifest: Manifest, *, told_by_engine: bool) -> Iterator[Finding]:
    """Whether the input can hold what the manifest makes of levels. ONNX Runtime tells no scales: they are in the manifest."""
    end = taken if told_by_engine else dataclasses.replace(taken, scale=None, zero_point=None)
    objection = graph_inputs.objection(manifest.preprocessing.graph_input or GraphInput(), end)
    if objection is not None:
        yield Finding("error", "input-scale", f"by its manifest {objection}")


def _of_engines(real: Facts) -> Iterator[Finding]:
    engines = real.requirements.engines
    level = "error" if all(need.version is None for need in engines.values()) else "info"
    for engine, need in engines.items():
        if need.version is None and not real.foreign:
            yield Finding(level, NO_RELEASE, f"no {engine} that edgeship knows runs it, because of {need.because}")
    stated, need_now = real.stated_runtime, real.requirements.engines.get("tflite-runtime")
    late = need_now is not None and need_now.version is None and not real.foreign
    if stated and need_now and late and not is_older(LAST_TFLITE_RUNTIME, stated):
        text = f"it says that TensorFlow Lite {stated} runs it (min_runtime_version); {need_now.because} came later"
        yield Finding("info", "min-runtime-version", text)
