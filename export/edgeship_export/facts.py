"""Facts: what a model file is, told from its tensors and not from what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeship_runtime.manifest import Requirements

RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(frozen=True)
class End:
    """An input or output of the graph.

    Attributes:
        name: as the graph calls it.
        dtype: as NumPy calls it.
        shape: -1 stands for a free side.
        scale, zero_point: of a quantized one: real = scale · (quantized − zero point).
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None

    @property
    def range(self) -> tuple[float, float] | None:
        """The lowest and highest real number that a quantized one can hold."""
        if self.scale is None or self.zero_point is None or self.dtype not in RANGES:
            return None
        low, high = ((end - self.zero_point) * self.scale for end in RANGES[self.dtype])
        return low, high


@dataclass(frozen=True)
class Layer:
    """An operation with weights: its name, what it is, what they are stored as, and how much they take."""

    name: str
    operator: str
    dtype: str
    size_bytes: int


@dataclass(frozen=True)
class Blamed:
    """An operation that is worth naming."""

    name: str
    operator: str


@dataclass(frozen=True)
class Facts:
    """What the tensors tell.

    Attributes:
        scheme: "float32"; "float16" (weights); "dynamic" (weights of 8 or 4 bits, activations float); "int8" (both); "int16x8";
            "mixed" when some layers that compute with weights are one and some another.
        per_channel: whether quantized weights have a scale for each channel; None when there are none.
        inputs, outputs: of the graph.
        activation: what the output comes from: "softmax", "sigmoid", or None for anything else.
        activation_dtype: of what that gives, before it is turned into the output's type.
        requirements: computed from the file.
        weights: type → bytes.
        layers: those with weights, in the order they run.
        islands: operations on floating point in a file whose other layers compute in integers.
        foreign: operators that the runtimes do not have.
        operators: names of all operators.
        stated_runtime: what the file says of the TensorFlow it needs ("min_runtime_version").
        external: weights lie in other files.
    """

    scheme: str
    per_channel: bool | None
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    requirements: Requirements
    activation: str | None = None
    activation_dtype: str | None = None
    weights: Mapping[str, int] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()
    islands: tuple[Blamed, ...] = ()
    foreign: tuple[Blamed, ...] = ()
    operators: frozenset[str] = frozenset()
    stated_runtime: str | None = None
    external: bool = False


def scheme_of(kinds: set[str]) -> str:
    """One name for what all layers with weights are: small layers stay float32 in files with smaller weights."""
    for small in ("dynamic", "float16"):
        if kinds in ({small}, {small, "float32"}):
            return small
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "float32"
