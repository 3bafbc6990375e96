"""Hardware: temperature, throttling, memory, disk, clock and cameras, read below a root that is / on a real machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from edgeship_devices.board import facts
from edgeship_devices.examining.finding import Finding

# From here on a Raspberry Pi slows down: raspberrypi.com/documentation/computers/raspberry-pi.html, frequency management
_HOT_C = 80.0
_LITTLE_MEMORY = 100 * 2**20  # an engine and a MobileNetV2 take about this
_LITTLE_DISK = 64 * 2**20
_BUILT = 1790000000  # 2026-09: a clock before edgeship's own making is wrong
_NOW, _SINCE_BOOT = ("is", 0), ("was since it started", 16)
_NO_CAMERAS = (
    "bcm2835-codec",
    "bcm2835-isp",
    "rpivid",
    "rpi-hevc",
    "pispbe",
)  # a Pi has these nodes without any camera
_FLAGS = ("under-voltage", "frequency capped", "throttled", "at its soft temperature limit")  # see facts.throttled


def heat(root: Path = facts.ROOT) -> Iterator[Finding]:
    """How hot it is, and whether the board slowed itself down."""
    degrees = facts.temperature(root)
    if degrees is not None and degrees >= _HOT_C:
        yield Finding("warning", "hot", f"{degrees:.0f} °C: boards slow down from {_HOT_C:.0f} °C on; cool it")
    elif degrees is not None:
        yield Finding("ok", "temperature", f"{degrees:.0f} °C")
    flags = facts.throttled(root)
    if flags is None:
        return
    for tense, shift in (_NOW, _SINCE_BOOT):
        found = [name for bit, name in enumerate(_FLAGS) if flags >> shift & 1 << bit]
        if found:
            supply = (
                "; use the supply that belongs to the board, and a short cable"
                if "under-voltage" in found
                else "; cool it"
            )
            yield Finding("warning", "throttled", f"the processor {tense} {' and '.join(found)}{supply}")
    if not flags:
        yield Finding("ok", "throttling", "never throttled, never short of voltage since it started")


def memory(root: Path = facts.ROOT) -> Iterator[Finding]:
    """What an engine could still take."""
    found = facts.memory(root)
    there, free = found.get("MemTotal"), found.get("MemAvailable")
    if there is None or free is None:
        return
    message = f"{free // 2**20:,} of {there // 2**20:,} MiB of memory are available"
    low = free < _LITTLE_MEMORY
    yield Finding(
        "warning" if low else "ok",
        "memory-low" if low else "memory",
        message,
        "ps aux --sort -rss | head" if low else "",
    )


def disk(folder: Path | None = None) -> Iterator[Finding]:
    """Room for files, where deploys go."""
    place = folder or facts.data_home()
    reason = facts.not_writable(place)
    free = facts.disk_free(place)
    if reason == "the file system is read-only":
        yield Finding(
            "warning", "disk-read-only", f"{place}: {reason}: nothing can be deployed", "sudo mount -o remount,rw /"
        )
    elif reason:
        yield Finding("warning", "disk-not-writable", f"{place}: {reason}", f"sudo chown -R $USER {place}")
    elif free < _LITTLE_DISK:
        message = f"{free // 2**20:,} MiB are free in {place}"
        yield Finding("warning", "disk-full", message, "sudo apt clean && sudo journalctl --vacuum-size=50M")
    else:
        yield Finding("ok", "disk", f"{free // 2**20:,} MiB are free in {place}")


def clock(now: float | None = None) -> Iterator[Finding]:
    """Boards without a battery start in the past, and then no certificate is valid."""
    seconds = time.time() if now is None else now
    said = time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
    if seconds < _BUILT:
        message = f"the clock says {said} UTC, which is past: downloads are refused and logs are wrong"
        yield Finding("warning", "clock-wrong", message, "sudo timedatectl set-ntp true")
    elif facts.output("timedatectl", "show", "--property=NTPSynchronized", "--value") == "no":
        message = f"the clock says {said} UTC and follows no time server"
        yield Finding("note", "clock-free", message, "sudo timedatectl set-ntp true")
    else:
        yield Finding("ok", "clock", f"{said} UTC")


def cameras(root: Path = facts.ROOT) -> Iterator[Finding]:
    """USB cameras and those on the ribbon cable, and whether this user may open them."""
    videos = [path for path in sorted((root / "dev").glob("video*")) if _is_camera(root, path.name)]
    closed = [path for path in videos if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        message = f"/dev/{closed[0].name} is there, and this user may not open it"
        yield Finding("warning", "camera-closed", message, "sudo usermod -aG video $USER, then log in again")
    elif videos:
        yield Finding(
            "ok", "camera", f"{len(videos)} video device{'s' if len(videos) > 1 else ''}: /dev/{videos[0].name} …"
        )
    else:
        yield Finding("note", "camera-none", "no camera is connected; pictures, files and streams still run")
    if (facts.model(root) or "").startswith("Raspberry Pi"):
        yield from _ribbon()


def _is_camera(root: Path, node: str) -> bool:
    """By what the driver calls it: codecs and image processors have nodes as well."""
    try:
        name = (root / "sys/class/video4linux" / node / "name").read_text("utf-8", "replace")
    except OSError:
        return True
    return not name.startswith(_NO_CAMERAS)


def _ribbon() -> Iterator[Finding]:
    from importlib.util import find_spec

    if find_spec("picamera2"):
        yield Finding("ok", "picamera2", "picamera2 is there, for the camera on the ribbon cable")
        return
    message = "picamera2, for the camera on the ribbon cable, is not seen by this Python"
    if sys.prefix != sys.base_prefix and Path("/usr/lib/python3/dist-packages/picamera2").is_dir():
        cure = f"python3 -m venv --system-site-packages --upgrade {sys.prefix}"
    else:
        cure = "sudo apt install python3-picamera2"
    yield Finding("note", "picamera2-none", message, cure)
