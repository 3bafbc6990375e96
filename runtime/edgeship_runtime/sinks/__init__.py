"""Sinks: where results go. One grammar, one file for each kind; several may be given.

table:                          lines for people, on stdout
jsonl:FILE  jsonl:-             a JSON object a line, to a file or stdout
csv:FILE    csv:-               the same as columns
mqtt://USER:PASSWORD@HOST/TOPIC messages, and whether this program lives (mqtts:// for TLS)
view://127.0.0.1:8080           a live page for a browser
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgeship_runtime.errors import UsageError

if TYPE_CHECKING:
    from edgeship_runtime.sinks.sink import Sink

KINDS = "table:, jsonl:FILE, csv:FILE, mqtt://HOST/TOPIC, view://127.0.0.1:8080"


class Writing(NamedTuple):
    """How sinks are opened.

    Attributes:
        title: of the model and what runs it, for people.
        top_k: labels in an answer; None lets each sink decide.
        force: overwrite a file that exists.
        append: go on with a file that exists.
    """

    title: str
    top_k: int | None = None
    force: bool = False
    append: bool = False


def check(texts: Sequence[str], *, force: bool, append: bool) -> None:
    """Says no to sinks that cannot be, before a model is loaded.

    Raises:
        UsageError: it is no sink, or two of them write to the same place.
        OutputError: a file exists, or its folder does not.
    """
    from edgeship_runtime.files import refuse_existing
    from edgeship_runtime.sources.addresses import redacted

    for text in texts:
        kind, _, rest = text.partition(":")
        if kind not in ("table", "jsonl", "csv", "mqtt", "mqtts", "view"):
            raise UsageError(f"--to {redacted(text)}: wanted {KINDS}")
        if kind in ("mqtt", "mqtts"):
            from edgeship_runtime.sinks import mqtt

            mqtt.parse(text)
        elif kind == "view":
            from edgeship_runtime.sinks import view

            view.parse(text)
        elif kind in ("jsonl", "csv"):
            if not rest:
                raise UsageError(f"--to {text}: wanted {kind}:FILE, or {kind}:- for stdout")
            if rest != "-":
                refuse_existing(
                    Path(rest), force=force or append, hint="--append goes on with it, --force overwrites it"
                )
    places = ["-" if text in ("table:", "table") else text.partition(":")[2] for text in texts]
    if twice := [place for place in places if places.count(place) > 1]:
        place = "stdout" if twice[0] == "-" else redacted(twice[0])
        raise UsageError(f"--to: two of them write to {place}")


def open_sink(text: str, writing: Writing) -> Sink:
    """Opens a sink that `check` let pass; its module is imported here."""
    kind, _, rest = text.partition(":")
    if kind == "table":
        from edgeship_runtime.sinks.table import Table

        return Table(writing)
    if kind == "jsonl":
        from edgeship_runtime.sinks.jsonl import JsonLines

        return JsonLines(rest, writing)
    if kind == "csv":
        from edgeship_runtime.sinks.csv import Columns

        return Columns(rest, writing)
    if kind == "view":
        from edgeship_runtime.sinks.view import View

        return View(text, writing)
    from edgeship_runtime.sinks.mqtt import Mqtt

    return Mqtt(text, writing)
