"""Environment: the machine a model was trained on, for the report beside it. The model file itself says nothing of it."""

from __future__ import annotations

import os
import platform

from edgeship_runtime.machine import cpu
from edgeship_runtime.terminal import counted


def environment() -> dict[str, str]:
    """Processor, accelerator, threads and system, as far as they tell. TensorFlow is running already."""
    return {
        "CPU": f"{cpu()}, {counted(_cores(), 'core')}",
        "GPU": ", ".join(_gpus()) or "none",
        "threads": _threads(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
    }


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> list[str]:
    import tensorflow as tf

    return [
        str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
        for gpu in tf.config.list_physical_devices("GPU")
    ]


def _threads() -> str:
    import tensorflow as tf

    count = tf.config.threading.get_intra_op_parallelism_threads()
    return str(count) if count else "one for each core (TensorFlow's default)"
