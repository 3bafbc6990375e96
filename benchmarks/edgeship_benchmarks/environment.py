"""Environment: the machine that numbers were measured on. Numbers without it mean nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgeship_runtime.machine import cpu
from edgeship_runtime.record import Json

_PACKAGES = ("edgeship", "numpy", "pillow", "ai-edge-litert", "tflite-runtime", "onnxruntime", "tensorflow", "keras")


def environment() -> Json:
    """CPU, board, system, versions, governor, temperature and load, as far as this machine tells."""
    return {
        "machine": platform.machine(),
        "board": _first_line("/proc/device-tree/model"),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": dict(_versions(_PACKAGES)),
        "governor": _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "temperature_c": _temperature(),
        "load_1min": round(os.getloadavg()[0], 2),
    }


def _versions(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def _temperature() -> float | None:
    text = _first_line("/sys/class/thermal/thermal_zone0/temp")
    return int(text) / 1000 if text and text.lstrip("-").isdigit() else None


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text().splitlines()[0].strip("\0 ") or None
    except (OSError, IndexError, UnicodeDecodeError):
        return None
