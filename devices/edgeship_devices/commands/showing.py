"""Showing: what boards run, and what the doctor found, as lines for people."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from edgeship_runtime.record import Json
from edgeship_runtime.terminal import table


def status(models: Sequence[Mapping[str, Json]]) -> str:
    """A table of what a board has deployed."""
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
                "well" if is_well(model) else ("DAMAGED" if not model["whole"] else "NOT WELL"),
            )
        )
    return table(rows)


def is_well(model: Mapping[str, Json]) -> bool:
    """Whether the file is whole, and its service, where there is one, runs."""
    return bool(model["whole"]) and (model["service"] is None or model["service"]["state"] == "active")


def _service(service: Mapping[str, Json]) -> str:
    age = service.get("last_answer_age_s")
    return str(service["state"]) + ("" if age is None else f", answered {age:.0f} s ago")
