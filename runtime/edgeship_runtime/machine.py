"""Machine: what this computer is called, for reports."""

from __future__ import annotations

import platform
from pathlib import Path


def cpu() -> str:
    """The processor's name as Linux gives it; elsewhere what the platform says, which may be only the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    for key in ("model name", "Model", "Hardware"):
        for line in lines:
            if line.startswith(key):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
