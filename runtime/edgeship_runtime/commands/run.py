"""Classify pictures, videos, cameras and streams.

SOURCE is a picture, a folder (with everything below it), a quoted glob, "-" for a list of paths on stdin, a video, camera:0,
picamera:0, rtsp://… or http://… (MJPEG); several may be given. Pictures and videos are answered completely and in order; what cannot
be read is reported, the rest go on, and the exit code is then 1. Of cameras and streams the newest frame is answered, until Ctrl-C or
SIGTERM; when they fail they are opened again, for ever.

SINK is table: (lines for people, the default), jsonl:FILE, csv:FILE, mqtt://HOST/TOPIC or view://127.0.0.1:8080 (a live page).

Example:
  edgeship run flowers.int8.tflite garden.jpg
  edgeship run flowers.int8.tflite photos/ --json > answers.jsonl
  edgeship run flowers.int8.tflite camera:0 --smooth 0.5 --agree 3 --to view://127.0.0.1:8080
  edgeship run flowers.int8.tflite --config run.toml
"""

from __future__ import annotations

import argparse
import contextlib
import math
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_engine, add_force, add_json, positive
from edgeship_runtime.terminal import counted_off, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.sinks.sink import Sink, State
    from edgeship_runtime.sources import Source
    from edgeship_runtime.stopping import Stop
    from edgeship_runtime.streaming import Options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", help="a .tflite, .onnx or .keras file")
    parser.add_argument("sources", metavar="SOURCE", nargs="*", help="what to classify; see above")
    parser.add_argument("--to", metavar="SINK", action="append", help="where results go; may be given several times")
    add_json(parser)
    parser.add_argument("--append", action="store_true", help="go on with a file that exists")
    add_force(parser)
    add_engine(parser)
    parser.set_defaults(engine=None)  # left open, so that a configuration file may say it
    parser.add_argument("--top-k", type=positive, metavar="K", help="labels in an answer (default 1; in JSON 5)")
    deciding = parser.add_argument_group("deciding")
    deciding.add_argument(
        "--threshold", type=float, metavar="P", help="no answer below this score (default: the model's own; 0: none)"
    )
    deciding.add_argument(
        "--smooth", type=float, metavar="S", help="average a source's scores over about S seconds (default 0: not)"
    )
    deciding.add_argument(
        "--agree", type=positive, metavar="N", help="no answer until N frames in a row agree (default 1)"
    )
    live = parser.add_argument_group("cameras and streams")
    live.add_argument(
        "--max-fps", type=_above_zero, metavar="F", help="answer so many frames or pictures a second at most"
    )
    live.add_argument(
        "--max-age-ms", type=_above_zero, metavar="MS", help="no answer for a frame that is older by then"
    )
    live.add_argument(
        "--stall-after", type=_above_zero, metavar="S", help="open anew what gives no frame for S seconds (default 5)"
    )
    live.add_argument(
        "--keep-trying", action="store_true", help="wait for what cannot be opened at the start, instead of exit code 1"
    )
    parser.add_argument("--config", metavar="RUN.TOML", help="a file of these options; the command line overrides it")


def run(options: argparse.Namespace) -> int:
    """Classifies. Exit code 1 where something could not be read."""
    from edgeship_runtime import heap, sinks
    from edgeship_runtime.sources import parse
    from edgeship_runtime.stopping import stopping

    _complete(options)
    sources = [parse(source) for source in options.sources]
    sinks.check(options.to, force=options.force, append=options.append)
    classifier, workers = _loaded(options, sources)
    if workers:
        heap.share()
    streaming = _streaming(options, classifier)
    with contextlib.ExitStack() as stack:
        title = f"{classifier.model.path.name} on {classifier.engine.name} {classifier.engine.version}"
        writing = sinks.Writing(title, options.top_k, options.force, options.append)
        opened = [stack.enter_context(contextlib.closing(sinks.open_sink(text, writing))) for text in options.to]
        stop = stack.enter_context(stopping())
        return _answered(classifier, sources, streaming, workers, opened, stop)


def _complete(options: argparse.Namespace) -> None:
    """Fills in what the configuration file says, then what the options leave open.

    Raises:
        UsageError: there is no source.
    """
    from edgeship_runtime.errors import UsageError

    if options.config is not None:
        from edgeship_runtime.commands.config_file import merge

        merge(options, add_arguments, "sources")
    if not options.sources:
        raise UsageError(
            "edgeship run: wanted a SOURCE: a picture, a folder, a video, camera:0, …; see edgeship run --help"
        )
    options.to = [*(options.to or ()), *(["jsonl:-"] if options.json else [])] or ["table:"]


def _loaded(options: argparse.Namespace, sources: Sequence[Source]) -> tuple[Classifier, int]:
    """A classifier, and how many threads are to have one of its kind: many pictures are classified side by side, each on one core."""
    from pathlib import Path

    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.sources.listing import Pictures
    from edgeship_runtime.streaming import cores

    ending = [source for source in sources if not source.is_live]
    alone = len(ending) == 1 and isinstance(ending[0], Pictures) and Path(ending[0].name).is_file()
    workers = 0 if alone or not ending else options.threads or cores()
    threads = 1 if workers and len(ending) == len(sources) else options.threads
    classifier = Classifier.load(options.model, options.engine or "auto", threads)
    if (options.engine or "auto") == "auto" and not classifier.manifest.golden:
        say(
            f"edgeship: {options.model} carries no golden samples: that {classifier.engine.name} answers rightly is not verified"
        )
    return classifier, workers


def _streaming(options: argparse.Namespace, classifier: Classifier) -> Options:
    """The options of a stream.

    Raises:
        UsageError: one has a value that cannot be.
    """
    from edgeship_runtime.decision import Rules
    from edgeship_runtime.errors import UsageError
    from edgeship_runtime.streaming import Options

    own = classifier.manifest.threshold or 0.0
    try:
        rules = Rules(
            options.smooth or 0.0, options.agree or 1, own if options.threshold is None else options.threshold
        )
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    return Options(
        rules,
        top_k=max(options.top_k or 0, 5),
        max_fps=options.max_fps,
        max_age_ms=options.max_age_ms,
        stall_s=options.stall_after or 5.0,
        keep_trying=options.keep_trying,
    )


def _answered(
    classifier: Classifier,
    sources: Sequence[Source],
    options: Options,
    workers: int,
    sinks: Sequence[Sink],
    stop: Stop,
) -> int:
    """Gives each result to every sink; returns the exit code."""
    import signal

    from edgeship_runtime.heartbeat import Heartbeat
    from edgeship_runtime.streaming import results

    def tell(source: str, state: State, detail: str) -> None:
        say(f"{source}: {state}{detail and f' ({detail})'}")
        for sink in sinks:
            sink.state(source, state, detail)

    count = failed = 0
    turned = Heartbeat().beat
    found = results(classifier, sources, options, workers=workers, stop=stop, on_state=tell, on_turn=turned)
    with contextlib.closing(found):
        for result in counted_off(found, " pictures"):
            for sink in sinks:
                sink.write(result)
            count += 1
            failed += result.error is not None and not result.is_live
    if failed and count > 1:
        say(f"edgeship: {failed} of {count} pictures could not be read")
    if stop.by is signal.SIGINT:
        raise KeyboardInterrupt
    if stop.by is signal.SIGTERM and not any(source.is_live for source in sources):
        return 128 + signal.SIGTERM  # not everything was answered
    return 1 if failed else 0


def _above_zero(text: str) -> float:
    """A number above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"wanted a number above 0, received {text!r}")
    return value
