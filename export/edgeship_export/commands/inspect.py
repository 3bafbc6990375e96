"""Show what is in a model file: what it is really quantized to, what it takes, what it needs, what was measured.

Reads any .tflite, .onnx or .keras, also those of other tools, in milliseconds: nothing is executed. The exit code is 0 unless the file
is unreadable; what is wrong with it is listed as findings.

Example:
  edgeship inspect flowers.int8.tflite
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_json
from edgeship_runtime.terminal import answer, answer_json

if TYPE_CHECKING:
    from edgeship_runtime.record import Json

_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", metavar="M", help="a .tflite, .onnx or .keras file")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Inspects."""
    facts = _facts(options.model)
    if options.json:
        answer_json(facts)
    else:
        _show(options.model, facts)
    return 0


def _facts(path: str) -> Json:
    from edgeship_export import lint
    from edgeship_runtime import record
    from edgeship_runtime.errors import DamagedError, ForeignModelError, ModelFileError
    from edgeship_runtime.model_file import RawModel

    raw = RawModel.open(path)
    try:
        manifest = raw.manifest()
    except ForeignModelError:
        manifest = None
    try:
        real = lint.facts(raw)
    except DamagedError as error:
        raise ModelFileError(f"{path} is damaged: {error}") from None
    shape = real.input_shape if len(real.input_shape) == 4 else (-1, -1, -1, -1)
    height, width, channels = shape[1:]
    if manifest is not None:
        height, width, channels = manifest.preprocessing.shape
    return {
        "format": raw.format,
        "quantization": real.scheme,
        "labels": list(manifest.labels) if manifest else None,
        "input": {
            "width": width,
            "height": height,
            "color": {1: "grey", 3: "rgb"}.get(channels),
            "dtype": real.input_dtype,
            "shape": list(real.input_shape),
            "scale": real.input_quantization[0] if real.input_quantization else None,
            "zero_point": real.input_quantization[1] if real.input_quantization else None,
        },
        "preprocessing": record.to_json(manifest.preprocessing) if manifest else None,
        "size_bytes": raw.size_bytes,
        "model_bytes": len(raw.model),
        "sha256": raw.sha256,
        "model_sha256": raw.model_sha256,
        "metrics": record.to_json(manifest.metrics) if manifest else {},
        "proven": record.to_json(manifest.proven) if manifest and manifest.proven else None,
        "requirements": record.to_json(real.requirements),
        "provenance": record.to_json(manifest.provenance) if manifest else None,
        "carried": {
            "golden": len(manifest.golden) if manifest else 0,
            "calibration": len(manifest.calibration) if manifest else 0,
            "proof": len(manifest.proof) if manifest else 0,
        },
        "findings": [{"level": f.level, "code": f.code, "message": f.message} for f in lint.findings(real, manifest)],
    }


def _show(path: str, facts: Json) -> None:
    taken, needs = facts["input"], facts["requirements"]
    rows = [
        ("file", f"{path}, {facts['size_bytes']:,} bytes (model {facts['model_bytes']:,})"),
        ("format", f".{facts['format']}, {facts['quantization']}"),
        ("input", f"{taken['width']}×{taken['height']} {taken['color'] or ''} {taken['dtype']}{_affine(taken)}"),
    ]
    if facts["preprocessing"]:
        rows.append(
            (
                "preprocessing",
                f"{facts['preprocessing']['fit']}, {facts['preprocessing']['resize']}; raw pixels 0–255 go in",
            )
        )
    if facts["labels"]:
        more = f", … ({len(facts['labels'])})" if len(facts["labels"]) > _SHOWN else ""
        rows.append(("labels", ", ".join(facts["labels"][:_SHOWN]) + more))
    for name, metric in facts["metrics"].items():
        rows.append((name, f"accuracy {metric['accuracy']:.4f} on {metric['samples']:,} pictures"))
    if facts["proven"]:
        proven = facts["proven"]
        forced = "; WRITTEN IN SPITE OF ITS DROP (--force)" if proven["forced"] else ""
        rows.append(
            ("proven", f"{proven['agreement']:.4f} agreement with its parent ({proven['parent_accuracy']:.4f}){forced}")
        )
    operators = ", ".join(f"{name} {version}" for name, version in needs["operators"].items())
    rows.append(("needs", operators or f"Keras {needs['keras']}"))
    rows.append(
        ("carries", ", ".join(f"{count} {what}" for what, count in facts["carried"].items() if count) or "no pictures")
    )
    rows.append(("sha256", facts["sha256"]))
    rows.append(("model sha256", facts["model_sha256"]))
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        answer(f"{name.ljust(width)}  {text}")
    for finding in facts["findings"]:
        answer(f"{finding['level']}: {finding['message']} [{finding['code']}]")


def _affine(taken: Json) -> str:
    return "" if taken["scale"] is None else f", scale {taken['scale']:g}, zero point {taken['zero_point']}"
