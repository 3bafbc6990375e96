"""edgeship_devices: what a board has, and whether a file runs there.

A `Device` is a profile: the processor, Python, memory, and the newest engines that have a wheel there. Whether it runs a file is
a pure question, answered before anything is copied:

    >>> from edgeship_devices import Device
    >>> board = Device.load("raspberry-pi-32bit")
    >>> [str(reason) for reason in board.refuses(manifest.requirements)]
    ['FULLY_CONNECTED 12 runs in no tflite-runtime; raspberry-pi-32bit has tflite-runtime 2.14.0']

Profiles lie in `profiles/`, each figure beside its source; a user's own is a file's path. `device` holds the noun, `gate` the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeship_devices.device import Device, OnnxInt8, profile_names
    from edgeship_devices.gate import Reason

__all__ = ["Device", "OnnxInt8", "Reason", "profile_names"]


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used: the doctor also runs where NumPy is broken."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module = importlib.import_module("edgeship_devices.gate" if name == "Reason" else "edgeship_devices.device")
    return getattr(module, name)
