"""Duration: how long a plan will take here, said before it begins."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from edgeship_benchmarks.measuring.disturbance import USUAL
from edgeship_benchmarks.measuring.inputs import make_inputs
from edgeship_benchmarks.measuring.job import Job
from edgeship_benchmarks.measuring.plan import Configuration, Plan
from edgeship_benchmarks.measuring.process import in_fresh_process
from edgeship_benchmarks.measuring.results import Timed
from edgeship_benchmarks.measuring.store import Store
from edgeship_runtime.errors import EdgeshipError
from edgeship_runtime.model_file import ModelFile

USUAL_MS = 10.0  # an inference that this knows of: what others take is not known before they ran
_DECODED_S = 0.004  # a picture of a camera, resized
_AROUND_S = 0.5  # warm-up and whole pictures
_INFERENCES = 30  # of a slow model in each process: warm-up, at least 10 that count, some whole pictures
_KERAS = 20  # times what other engines need to start
_WORTH_TRYING_S = 30.0  # of answers: from then on a try of each model, some two seconds, is little
_PATIENCE_S = 30.0  # with that try; what hangs is found out later, and told


def tried_ms(plan: Plan, store: Store) -> Mapping[int, float]:
    """Milliseconds of an inference of each model, by its index, where so many pictures are to be answered that it matters.

    Models that fail, and Keras', which take long to start, are left out.
    """
    first = {at.model: at for at in reversed(plan.configurations) if not _is_keras(at, plan)}
    if len(plan.pictures) * len(plan.configurations) * USUAL_MS / 2e3 < _WORTH_TRYING_S:
        return {}
    found = {}
    with tempfile.TemporaryDirectory(prefix="edgeship-try-") as folder:
        for model, at in first.items():
            with contextlib.suppress(EdgeshipError):
                found[model] = _tried(at, plan, store, Path(folder) / f"{model}.npy")
    return found


def _tried(at: Configuration, plan: Plan, store: Store, path: Path) -> float:
    file = store.model(plan.models[at.model])
    inputs = make_inputs(plan.pictures[:4], store, ModelFile.open(file).manifest.preprocessing, path)
    job = Job("time", str(file), at.engine, at.threads, 1, str(inputs.path))
    return in_fresh_process(job, Timed, _PATIENCE_S).net_p50_ms


def duration_s(plan: Plan, known_ms: Mapping[int, float]) -> tuple[float, float]:
    """Seconds, at least and at most. Starts one worker, to see how long that takes.

    At most: every block, and as many runs repeated as are repeated before that counts as usual.

    Args:
        plan: what is to be measured.
        known_ms: of an inference, by the model's index; of others, up to USUAL_MS is allowed for.
    """
    began = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", "import edgeship_benchmarks.measuring.worker"], check=False)
    start = time.perf_counter() - began
    sizes = len({at.model for at in plan.configurations})
    answers, block = len(plan.pictures) * _DECODED_S * sizes, 0.0
    for index, at in enumerate(plan.configurations):
        own = start * (_KERAS if _is_keras(at, plan) else 1)
        answers += own + len(plan.pictures) * known_ms.get(at.model, USUAL_MS / 2) / 1e3
        timing = max(plan.seconds + _AROUND_S, _INFERENCES * at.batch * known_ms.get(at.model, 0.0) / 1e3)
        block += own + timing if index < plan.timed else 0.0
    return answers + plan.blocks * block, answers + plan.most_blocks * block * (1 + USUAL)


def _is_keras(at: Configuration, plan: Plan) -> bool:
    return at.engine == "keras" or (at.engine == "auto" and plan.models[at.model].suffix == ".keras")


def spoken(seconds: float) -> str:
    """Seconds, as people say them."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} s"
    return f"{seconds / 60:.0f} min" if seconds > 600 else f"{seconds / 60:.1f} min"
