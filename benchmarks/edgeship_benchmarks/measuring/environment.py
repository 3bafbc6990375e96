"""Environment: the machine that numbers were measured on, as far as it stays the same. What changes is in `conditions`."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeship_runtime.machine import cpu
from edgeship_runtime.terminal import counted

_PACKAGES = (
    "edgeship",
    "numpy",
    "pillow",
    "ai-edge-litert",
    "tflite-runtime",
    "onnxruntime",
    "openvino",
    "tensorflow",
    "keras",
)
# What engines choose their kernels by: Arm's dot products and matrix instructions, x86's vectors and VNNI.
_TELLING = frozenset(
    {
        *("neon", "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2"),
        *("sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni"),
        *("avx512_bf16", "avx512_fp16", "amx_int8"),
    }
)


@dataclass(frozen=True)
class Environment:
    """A machine and what is installed on it; None where it does not tell.

    Attributes:
        machine: architecture, such as aarch64.
        board: its model, as the device tree says it.
        cpu: the processor's name.
        cpu_features: those that decide how fast networks run.
        cores: that this process may use.
        memory_bytes: of the whole machine.
        system: kernel and C library.
        python: its version.
        packages: name → version.
        governor: what chooses the clock.
    """

    machine: str
    board: str | None
    cpu: str
    cpu_features: tuple[str, ...]
    cores: int
    memory_bytes: int | None
    system: str
    python: str
    packages: Mapping[str, str]
    governor: str | None

    @property
    def name(self) -> str:
        """What the machine is called."""
        return self.board or f"{self.cpu}, {counted(self.cores, 'core')}"

    def apart_from(self, other: Environment) -> str:
        """What shows that another report is of another machine, with which latencies do not compare; empty where nothing does.

        Clouds give processors of several generations one name: what they can do tells them apart.
        """
        if self.name != other.name or self.machine != other.machine:
            return f"{self.name}, {self.machine}; {other.name}, {other.machine}"
        gone, come = (
            set(self.cpu_features) - set(other.cpu_features),
            set(other.cpu_features) - set(self.cpu_features),
        )
        changed = [f"{sign}{name}" for sign, names in (("-", gone), ("+", come)) for name in sorted(names)]
        return f"{self.name}, features of the CPU: {' '.join(changed)}" if changed else ""


def environment(root: Path = Path("/")) -> Environment:
    """This machine; `root` is where its /proc and /sys lie."""
    return Environment(
        machine=platform.machine(),
        board=_first_line(root / "proc/device-tree/model"),
        cpu=cpu(root),
        cpu_features=_features(root / "proc/cpuinfo"),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=_memory(),
        system=platform.platform(),
        python=platform.python_version(),
        packages=dict(_versions(_PACKAGES)),
        governor=_first_line(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    )


def _features(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    every = next((line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return tuple(sorted(_TELLING.intersection(every)))


def _versions(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    # Here, because workers import this module, and a megabyte more would be counted as the model's.
    from importlib.metadata import PackageNotFoundError, version

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


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text().splitlines()[0].strip("\0 ") or None
    except (OSError, IndexError, UnicodeDecodeError):
        return None
