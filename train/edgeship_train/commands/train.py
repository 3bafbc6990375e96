"""Train a classifier on labelled pictures.

DATA is a folder with a sub-folder for each label, or train/, validation/, test/ above that; or a named set: digits, mnist,
fashion_mnist, cifar10 (mnist:DIR reads the original files in DIR, without a network). The result is a .keras file that carries its
labels and preprocessing, and (unless --carry none) some of the pictures, so that exporting it needs nothing else. Beside it,
M.report/ holds report.html, history.json, evaluation.json and train.toml, which gives the same run again.

Example:
  edgeship train flowers/ --out flowers.keras
  edgeship train flowers/ --out flowers.keras --arch mobilenet_v2 --epochs 8
  edgeship train flowers/ --out flowers.keras --config train.toml --seed 1
  edgeship train flowers/ --out flowers.keras --resume
  edgeship train flowers/ --out flowers.keras --archs cnn,mobilenet_v2
  edgeship train more/ --out flowers2.keras --from flowers.keras
"""

from __future__ import annotations

import argparse

from edgeship_runtime.commands.options import add_force, add_json
from edgeship_runtime.terminal import answer_json
from edgeship_train.commands.options import add_configuration, configured, given, ordered


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("data", metavar="DATA", help="labelled pictures: a folder, or a named set")
    parser.add_argument("--out", required=True, metavar="M.keras", help="the model file to write")
    parser.add_argument("--config", metavar="F.toml", help="options from a file; those given here replace them")
    parser.add_argument(
        "--resume", action="store_true", help="go on where an interrupted run stopped, with its options"
    )
    parser.add_argument(
        "--from", dest="parent", metavar="OLD.keras", help="go on with a trained model, new pictures and new labels"
    )
    parser.add_argument("--archs", metavar="A,B", help="train each of these on one split, to M.A.keras and M.B.keras")
    add_configuration(parser)
    parser.add_argument(
        "--carry", default="pictures", choices=("pictures", "none"), help="none: no picture travels with the model"
    )
    parser.add_argument("--no-cache", action="store_true", help="keep decoded pictures in memory, not in the cache")
    parser.add_argument("--tensorboard", action="store_true", help="logs for TensorBoard in M.report/tensorboard")
    add_force(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Trains."""
    from edgeship_runtime.data import open_data
    from edgeship_train.commands import answering, side_by_side
    from edgeship_train.order import check, check_beside, resumed
    from edgeship_train.running import resolved, run_one

    if options.archs is not None:
        return side_by_side.run(options)
    order = ordered(options)
    values = resumed(order, given(options)) if order.resume else given(options)
    config = configured(values, options)
    check(order)
    check_beside(order, options.data)
    data = open_data(options.data)
    outcome = run_one(data, resolved(data, config, order, values), order)
    if options.json:
        answer_json(answering.to_json(outcome))
    else:
        answering.say_outcome(outcome)
    return 0
