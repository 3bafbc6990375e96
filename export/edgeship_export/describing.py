"""Describing: everything `edgeship inspect` tells of a file, as one JSON object."""

from __future__ import annotations

from pathlib import Path

from edgeship_export import kinds, lint, tflite_description
from edgeship_export.facts import End, Facts
from edgeship_runtime import record
from edgeship_runtime.errors import DamagedError, ForeignModelError, ModelFileError
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.model_file import RawModel
from edgeship_runtime.record import Json

_COLORS = {1: "grey", 3: "rgb"}


def describe(path: str | Path) -> Json:
    """What a file is, what it says of itself, what it needs, and what is to be known of it.

    Raises:
        ModelFileError: it cannot be read.
    """
    raw = RawModel.open(path)
    try:
        manifest = raw.manifest()
    except ForeignModelError:
        manifest = None
    try:
        real = lint.facts(raw)
    except DamagedError as error:
        raise ModelFileError(f"{path} is damaged: {error}; copy it again from where it was made") from None
    return {
        "format": raw.format,
        "kind": kinds.not_a_classifier(real) or "a classifier of pictures",
        **_numbers(real),
        "labels": list(manifest.labels if manifest else _told(raw)) or None,
        "input": _input(real, manifest),
        "outputs": [_end(end) for end in real.outputs],
        **_stated(manifest),
        "size_bytes": raw.size_bytes,
        "model_bytes": len(raw.model),
        "sha256": raw.sha256,
        "model_sha256": raw.model_sha256,
        "requirements": record.to_json(real.requirements),
        "layers": record.to_json(real.layers),
        "findings": record.to_json(lint.findings(real, manifest)),
    }


def _told(raw: RawModel) -> tuple[str, ...]:
    """Labels that another tool's metadata names; none where it cannot be read, which `adopt` says."""
    try:
        return tflite_description.read(raw).labels if raw.format == "tflite" else ()
    except DamagedError:
        return ()


def _numbers(real: Facts) -> Json:
    return {
        "quantization": real.scheme,
        "per_channel": real.per_channel,
        "weights": dict(real.weights),
        "activation": real.activation,
        "float_islands": record.to_json(real.islands),
    }


def _input(real: Facts, manifest: Manifest | None) -> Json:
    end = real.inputs[0] if real.inputs else End("", "", ())
    taken = kinds.picture(end)
    width, height, channels = (taken.width, taken.height, taken.channels) if taken else (-1, -1, -1)
    if manifest is not None:
        height, width, channels = manifest.preprocessing.shape
    layout = taken.layout if taken else None
    return {"width": width, "height": height, "color": _COLORS.get(channels), "layout": layout, **_end(end)}


def _end(end: End) -> Json:
    return {**record.to_json(end), "range": list(end.range) if end.range else None}


def _stated(manifest: Manifest | None) -> Json:
    """What the file says of itself."""
    if manifest is None:
        return {
            "preprocessing": None,
            "metrics": {},
            "proven": None,
            "provenance": None,
            "carried": {"golden": 0, "calibration": 0, "proof": 0},
        }
    pictures = {"golden": manifest.golden, "calibration": manifest.calibration, "proof": manifest.proof}
    return {
        "preprocessing": record.to_json(manifest.preprocessing),
        "metrics": record.to_json(manifest.metrics),
        "proven": record.to_json(manifest.proven),
        "provenance": record.to_json(manifest.provenance),
        "carried": {name: len(carried) for name, carried in pictures.items()},
    }
