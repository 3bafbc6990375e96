"""Turn a trained .keras into a .tflite or .onnx, proven against it before it is written.

The file runs in its own engine on held-out pictures that the .keras carries (or --data gives); accuracy of both, agreement and the
largest difference of a score are shown and kept in the file. A drop that is larger than --max-drop, and not by chance (one-sided
exact McNemar test, 5 %), is refused; --force writes anyway, and the file says so.

Example:
  edgeship export flowers.keras --format tflite --quantize int8
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_force, add_json
from edgeship_runtime.terminal import answer, answer_json, counted, say, steps, table

if TYPE_CHECKING:
    from edgeship_devices import Device
    from edgeship_export.exporting import Exported
    from edgeship_export.speed import Speed
    from edgeship_runtime.manifest import Proof, Quantization

_ROUTES = {"tensorflow": "TensorFlow's converter", "keras": "Keras' exporter", "tf2onnx": "tf2onnx", None: "edgeship"}
_SHOWN = 5  # changed answers
_SLOWER = 1.03  # times that one can tell in a second or two
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
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="the board it is for (a profile's name, or a .toml): refused if that cannot run it",
    )
    parser.add_argument(
        "--allow-code", action="store_true", help="run code that the .keras brings (Lambda layers, classes of your own)"
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
    device = _device(options, out)

    from edgeship_export.evidence import carried, from_data
    from edgeship_export.exporting import STEPS, export, forced
    from edgeship_export.proving import drops

    evidence = from_data(parent, data) if data else carried(parent)
    if quantization.scheme == "int8":
        _say_uncalibrated(parent.manifest.labels, evidence.calibration.targets.tolist())
    with steps(STEPS) as begin:
        exported = export(
            parent, out, options.format, quantization, evidence, begin, allow_code=options.allow_code, device=device
        )
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


def _device(options: argparse.Namespace, out: Path) -> Device | None:
    """The board that was named; one without an engine for the format is refused before the work."""
    from edgeship_devices import Device
    from edgeship_runtime.errors import DeviceError

    if not options.device:
        return None
    device = Device.load(options.device)
    reasons = device.refuses_format(options.format)
    if reasons:
        raise DeviceError(f"{out} would not run on {device.name}: {reasons[0]}")
    return device


def _quantization(options: argparse.Namespace) -> Quantization:
    from edgeship_runtime.errors import UsageError
    from edgeship_runtime.manifest import Quantization

    scheme = _SCHEMES[options.quantize]
    if options.io and scheme != "int8":
        raise UsageError(f"--io {options.io} is for --quantize int8; the input of {scheme} files is float32")
    if options.format == "onnx" and scheme == "dynamic":
        raise UsageError(
            "--format onnx has no --quantize dynamic: it ruins depthwise convolutions; use int8 or float16, or --format tflite"
        )
    if options.format == "onnx" and options.io == "int8":
        raise UsageError("--io int8 is for .tflite files; int8 .onnx files take uint8 (default) or float")
    dtype = (
        {"uint8": "uint8", "int8": "int8", "float": "float32"}[options.io or "uint8"] if scheme == "int8" else "float32"
    )
    return Quantization(scheme, dtype)  # type: ignore[arg-type]  # both come from the tables above


def _say_result(options: argparse.Namespace, out: Path, exported: Exported) -> None:
    from edgeship_runtime import record

    raw, manifest, speed = exported.model.raw, exported.model.manifest, exported.speed
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
                "route": manifest.provenance.route,
                "proof": None if proof is None else record.to_json(proof) | _intervals(proof),
                "speed": None
                if speed is None
                else {
                    "latency_ms": round(speed.latency_ms, 4),
                    "float_latency_ms": round(speed.float_latency_ms, 4),
                    "ratio": round(speed.ratio, 3),
                },
                "device": Path(options.device).stem if options.device else None,
                "cures": list(exported.cures),
                "carried": {"golden": len(manifest.golden)},
            }
        )
        return
    answer(_proof_table(options.model, exported))
    if manifest.proven is None:
        say(f"warning: not proven: {options.model} carries no held-out pictures; give some with --data DATA")
    for cure in exported.cures:
        answer(f"for {Path(options.device).stem}: {cure}")
    if speed is not None:
        _say_speed(speed, manifest.quantization.scheme)
    carried = counted(len(manifest.golden), "golden sample") if manifest.golden else "no pictures"
    answer(f"carried in the file: {carried}")
    answer(
        f"wrote {out} ({len(exported.content):,} bytes, {manifest.quantization.scheme}, by {_ROUTES[manifest.provenance.route]})"
    )


def _say_uncalibrated(labels: Sequence[str], seen: Sequence[int]) -> None:
    """What no calibration picture shows may come out cut off; a network may have more labels than pictures are taken."""
    missing = [label for index, label in enumerate(labels) if index not in set(seen)]
    if 0 < len(missing) < len(labels) <= len(seen):
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        say(f"warning: no calibration picture shows {', '.join(missing[:3])}{more}; add some to the data")


def _say_speed(speed: Speed, scheme: str) -> None:
    times = f"{speed.latency_ms:.3g} ms, float32 {speed.float_latency_ms:.3g} ms (one thread, this machine)"
    if speed.ratio > _SLOWER:
        say(
            f"warning: {scheme} is slower here than float32: {speed.ratio:.2f} × ({times}); the board may differ: edgeship benchmark"
        )
    else:
        answer(f"speed: {speed.ratio:.2f} × float32's time: {times}")


def _proof_table(parent: str, exported: Exported) -> str:
    from edgeship_export.proving import smallest_visible_drop

    proof, manifest = exported.model.manifest.proven, exported.model.manifest
    if proof is None:
        return ""
    intervals = _intervals(proof)
    rows = [
        ("", "accuracy", "95 % interval", "agreement", "largest difference"),
        (Path(parent).name, f"{proof.parent_accuracy:.4f}", _dash(intervals["parent_accuracy_interval"]), "", ""),
        (
            f"{exported.model.format} {manifest.quantization.scheme}",
            f"{proof.accuracy:.4f}",
            _dash(intervals["accuracy_interval"]),
            f"{proof.agreement:.4f}",
            f"{proof.largest_difference:.4f}",
        ),
    ]
    least = f"a drop below {smallest_visible_drop(proof.samples):.1f} points could not be told from chance"
    lines = [table(rows, right=(1, 2, 3, 4)), f"on {proof.samples} held-out pictures; {least}"]
    if proof.changed:
        count = round((1 - proof.agreement) * proof.samples)
        lines.append(f"{counted(count, 'answer')} changed: {proof.lost} lost, {proof.won} won")
        lines += [
            f"  {change.picture}: {change.label}, was {change.before}, is {change.after}"
            for change in proof.changed[:_SHOWN]
        ]
        if count > _SHOWN:
            lines.append(f"  and {count - _SHOWN} more: edgeship inspect --json")
    return "\n".join(lines)


def _intervals(proof: Proof) -> dict[str, list[float]]:
    """Of both accuracies, 95 % (Wilson)."""
    from edgeship_runtime.evaluation import wilson

    return {
        f"{name}_interval": [round(bound, 6) for bound in wilson(round(value * proof.samples), proof.samples)]
        for name, value in (("accuracy", proof.accuracy), ("parent_accuracy", proof.parent_accuracy))
    }


def _dash(interval: list[float]) -> str:
    return f"{interval[0]:.3f}–{interval[1]:.3f}"
