"""Device: what a board has, as far as it decides which files run there and how they are best made."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeship_devices.gate import Reason, reasons
from edgeship_runtime import files, record
from edgeship_runtime.errors import DeviceError
from edgeship_runtime.manifest import EngineNeed, Requirements

Processor = Literal["x86-64", "x86-64-vnni", "arm64", "armv7"]
PROFILES = Path(__file__).parent / "profiles"
FORMATS = {"litert": "tflite", "tflite-runtime": "tflite", "onnxruntime": "onnx"}  # in this order engines are preferred
_VERSION = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True)
class OnnxInt8:
    """How ONNX Runtime's int8 kernels like their numbers.

    Attributes:
        activations, weights: 8 bits, unsigned ("uint8") or signed ("int8").
        reduce_range: weights of 7 bits, so that sums of products do not saturate.
    """

    activations: Literal["uint8", "int8"]
    weights: Literal["uint8", "int8"]
    reduce_range: bool


# Docstring of onnxruntime.quantization.quantize_static, 1.31
_ONNX_INT8 = {
    "x86-64": OnnxInt8("uint8", "int8", reduce_range=True),
    "x86-64-vnni": OnnxInt8("uint8", "int8", reduce_range=False),
    "arm64": OnnxInt8("int8", "int8", reduce_range=False),
    "armv7": OnnxInt8("int8", "int8", reduce_range=False),
}


@dataclass(frozen=True)
class Device:
    """A board, or a kind of machine.

    Attributes:
        name: of its profile.
        title: for people.
        processor: the family, as far as kernels differ; "x86-64-vnni" has the dot product instructions.
        python: that its system brings, "3.11".
        engines: the newest release of each that pip finds a wheel of there; preferred first.
        memory_bytes: RAM of the smallest variant that is sold; None where the profile stands for machines of any size.
    """

    name: str
    title: str
    processor: Processor
    python: str
    engines: Mapping[str, str]
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuses engines that are none, and versions that cannot be compared."""
        unknown = [engine for engine in self.engines if engine not in FORMATS]
        if unknown:
            raise ValueError(f"engine {unknown[0]!r} is unknown; known: {', '.join(FORMATS)}")
        for what, version in {"python": self.python, **self.engines}.items():
            if not _VERSION.fullmatch(version):
                raise ValueError(f"version of {what} is {version!r}; wanted numbers and points, such as 2.14.0")
        if self.memory_bytes is not None and self.memory_bytes <= 0:
            raise ValueError(f"memory_bytes is {self.memory_bytes}; leave it out where it is not known")

    @classmethod
    def load(cls, name: str | Path) -> Device:
        """A profile of ours by its name, or a file of the user's (a path with a slash, or that ends in .toml).

        Raises:
            DeviceError: there is none, edgeship does not run there, or its fields are not those of a profile.
        """
        text = str(name)
        if "/" not in text and not text.endswith(".toml"):
            if text not in profile_names():
                from edgeship_devices import catalog  # which knows boards that are none of these, and why

                raise DeviceError(catalog.why_not(text))
            return _read(PROFILES / f"{text}.toml")
        return _read(Path(name))

    def refuses(self, requirements: Requirements, scheme: str | None = None) -> tuple[Reason, ...]:
        """Why a file with these requirements cannot run here; empty when it can.

        Args:
            requirements: of the file.
            scheme: how its numbers are stored ("float32"), where that is known: for what smaller ones would cure.
        """
        return reasons(self, requirements, scheme)

    def refuses_format(self, format_name: str) -> tuple[Reason, ...]:
        """The same of any file of a format ("tflite" or "onnx"), before there is one."""
        engines = {engine: EngineNeed("0", "the format") for engine, runs in FORMATS.items() if runs == format_name}
        return reasons(self, Requirements(engines=engines))

    def engine(self, format_name: str) -> str | None:
        """The engine that runs files of a format here ("tflite" or "onnx"); None when there is none."""
        return next(
            (engine for engine, runs in FORMATS.items() if runs == format_name and engine in self.engines), None
        )

    @property
    def onnx_int8(self) -> OnnxInt8:
        """The types to quantize an .onnx to."""
        return _ONNX_INT8[self.processor]

    @property
    def dense_per_tensor(self) -> bool:
        """Whether dense layers of dynamic-range .tflite files must have one scale for each tensor.

        TensorFlow ≥ 2.17 writes one for each channel, FULLY_CONNECTED version 12, which tflite-runtime (2.14 is the last) does not
        read. The converter's switch is `_experimental_disable_per_channel_quantization_for_dense_layers`.
        """
        return self.engine("tflite") == "tflite-runtime"


def profile_names() -> tuple[str, ...]:
    """The profiles that come with edgeship, sorted."""
    return tuple(sorted(path.stem for path in PROFILES.glob("*.toml")))


def _read(path: Path) -> Device:
    try:
        fields = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DeviceError(f"{path}: {files.reason(error)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviceError(f"{path} is no TOML file: {error}") from None
    try:
        return record.from_json(Device, {"name": path.stem, **fields}, str(path))
    except record.RecordError as error:
        raise DeviceError(f"{error}; edgeship_devices/profiles has examples") from None
