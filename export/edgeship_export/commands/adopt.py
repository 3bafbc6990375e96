"""Give a model that another tool trained a manifest, so that it runs, verifies, evaluates and benchmarks like one of ours.

FOREIGN is a .tflite, .onnx or .keras, or the folder of a SavedModel (which becomes a float32 .tflite). The model itself is not
changed. What its TFLite metadata tells is taken from there: labels and normalization. What nothing tells must be said, above all what
the network took in training (--preprocessing): raw (levels 0–255), unit (0 to 1), tf (-1 to 1), torch (ImageNet's mean and standard
deviation), caffe (BGR, less ImageNet's mean), or mean=M,std=S in levels; or found by trial on labelled pictures (--data). Quantized
inputs take levels as they are unless told otherwise.

Example:
  edgeship adopt mobilenet.onnx --labels imagenet.txt --preprocessing torch --pictures parrot.jpg cat.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_force, add_json
from edgeship_runtime.terminal import answer, answer_json, counted, say, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeship_export.adopting import Answer, Known
    from edgeship_runtime.graph_input import GraphInput
    from edgeship_runtime.labelled import LabelledPicture
    from edgeship_runtime.model_file import ModelFile

_SHOWN = 4  # labels
_MOST_OFFERED = 20  # pictures of DATA, of which golden samples are made


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("foreign", metavar="FOREIGN", help="a .tflite, .onnx or .keras, or a SavedModel's folder")
    parser.add_argument(
        "--labels",
        metavar="F",
        help="a text file with one label a line, in output order, or JSON (default: its metadata's)",
    )
    parser.add_argument(
        "--preprocessing",
        metavar="P",
        help="raw, unit, tf, torch, caffe, or mean=M,std=S[,bgr]: what it took in training",
    )
    parser.add_argument(
        "--fit",
        choices=("stretch", "crop", "letterbox"),
        default="stretch",
        help="pictures of another shape (default stretch)",
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="pixels, for a network that takes any size")
    parser.add_argument(
        "--pictures",
        nargs="+",
        default=[],
        metavar="P",
        help="pictures, folders or globs; up to 4 become golden samples",
    )
    parser.add_argument(
        "--data", metavar="DATA", help="labelled pictures: tell which normalization is right, and give golden samples"
    )
    parser.add_argument(
        "--out", metavar="F", help="file to write (default: FOREIGN's name with .adopted before the suffix)"
    )
    add_force(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Adopts."""
    from edgeship_export import graph_inputs, lint
    from edgeship_runtime import files

    path = Path(options.foreign)
    stated = graph_inputs.parse(options.preprocessing) if options.preprocessing else None
    out = Path(options.out) if options.out else _default_out(path)
    files.refuse_existing(out, force=options.force)
    pictures = _pictures(options.pictures)

    from edgeship_export.adopting import completed, draft, know, tried
    from edgeship_export.foreign import open_foreign
    from edgeship_runtime.model_file import ModelFile

    known = know(open_foreign(path), options.size)
    labels = _labels(options, known)
    labelled = _labelled(options)
    taken = _stated(known, stated) or _told(options, known, labels, labelled)
    classifier = tried(draft(known, labels, taken, options.fit, known.description.color), known.facts)
    content, answers = completed(known, classifier, pictures or _one_of_each(labelled))
    files.write(out, content, force=options.force)
    model = ModelFile.parse(out, content)
    _say_result(options, model, answers)
    for finding in lint.findings(known.facts, model.manifest):
        if finding.level != "info":
            say(f"warning: {finding.message}")
    return 0


def _default_out(path: Path) -> Path:
    path = path.resolve() if path.name in ("", ".", "..") else path
    suffix = ".tflite" if path.is_dir() else path.suffix
    stem = path.name if path.is_dir() else path.stem
    return path.with_name(f"{stem}.adopted{suffix}")


def _pictures(sources: list[str]) -> list[LabelledPicture]:
    """What was named; their labels are for the network to say."""
    from edgeship_runtime.labelled import LabelledPicture
    from edgeship_runtime.sources.listing import every_picture

    return [LabelledPicture(str(path), "", path) for path in every_picture(*sources)]


def _labels(options: argparse.Namespace, known: Known) -> tuple[str, ...]:
    from edgeship_export import labels_file
    from edgeship_runtime.errors import AdoptError

    if options.labels:
        return labels_file.read(Path(options.labels))
    if not known.description.labels:
        raise AdoptError(f"{known.raw.path} does not say what its scores are for: --labels FILE, one label a line")
    return known.description.labels


def _labelled(options: argparse.Namespace) -> list[LabelledPicture]:
    from edgeship_export.choosing import pool
    from edgeship_runtime.data import open_data

    return pool(open_data(options.data)) if options.data else []


def _stated(known: Known, stated: GraphInput | None) -> GraphInput | None:
    """What was said; to an input of 8 bits, raw means levels as they are, whatever it takes them for."""
    from edgeship_export import graph_inputs

    plain = stated is not None and stated.is_plain
    return (graph_inputs.as_they_are(known.facts.inputs[0]) or stated) if plain else stated


def _told(
    options: argparse.Namespace, known: Known, labels: Sequence[str], labelled: Sequence[LabelledPicture]
) -> GraphInput:
    """What the file tells, or labelled pictures: these are asked where there are some, because files err."""
    from edgeship_export import graph_inputs
    from edgeship_export.choosing import decided, trials
    from edgeship_runtime.errors import AdoptError

    own = graph_inputs.from_file(known.facts.inputs[0], known.description)
    if own is not None and not labelled:
        return own
    if not labelled:
        meanings = "; ".join(f"{name} ({meaning})" for name, meaning in graph_inputs.MEANINGS.items())
        raise AdoptError(
            f"{known.raw.path} takes {known.facts.inputs[0].dtype}, and nothing in it says what that was in training. Give labelled "
            f"pictures to find out, --data DATA; or say --preprocessing, one of {meanings}; or mean=M,std=S"
        )
    found = trials(known, labels, options.fit, labelled, own)
    best = decided(found, len(labels))
    rows = [("normalization", "accuracy"), *[(trial.name, f"{trial.accuracy:.3f}") for trial in found]]
    (say if options.json else answer)(
        f"{table(rows, right=(1,))}\non {counted(len(labelled), 'picture')}: {best.name}\n"
    )
    return best.stated


def _one_of_each(labelled: Sequence[LabelledPicture]) -> list[LabelledPicture]:
    """The first picture of each label."""
    return list({picture.label: picture for picture in reversed(labelled)}.values())[:_MOST_OFFERED]


def _say_result(options: argparse.Namespace, model: ModelFile, answers: list[Answer]) -> None:
    from edgeship_export import graph_inputs
    from edgeship_runtime import record

    manifest = model.manifest
    if options.json:
        answer_json(
            {
                "out": str(model.path),
                "format": model.format,
                "quantization": manifest.quantization.scheme,
                "labels": len(manifest.labels),
                "preprocessing": record.to_json(manifest.preprocessing),
                "logits": manifest.logits,
                "size_bytes": model.raw.size_bytes,
                "sha256": model.raw.sha256,
                "model_sha256": model.raw.model_sha256,
                "answers": record.to_json(answers),
                "carried": {"golden": len(manifest.golden)},
            }
        )
        return
    if answers:
        rows = [("picture", "answer", "score", "golden"), *[_row(item) for item in answers]]
        answer(table(rows, right=(2,)) + "\n")
    taken = manifest.preprocessing
    answer(
        f"input   {taken.width}×{taken.height} {taken.color}, {taken.fit}; {graph_inputs.described(taken.graph_input)}"
    )
    ending = "; it gives logits, the runtime applies softmax" if manifest.logits else ""
    more = " · …" if len(manifest.labels) > _SHOWN else ""
    answer(f"output  {counted(len(manifest.labels), 'label')}: {' · '.join(manifest.labels[:_SHOWN])}{more}{ending}")
    if manifest.golden:
        answer(f"carried in the file: {counted(len(manifest.golden), 'golden sample')}")
    else:
        why = "no picture was answered surely enough" if answers else "without --pictures or --data"
        say(f"note: {why}: the file carries no golden samples, and edgeship verify has nothing to compare")
    answer(f"wrote {model.path} ({model.raw.size_bytes:,} bytes, {manifest.quantization.scheme})")


def _row(item: Answer) -> tuple[str, str, str, str]:
    return Path(item.picture).name, item.label, f"{item.score:.4f}", "yes" if item.carried else ""


def _size(text: str) -> tuple[int, int]:
    """Width and height in pixels, for argparse."""
    from edgeship_runtime.commands.options import positive

    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return positive(width), positive(height)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"wanted WIDTHxHEIGHT, such as 224x224, received {text!r}") from None
