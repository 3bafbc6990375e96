"""Detecting: which profile a board is, from what it says about itself; its own Python and memory take the profile's place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from edgeship_devices.catalog import Unsupported, board
from edgeship_devices.device import Device
from edgeship_devices.wheels import is_32_bit
from edgeship_runtime.errors import DeviceError
from edgeship_runtime.record import Json

# How /proc/device-tree/model begins → profile. Those with two systems have the newer one as NAME-trixie.
_MODELS = {
    "Raspberry Pi Zero 2": "raspberry-pi-zero-2-w",
    "Raspberry Pi 4": "raspberry-pi-4",
    "Raspberry Pi Compute Module 4": "raspberry-pi-4",
    "Raspberry Pi 5": "raspberry-pi-5",
    "Raspberry Pi Compute Module 5": "raspberry-pi-5",
    "NVIDIA Jetson Orin Nano": "jetson-orin-nano",
    "NVIDIA Jetson Nano": "jetson-nano",
    "Freescale i.MX8MQ Phanbell": "coral-dev-board",
}
_PROCESSORS = {"x86_64": "x86-64", "AMD64": "x86-64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "armv7"}
_OF_MACHINES = {"x86_64": "linux-x86-64", "AMD64": "linux-x86-64", "aarch64": "linux-aarch64", "arm64": "linux-aarch64"}


def detect(facts: Mapping[str, Json]) -> Device:
    """The device that a board is.

    Args:
        facts: as `board.facts.facts` gives them.

    Raises:
        DeviceError: edgeship does not run on it; the reason.
    """
    name = _profile(facts)
    known = board(name)
    if isinstance(known, Unsupported):
        raise DeviceError(f"{known.title}: not supported: {known.reason}")
    if not isinstance(known, Device):
        raise DeviceError(f"{name} runs no Linux")  # no profile of _MODELS is one
    return as_it_is(known, facts)


def could_be(device: Device, machine: str, model: str | None) -> bool:
    """Whether a machine may be this board, from its architecture and what its device tree calls it.

    A profile need not be of one board: then any machine of the same architecture may be.
    """
    processor = _PROCESSORS.get(machine, machine)
    if not device.processor.startswith(processor) and (device.processor, processor) != ("armv7", "arm64"):
        return False  # 32-bit systems often run under a 64-bit kernel
    name = device.name.removesuffix("-trixie")
    return name not in _MODELS.values() or any(
        (model or "").startswith(words) for words, known in _MODELS.items() if known == name
    )


def as_it_is(profile: Device, facts: Mapping[str, Json]) -> Device:
    """A profile with the Python, the memory and the instructions that this board really has."""
    vnni = profile.processor == "x86-64" and bool({"avx512_vnni", "avx_vnni"} & set(facts["cpu_flags"]))
    return dataclasses.replace(
        profile,
        python=".".join(facts["python"].split(".")[:2]),
        memory_bytes=facts["memory_bytes"] or profile.memory_bytes,
        processor="x86-64-vnni" if vnni else profile.processor,
    )


def _profile(facts: Mapping[str, Json]) -> str:
    machine = facts["machine"]
    if machine.startswith("armv6"):
        return "raspberry-pi-armv6"
    if is_32_bit(facts):  # often under a 64-bit kernel
        return "raspberry-pi-32bit-trixie" if _is_newer(facts) else "raspberry-pi-32bit"
    for words, name in _MODELS.items():
        if (facts["model"] or "").startswith(words):
            return f"{name}-trixie" if name.startswith("raspberry-pi") and _is_newer(facts) else name
    if machine not in _OF_MACHINES:
        raise DeviceError(
            f"no engine has a wheel for {machine}; a profile of your own says otherwise: --device mine.toml"
        )
    return _OF_MACHINES[machine]


def _is_newer(facts: Mapping[str, Json]) -> bool:
    """Debian 13 or later."""
    release = facts["os"].get("version_id", "")
    return facts["os"].get("id") in ("debian", "raspbian") and release.isdecimal() and int(release) >= 13
