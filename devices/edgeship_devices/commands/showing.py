"""Showing: what boards run, and what the doctor found, as lines for people."""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Mapping, Sequence

from edgeship_devices.examining.doctor import Diagnosis
from edgeship_runtime.record import Json
from edgeship_runtime.terminal import table

_SILENT_S = 300  # a service that did not answer for so long is not well: its camera may have been away for hours


def status(models: Sequence[Mapping[str, Json]]) -> str:
    """A table of what a board has deployed, and the addresses of live pages."""
    rows = [("name", "file", "sha256", "since", "verified with", "service", "health")]
    for model in models:
        service = model["service"] or {"state": "none"}
        rows.append(
            (
                model["name"],
                str(model.get("file")),
                str(model.get("sha256"))[:12],
                time.strftime("%Y-%m-%d %H:%M", time.localtime(model["since"])),
                f"{model.get('engine')} {model.get('engine_version')}",
                _service(service),
                _health(model),
            )
        )
    pages = [f"{model['name']}: live page: {model['service']['page']}" for model in models if page(model["service"])]
    return "\n".join([table(rows), *pages])


def page(service: Mapping[str, Json] | None) -> str | None:
    """Where a service's live page is; None when it has none."""
    return (service or {}).get("page")


def brief(models: Sequence[Mapping[str, Json]]) -> str:
    """What a board has deployed, on one line."""
    texts = [
        f"{model['name']}: {model.get('file')} ({str(model.get('sha256'))[:12]}) {_health(model)}" for model in models
    ]
    return "; ".join(texts) or "nothing is deployed"


def is_well(model: Mapping[str, Json]) -> bool:
    """Whether the file is whole, and its service, where there is one, runs and answered lately."""
    return _health(model) == "well"


def _health(model: Mapping[str, Json]) -> str:
    service = model["service"]
    if not model["whole"]:
        return "DAMAGED"
    if service is None:
        return "well"
    if service["state"] != "active":
        return "NOT WELL"
    age = service.get("last_answer_age_s")
    return "well" if age is not None and age <= _SILENT_S else "SILENT"


def diagnosis(found: Diagnosis) -> str:
    """A line for each finding, with the command below it."""
    width = max(40, shutil.get_terminal_size().columns)
    lines = [found.machine]
    for finding in found.findings:
        text = textwrap.wrap(finding.message, width - 9, break_on_hyphens=False, break_long_words=False)
        lines += [f"{finding.level:<9}{text[0]}", *(" " * 9 + rest for rest in text[1:])]
        if finding.cure:
            lines.append(f"{' ' * 9}$ {finding.cure}")
    lines.append("edgeship runs here" if found.runs else "edgeship does NOT run here: see the errors")
    return "\n".join(lines)


def _service(service: Mapping[str, Json]) -> str:
    age = service.get("last_answer_age_s")
    return str(service["state"]) + ("" if age is None else f", answered {age:.0f} s ago")
