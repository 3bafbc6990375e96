"""Microcontroller: a board without an operating system, where a model is an array in flash and its activations lie in RAM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edgeship_devices.gate import Reason
from edgeship_runtime.manifest import Requirements


@dataclass(frozen=True)
class Microcontroller:
    """A board that runs LiteRT for Microcontrollers, and no Python: `edgeship export --format c-array` is for it, `deploy` is not.

    Attributes:
        name: of its profile.
        title: for people.
        processor: the core; "f" at the end has a floating-point unit.
        flash_bytes: for the program and the model.
        ram_bytes: for variables and the tensor arena.
    """

    name: str
    title: str
    processor: Literal["cortex-m4f", "cortex-m7f", "cortex-m33f", "cortex-m55f"]
    flash_bytes: int
    ram_bytes: int

    def __post_init__(self) -> None:
        """Refuses sizes that are none."""
        for what, size in {"flash_bytes": self.flash_bytes, "ram_bytes": self.ram_bytes}.items():
            if size <= 0:
                raise ValueError(f"{what} is {size}")

    def refuses(self, requirements: Requirements, size_bytes: int) -> tuple[Reason, ...]:
        """Why a model cannot fit; empty where it may: only the built program knows what else takes room.

        Args:
            requirements: of the model.
            size_bytes: of the model part, which lies in flash.
        """
        return tuple(self._reasons(requirements, size_bytes))

    def _reasons(self, requirements: Requirements, size_bytes: int) -> Iterator[Reason]:
        if not {"litert", "tflite-runtime"} & set(requirements.engines):
            yield Reason("a microcontroller needs a .tflite", f"{self.name} runs nothing else", ("--format tflite",))
            return
        if size_bytes > self.flash_bytes:
            yield Reason(
                f"the model takes {size_bytes:,} bytes", f"{self.name} has {self.flash_bytes:,} bytes of flash"
            )
        # memory_bytes counts weights too; these stay in flash, and are no more than the model part
        activations = (requirements.memory_bytes or 0) - size_bytes
        if activations > self.ram_bytes:
            has = f"{self.name} has {self.ram_bytes:,} bytes of RAM"
            yield Reason(f"activations take at least {activations:,} bytes", has)
