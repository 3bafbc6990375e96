"""Duration: how long a plan will take here, said before it begins."""

from __future__ import annotations

import subprocess
import sys
import time

from edgeship_benchmarks.measuring.disturbance import USUAL
from edgeship_benchmarks.measuring.plan import Plan

USUAL_MS = 10.0  # an inference that this knows of: what others take is not known before they ran
_DECODED_S = 0.004  # a picture of a camera, resized
_AROUND_S = 0.5  # warm-up and whole pictures
_KERAS = 20  # times what other engines need to start


def duration_s(plan: Plan) -> tuple[float, float]:
    """Seconds, at least and at most, for models of up to USUAL_MS. Starts one worker, to see how long that takes.

    At most: every block, and as many runs repeated as are repeated before that counts as usual.
    """
    began = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", "import edgeship_benchmarks.measuring.worker"], check=False)
    start = time.perf_counter() - began
    sizes = len({at.model for at in plan.configurations})
    answers, block = len(plan.pictures) * _DECODED_S * sizes, 0.0
    for index, at in enumerate(plan.configurations):
        keras = at.engine == "keras" or (at.engine == "auto" and plan.models[at.model].suffix == ".keras")
        own = start * (_KERAS if keras else 1)
        answers += own + len(plan.pictures) * USUAL_MS / 2e3
        block += own + plan.seconds + _AROUND_S if index < plan.timed else 0.0
    return answers + plan.blocks * block, answers + plan.most_blocks * block * (1 + USUAL)


def spoken(seconds: float) -> str:
    """Seconds, as people say them."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} s"
    return f"{seconds / 60:.0f} min" if seconds > 600 else f"{seconds / 60:.1f} min"
