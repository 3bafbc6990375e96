"""Machine: what this computer is called, how warm it is, and how much memory it has left."""

from __future__ import annotations

import platform
from pathlib import Path


def cpu(root: Path = Path("/")) -> str:
    """The processor's name as Linux gives it, or its numbers; elsewhere what the platform says, which may be only the architecture.

    Args:
        root: where /proc lies.
    """
    try:
        lines = (root / "proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    for key in ("model name", "Model", "Hardware"):
        for line in lines:
            if line.startswith(key):
                return line.partition(":")[2].strip()
    # 64-bit Arm has no name: 0x41 and 0xd0c are Arm's own Neoverse N1
    numbers = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}
    if "CPU part" in numbers:
        return f"{platform.machine()} {numbers.get('CPU implementer', '')} {numbers['CPU part']}"
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


def free_bytes(root: Path = Path("/")) -> int | None:
    """Memory that this process may still take, by the kernel's estimate and by its control groups; None where Linux does not tell.

    Args:
        root: where /proc and /sys lie.
    """
    found = [_available(root / "proc/meminfo", "MemAvailable:", 1024)]
    top = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, own = line.split(":", 2)
        if not controllers:
            found += [_left(group, "max", "current", "") for group in _upwards(top, own)]
        elif "memory" in controllers.split(","):  # version 1 has a tree for each controller
            found += [
                _left(group, "limit_in_bytes", "usage_in_bytes", "total_") for group in _upwards(top / "memory", own)
            ]
    known = [item for item in found if item is not None]
    return min(known) if known else None


def _upwards(top: Path, own: str) -> list[Path]:
    """A control group and those that it lies in. A container may see its own as the topmost one."""
    folder = top / own.lstrip("/")
    return [group for group in (folder, *folder.parents) if group.is_relative_to(top)]


def _left(group: Path, limit: str, usage: str, prefix: str) -> int | None:
    """What a control group may still take; pages of files that it read are given up first."""
    most, used = _read(group / f"memory.{limit}"), _read(group / f"memory.{usage}")
    if not (most.isdigit() and used.isdigit()):
        return None
    files = [_available(group / "memory.stat", f"{prefix}{kind}_file", 1) or 0 for kind in ("inactive", "active")]
    return int(most) - int(used) + sum(files)


def _available(path: Path, name: str, unit: int) -> int | None:
    lines = [line.split() for line in _read(path).splitlines()]
    return next((int(line[1]) * unit for line in lines if len(line) > 1 and line[0] == name), None)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
