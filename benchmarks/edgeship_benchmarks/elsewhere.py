"""Elsewhere: the same measuring on boards, over ssh; what comes back carries the board's environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from edgeship_benchmarks.measuring.plan import Plan
from edgeship_benchmarks.measuring.results import Results
from edgeship_benchmarks.measuring.store import Store
from edgeship_devices.deploying import Options
from edgeship_devices.session import Target
from edgeship_devices.working import work
from edgeship_runtime import record
from edgeship_runtime.errors import DeviceError

MODULE = "edgeship_benchmarks.measuring"


def measure_on(target: Target, plan: Plan, store: Store, options: Options, on_step: Callable[[str], None]) -> Results:
    """Measures a plan on a board.

    Args:
        target: the board.
        plan: what to measure.
        store: with the plan's files; they go over once.
        options: where the board's edgeship comes from.
        on_step: hears what begins.

    Raises:
        DeviceError: the board cannot be reached or prepared, or measures nothing.
    """
    planned = [store.model(model) for model in plan.models] + [store.picture(picture) for picture in plan.pictures]
    files: dict[str, Path] = {path.name: path for path in planned}
    answer = work(target, MODULE, files, record.to_bytes(plan).decode(), options, on_step)
    try:
        return record.from_json(Results, json.loads(answer), target.url)
    except ValueError as error:
        raise DeviceError(
            f"{target.url}: its answer is not understood ({error}); is its edgeship another version?"
        ) from None
