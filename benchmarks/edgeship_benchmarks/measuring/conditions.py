"""Conditions: what changes on a machine while it measures: clocks, temperature, throttling, other load."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Raspberry Pi's get_throttled: what is so now, in bits 0 to 3; what was so since it started, 16 bits higher.
# https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
_PI_FLAGS = ("under-voltage", "clock capped", "throttled", "soft temperature limit")


@dataclass(frozen=True)
class Conditions:
    """One look at the machine; None where it does not tell.

    Attributes:
        clock_mhz: the highest of the cores that this process may use: idle ones are clocked down.
        temperature_c: of the hottest zone.
        throttled: what Raspberry Pi's firmware says of now: under-voltage, clock capped, throttled, soft temperature limit.
        throttle_events: how often the processor was throttled since it started: counted by Intel's, flags of Raspberry Pi's.
        busy_s: what all cores have computed since the machine started, for anybody.
        steal_s: what a hypervisor gave to other machines meanwhile.
        load_1min: running programs, averaged over a minute.
    """

    clock_mhz: float | None
    temperature_c: float | None
    throttled: tuple[str, ...]
    throttle_events: int
    busy_s: float | None
    steal_s: float | None
    load_1min: float | None


def conditions(root: Path = Path("/")) -> Conditions:
    """A look at this machine; `root` is where its /proc and /sys lie."""
    cpus = root / "sys/devices/system/cpu"
    clocks = [value / 1e3 for core in _usable() for value in _numbers(cpus, f"cpu{core}/cpufreq/scaling_cur_freq")]
    zones = [value / 1e3 for value in _numbers(root / "sys/class/thermal", "thermal_zone*/temp")]
    flags = _pi_flags(root)
    counted = sum(_numbers(cpus, "cpu[0-9]*/thermal_throttle/core_throttle_count"))
    busy, steal = _processor_time(root / "proc/stat")
    return Conditions(
        clock_mhz=max(clocks, default=None),
        temperature_c=max(zones, default=None),
        throttled=tuple(name for bit, name in enumerate(_PI_FLAGS) if flags >> bit & 1),
        throttle_events=counted + (flags >> 16 & 15).bit_count(),
        busy_s=busy,
        steal_s=steal,
        load_1min=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def _usable() -> Iterable[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def _numbers(folder: Path, pattern: str) -> list[int]:
    found = []
    for path in folder.glob(pattern):
        with contextlib.suppress(OSError, ValueError):  # a zone that is switched off answers with an error
            found.append(int(path.read_text()))
    return found


def _pi_flags(root: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int((root / "sys/devices/platform/soc/soc:firmware/get_throttled").read_text(), 16)
    import shutil

    if root == Path("/") and shutil.which("vcgencmd"):
        import subprocess

        with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
            said = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5, check=True)
            return int(said.stdout.partition("=")[2], 16)  # throttled=0x50005
    return 0


def _processor_time(path: Path) -> tuple[float | None, float | None]:
    """Busy and stolen seconds: user + nice + system + irq + softirq, and steal, of proc(5)'s first line."""
    try:
        fields = [int(field) for field in path.read_text().split("\n", 1)[0].split()[1:]]
        user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    except (OSError, ValueError):
        return None, None
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / tick, steal / tick
