"""Turn a trained .keras into a .tflite or .onnx, proven against it before it is written.

The file runs in its own engine on held-out pictures that the .keras carries (or --data gives); accuracy of both, agreement and the
largest difference of a score are shown and kept in the file. A drop that is larger than --max-drop, and not by chance (one-sided
exact McNemar test, 5 %), is refused; --force writes anyway, and the file says so.

Example:
  edgeship export flowers.keras --format tflite --quantize int8
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_force, add_json
from edgeship_runtime.terminal import answer, answer_json, say, steps, table

if TYPE_CHECKING:
    from edgeship_export.exporting import Exported
    from edgeship_runtime.manifest import Quantization

_SCHEMES = {"none": "float32", "float16": "float16", "dynamic": "dynamic", "int8": "int8"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", metavar="M.keras", help="a .keras file that edgeship train wrote")
    parser.add_argument("--format", required=True, choices=("tflite", "onnx"), help="container and engine")
    parser.add_argument(
        "--quantize", default="none", choices=tuple(_SCHEMES), help="none (default, float32), float16, dynamic or int8"
    )
    parser.add_argument("--out", metavar="F", help="file to write (default: M.int8.tflite and the like)")
    parser.add_argument(
        "--io", choices=("uint8", "int8", "float"), help="input of int8 files: uint8 (default), int8 or float"
    )
    parser.add_argument(
        "--max-drop", type=float, default=2.0, metavar="POINTS", help="largest drop of accuracy, of 100 (default 2)"
    )
    parser.add_argument(
        "--data", metavar="DATA", help="pictures to calibrate and prove on, instead of the carried ones"
    )
    add_force(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Exports."""
    from edgeship_runtime import files
    from edgeship_runtime.data import open_data
    from edgeship_runtime.errors import ExportError
    from edgeship_runtime.model_file import ModelFile

    quantization = _quantization(options)
    out = Path(options.out or Path(options.model).with_suffix(f".{quantization.scheme}.{options.format}"))
    files.refuse_existing(out, force=options.force)
    parent = ModelFile.open(options.model)
    if parent.format != "keras":
        raise ExportError(f"{parent.path} is a .{parent.format} already; export starts from the .keras it was made of")
    data = open_data(options.data) if options.data else None

    from edgeship_export.evidence import carried, from_data
    from edgeship_export.exporting import STEPS, export, forced
    from edgeship_export.proving import drops

    evidence = from_data(parent, data) if data else carried(parent)
    with steps(STEPS) as begin:
        exported = export(parent, out, options.format, quantization, evidence, begin)
    proof = exported.model.manifest.proven
    if proof is not None and drops(proof, options.max_drop):
        if not options.json:
            answer(_proof_table(options.model, exported))
        points = 100 * (proof.parent_accuracy - proof.accuracy)
        measured = f"accuracy drops by {points:.1f} points on {proof.samples} pictures (p = {proof.p_value:.2g})"
        text = f"{out}: {measured}, {options.max_drop:g} are allowed"
        if not options.force:
            raise ExportError(f"{text}; nothing was written. Try --quantize float16, or --force")
        say(f"warning: {text}; written because of --force")
        exported = forced(exported)
    files.write(out, exported.content, force=options.force)
    _say_result(options, out, exported)
    return 0


def _quantization(options: argparse.Namespace) -> Quantization:
    from edgeship_runtime.errors import UsageError
    from edgeship_runtime.manifest import Quantization

    scheme = _SCHEMES[options.quantize]
    if options.io and scheme != "int8":
        raise UsageError(f"--io {options.io} is for --quantize int8; the input of {scheme} files is float32")
    if options.format == "onnx" and scheme != "float32":
        raise UsageError(f"--format onnx writes float32 in this version; leave out --quantize {options.quantize}")
    dtype = (
        {"uint8": "uint8", "int8": "int8", "float": "float32"}[options.io or "uint8"] if scheme == "int8" else "float32"
    )
    return Quantization(scheme, dtype)  # type: ignore[arg-type]  # both come from the tables above


def _say_result(options: argparse.Namespace, out: Path, exported: Exported) -> None:
    raw, manifest = exported.model.raw, exported.model.manifest
    if options.json:
        proof = manifest.proven
        answer_json(
            {
                "out": str(out),
                "format": raw.format,
                "quantization": manifest.quantization.scheme,
                "size_bytes": len(exported.content),
                "model_bytes": len(raw.model),
                "sha256": raw.sha256,
                "proof": None if proof is None else dict(vars(proof)),
                "carried": {"golden": len(manifest.golden)},
            }
        )
        return
    answer(_proof_table(options.model, exported))
    if manifest.proven is None:
        say(f"warning: not proven: {options.model} carries no held-out pictures; give some with --data DATA")
    answer(
        f"carried in the file: {len(manifest.golden)} golden samples"
        if manifest.golden
        else "carried in the file: no pictures"
    )
    answer(f"wrote {out} ({len(exported.content):,} bytes, {manifest.quantization.scheme})")


def _proof_table(parent: str, exported: Exported) -> str:
    from edgeship_export.proving import smallest_visible_drop

    proof, manifest = exported.model.manifest.proven, exported.model.manifest
    if proof is None:
        return ""
    rows = [
        ("", "accuracy", "agreement", "largest difference"),
        (Path(parent).name, f"{proof.parent_accuracy:.4f}", "", ""),
        (
            f"{exported.model.format} {manifest.quantization.scheme}",
            f"{proof.accuracy:.4f}",
            f"{proof.agreement:.4f}",
            f"{proof.largest_difference:.4f}",
        ),
    ]
    least = f"a drop below {smallest_visible_drop(proof.samples):.1f} points could not be told from chance"
    return f"{table(rows, right=(1, 2, 3))}\non {proof.samples} held-out pictures; {least}"
