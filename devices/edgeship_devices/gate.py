"""The gate: whether a board runs a file, from what the file states and what the board has. Pure: nothing is opened or asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeship_devices.device import Device
    from edgeship_runtime.manifest import Requirements

MINIMUM_PYTHON = "3.11"  # requires-python of this distribution
_SYSTEM_SHARE = 0.5  # of a board's memory, that is left to the system, Python and the engine
_TIMES_INT8 = {"float32": 4, "float16": 2}  # how much larger than an int8 one a file's numbers are
_DENSE_PER_CHANNEL = "FULLY_CONNECTED 12"  # which `export --device` avoids, see Device.dense_per_tensor


@dataclass(frozen=True)
class Reason:
    """One thing that a file needs and a board has not.

    Attributes:
        needed: by the file.
        has: the board.
        flags: of `edgeship export`, each of which would give a file without this reason; empty when none is known.
    """

    needed: str
    has: str
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for people."""
        passes = f"; {' or '.join(self.flags)} would pass" if self.flags else ""
        return f"{self.needed}; {self.has}{passes}"


def reasons(device: Device, requirements: Requirements, scheme: str | None = None) -> tuple[Reason, ...]:
    """Why the file cannot run on the device; empty when it can. `scheme`: how its numbers are stored, where that is known."""
    return (*_python(device), *_engine(device, requirements), *_memory(device, requirements, scheme))


def _python(device: Device) -> Iterator[Reason]:
    if is_older(device.python, MINIMUM_PYTHON):
        yield Reason(f"edgeship needs Python {MINIMUM_PYTHON}", f"{device.name} has {device.python}")


def _engine(device: Device, requirements: Requirements) -> Iterator[Reason]:
    """One reason for each engine that is there and does not do; none when one does."""
    if requirements.keras is not None:
        yield Reason("a .keras needs Keras and TensorFlow", f"{device.name} is no workstation", _formats(device))
        return
    if not requirements.engines:
        yield Reason("the file does not state which engines run it", "edgeship adopt or export writes that into it")
        return
    there = {engine: device.engines[engine] for engine in requirements.engines if engine in device.engines}
    if not there:
        wanted, has = " or ".join(requirements.engines), ", ".join(device.engines) or "no engine"
        yield Reason(f"the file needs {wanted}", f"{device.name} has {has}", _formats(device))
        return
    found = []
    for engine, version in there.items():
        need = requirements.engines[engine]
        if need.version is not None and not is_older(version, need.version):
            return
        wanted = f"runs in no {engine}" if need.version is None else f"needs {engine} {need.version}"
        has = f"{device.name} has {engine} {version}"
        found.append(Reason(f"{need.because} {wanted}", has, _cures(device, engine, need.because)))
    yield from found


def _memory(device: Device, requirements: Requirements, scheme: str | None) -> Iterator[Reason]:
    needed, there = requirements.memory_bytes, device.memory_bytes
    if needed is not None and there is not None and needed > there * _SYSTEM_SHARE:
        left = f"{device.name} has {_mebibytes(there)}, half of which is for the system"
        passes = needed / _TIMES_INT8.get(scheme or "", 1) <= there * _SYSTEM_SHARE
        flags = ("--quantize int8",) if passes else ()
        yield Reason(f"weights and activations take {_mebibytes(needed)}", left, flags)


def _cures(device: Device, engine: str, because: str) -> tuple[str, ...]:
    """Flags of export that avoid what decides an engine's version."""
    if because.startswith("FULLY_CONNECTED"):  # dense layers with narrow weights: others hold older versions
        cured = engine == "tflite-runtime" and because == _DENSE_PER_CHANNEL
        return (
            *((f"--quantize dynamic --device {device.name}",) if cured else ()),
            "--quantize int8",
            "--quantize none",
        )
    other = "tflite" if engine == "onnxruntime" else "onnx"
    return (f"--format {other}",) if device.engine(other) else ()


def _formats(device: Device) -> tuple[str, ...]:
    return tuple(f"--format {name}" for name in ("tflite", "onnx") if device.engine(name))


def is_older(version: str, than: str) -> bool:
    """Whether a version of numbers and points comes before another; what follows the numbers does not count."""
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in version.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    while numbers and numbers[-1] == 0:  # 2.14 and 2.14.0 are one
        numbers.pop()
    return tuple(numbers)


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"
