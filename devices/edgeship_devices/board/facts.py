"""Facts: what a machine is and has, read from where Linux says it. Asked by the doctor, and before anything is copied."""

from __future__ import annotations

import getpass
import importlib.util
import os
import platform
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path("/")


def data_home() -> Path:
    """Where edgeship keeps its things on a board."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "edgeship"


def facts() -> dict[str, object]:
    """Everything that decides whether a file can be brought here and run."""
    home = data_home()
    return {
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "machine": platform.machine(),
        "bits": 8 * struct.calcsize("P"),
        "cpu_flags": cpu_flags(),
        "os": os_release(),
        "model": model(),
        "memory_bytes": memory().get("MemTotal"),
        "memory_available_bytes": memory().get("MemAvailable"),
        "disk_free_bytes": disk_free(home),
        "home": str(home),
        "not_writable": not_writable(home),
        "time": time.time(),
        "venv": importlib.util.find_spec("ensurepip") is not None,
        "picamera2": importlib.util.find_spec("picamera2") is not None,
        "numpy": system_version("numpy"),
        "user": getpass.getuser(),
        "pid": os.getpid(),
    }


def model(root: Path = ROOT) -> str | None:
    """What the board calls itself: "Raspberry Pi 4 Model B Rev 1.4"; None on a PC."""
    return _text(root / "proc/device-tree/model").strip("\0 \n") or None


def os_release(root: Path = ROOT) -> dict[str, str]:
    """The system: id, version_id, version_codename, pretty_name."""
    wanted = ("ID", "VERSION_ID", "VERSION_CODENAME", "PRETTY_NAME")
    pairs = (line.partition("=") for line in _text(root / "etc/os-release").splitlines())
    return {key.lower(): value.strip("\"'") for key, _, value in pairs if key in wanted}


def memory(root: Path = ROOT) -> dict[str, int]:
    """/proc/meminfo, in bytes."""
    found = {}
    for line in _text(root / "proc/meminfo").splitlines():
        key, _, value = line.partition(":")
        number = value.split()
        if number and number[0].isdigit():
            found[key] = int(number[0]) * 1024
    return found


def cpu_flags(root: Path = ROOT) -> list[str]:
    """What kernels look for: the dot product instructions of either family."""
    wanted = {"avx512_vnni", "avx_vnni", "avx2", "asimddp", "neon", "asimd"}
    for line in _text(root / "proc/cpuinfo").splitlines():
        if line.startswith(("flags", "Features")):
            return sorted(wanted & set(line.partition(":")[2].split()))
    return []


def temperature(root: Path = ROOT) -> float | None:
    """Degrees Celsius of the hottest zone; None where none is measured."""
    zones = [_text(path) for path in root.glob("sys/class/thermal/thermal_zone*/temp")]
    degrees = [int(text) / 1000 for text in zones if text.strip().lstrip("-").isdigit()]
    return max(degrees) if degrees else None


def throttled(root: Path = ROOT) -> int | None:
    """A Raspberry Pi's flags, as `vcgencmd get_throttled` prints them; None on other boards.

    raspberrypi.com/documentation/computers/os.html#get_throttled: bit 0 under-voltage now, 1 frequency capped, 2 throttled,
    3 soft temperature limit; bits 16 to 19 the same since boot.
    """
    text = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled").strip()
    if not text and root == ROOT and shutil.which("vcgencmd"):
        text = output("vcgencmd", "get_throttled").partition("=")[2]
    try:
        return int(text, 16)
    except ValueError:
        return None


def disk_free(folder: Path) -> int:
    """Bytes that the user can still write below the nearest folder that exists."""
    return shutil.disk_usage(str(_existing(folder))).free


def not_writable(folder: Path) -> str | None:
    """Why nothing can be written there; None when it can."""
    there = _existing(folder)
    if os.statvfs(str(there)).f_flag & os.ST_RDONLY:
        return "the file system is read-only"
    return None if os.access(str(there), os.W_OK | os.X_OK) else f"{there} is not writable"


def system_version(name: str) -> str | None:
    """The release of a package that this interpreter has."""
    try:
        from importlib import metadata  # Python 3.8

        return metadata.version(name)
    except Exception:
        return None


def output(*command: str) -> str:
    """What a command prints, without its end; "" when it is missing or fails."""
    try:
        return (
            subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=20)
            .stdout.decode("utf-8", "replace")
            .strip()
        )
    except (OSError, subprocess.SubprocessError):
        return ""


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
