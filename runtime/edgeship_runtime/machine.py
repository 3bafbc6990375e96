"""Machine: what this computer is called, and how warm it is."""

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


def temperature_c(folder: Path = Path("/sys/class/thermal")) -> float | None:
    """Of the processor, in degrees Celsius; None where Linux does not tell."""
    zones = sorted(folder.glob("thermal_zone*"))
    named = [zone for zone in zones if any(word in _read(zone / "type").lower() for word in ("cpu", "soc", "x86_pkg"))]
    for zone in (*named, *zones):
        value = _read(zone / "temp")
        if value.lstrip("-").isdigit():
            return int(value) / 1000
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
