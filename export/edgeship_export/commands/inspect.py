"""Show what is in a model file: what it is really quantized to, what it takes, what it needs, what was measured.

Reads any .tflite, .onnx or .keras, also those of other tools, in milliseconds: nothing is executed. The exit code is 0 unless the file
is unreadable; what is wrong with it is listed as findings.

Example:
  edgeship inspect flowers.int8.tflite
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_json
from edgeship_runtime.terminal import answer, answer_json

if TYPE_CHECKING:
    from edgeship_runtime.record import Json

_SHOWN = 12
_HEAVIEST = 8  # layers
_FIGURES = 50  # columns that the figures of a layer take, its operator among them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", metavar="M", help="a .tflite, .onnx or .keras file")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Inspects."""
    from edgeship_export.describing import describe

    facts = describe(options.model)
    if options.json:
        answer_json(facts)
    else:
        _show(options.model, facts)
    return 0


def _show(path: str, facts: Json) -> None:
    import shutil
    import textwrap

    rows = [*_of_file(path, facts), *_of_graph(facts), *_of_manifest(facts), *_of_needs(facts)]
    rows += [("sha256", facts["sha256"]), ("model sha256", facts["model_sha256"])]
    margin = max(len(name) for name, _ in rows) + 2
    room = max(40, shutil.get_terminal_size().columns - margin)
    for name, text in rows:
        lines = textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False) or [""]
        answer(name.ljust(margin) + f"\n{' ' * margin}".join(lines))
    _show_layers(facts["layers"], margin + room)
    for finding in facts["findings"]:
        answer(f"{finding['level']}: {finding['message']} [{finding['code']}]")


def _of_file(path: str, facts: Json) -> Iterator[tuple[str, str]]:
    yield "file", f"{path}, {facts['size_bytes']:,} bytes (model {facts['model_bytes']:,})"
    weights = ", ".join(f"{size:,} bytes {dtype}" for dtype, size in facts["weights"].items() if size >= 1024)
    scales = {True: ", a scale for each channel", False: ", one scale for each tensor", None: ""}[facts["per_channel"]]
    yield "format", f".{facts['format']}, {facts['quantization']}{scales}"
    if weights:
        yield "weights", weights
    if facts["preprocessing"] is None:  # another tool's file
        yield "kind", facts["kind"]


def _of_graph(facts: Json) -> Iterator[tuple[str, str]]:
    taken = facts["input"]
    sides = [_side(taken["width"]), _side(taken["height"])]
    picture = f"{'×'.join(sides)} {taken['color']}" if taken["color"] else "×".join(map(_side, taken["shape"]))
    layout = ", channels first" if taken["layout"] == "nchw" else ""
    yield "input", f"{picture} {taken['dtype']}{layout}{_affine(taken)}"
    ends = facts["outputs"][:4]
    texts = ["×".join(map(_side, end["shape"])) + f" {end['dtype']}" + _affine(end) for end in ends]
    more = f", … ({len(facts['outputs'])})" if len(facts["outputs"]) > len(ends) else ""
    yield "output", ", ".join(texts) + more + (f", from {facts['activation']}" if facts["activation"] else "")


def _of_manifest(facts: Json) -> Iterator[tuple[str, str]]:
    if facts["preprocessing"]:
        yield "preprocessing", _preprocessing(facts["preprocessing"])
    if facts["labels"]:
        more = f", … ({len(facts['labels'])})" if len(facts["labels"]) > _SHOWN else ""
        yield "labels", ", ".join(facts["labels"][:_SHOWN]) + more
    for name, metric in facts["metrics"].items():
        yield name, f"accuracy {metric['accuracy']:.4f} on {metric['samples']:,} pictures"
    if facts["proven"]:
        proven = facts["proven"]
        forced = "; WRITTEN IN SPITE OF ITS DROP (--force)" if proven["forced"] else ""
        yield "proven", f"{proven['agreement']:.4f} agreement with its parent ({proven['parent_accuracy']:.4f}){forced}"
    yield "carries", ", ".join(f"{count} {what}" for what, count in facts["carried"].items() if count) or "no pictures"


def _preprocessing(stated: Json) -> str:
    graph = stated.get("graph_input")
    if graph is None:
        goes_in = "raw pixels 0–255 go in"
    else:
        numbers = [", ".join(f"{value:g}" for value in graph[name]) for name in ("mean", "std")]
        goes_in = f"(level − {numbers[0]}) / {numbers[1]} goes in" + (", blue first" if graph["bgr"] else "")
    return f"{stated['fit']}, {stated['resize']}; {goes_in}"


def _of_needs(facts: Json) -> Iterator[tuple[str, str]]:
    needs = facts["requirements"]
    engines = needs["engines"].items()
    runs = " or ".join(f"{engine} {need['version']}" for engine, need in engines if need["version"])
    refused = [f"no {engine} ({need['because']})" for engine, need in engines if not need["version"]]
    yield "needs", "; ".join([runs, *refused] if runs else refused) or f"Keras {needs['keras']}"
    operators = ", ".join(f"{name} {version}" for name, version in needs["operators"].items())
    if operators:
        yield "operators", operators + (f", IR {needs['ir_version']}" if needs["ir_version"] else "")
    if needs["memory_bytes"]:
        yield "memory", f"{needs['memory_bytes']:,} bytes at least"


def _show_layers(layers: Json, width: int) -> None:
    """The heaviest, in the order they run."""
    from edgeship_runtime.terminal import table

    if not layers:
        return
    whole = sum(layer["size_bytes"] for layer in layers)
    order = sorted(range(len(layers)), key=lambda index: -layers[index]["size_bytes"])
    rows = [("heaviest layers", "operator", "weights", "bytes", "share")]
    for index in sorted(order[:_HEAVIEST]):
        layer, size = layers[index], layers[index]["size_bytes"]
        name = _short(layer["name"], width - _FIGURES)
        rows.append((name, layer["operator"], layer["dtype"], f"{size:,}", f"{size / whole:.0%}"))
    answer(f"\n{table(rows, right=(3, 4))}\n")


def _short(name: str, most: int) -> str:
    """The end of a long name: that is where layers differ."""
    most = max(most, 12)
    return name if len(name) <= most else f"…{name[1 - most :]}"


def _side(side: int) -> str:
    return "N" if side < 0 else str(side)


def _affine(end: Json) -> str:
    return "" if end["scale"] is None else f", scale {end['scale']:g}, zero point {end['zero_point']}"
