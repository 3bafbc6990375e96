"""Pixels: model inputs, N×H×W×C levels, into what a graph takes: its numbers, its channel order, its layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeship_runtime.engines.numbers import PIXELS, Affine, pixel_table
from edgeship_runtime.graph_input import GraphInput
from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class Pixels:
    """Writes batches for one graph input. A level has 256 values, so every normalization is a table."""

    def __init__(self, dtype: DTypeLike, affine: Affine, preprocessing: Preprocessing) -> None:
        """Makes the tables.

        Args:
            dtype: of the graph's input.
            affine: its quantization.
            preprocessing: with what the graph takes, where that is not raw pixels.
        """
        self._dtype = np.dtype(dtype)
        self._stated = preprocessing.graph_input or GraphInput()
        height, width, channels = preprocessing.shape
        self.shape = (height, width, channels) if self._stated.layout == "nhwc" else (channels, height, width)
        tables = [pixel_table(dtype, affine, *each) for each in self._stated.normalizations(channels)]
        self._table = tables[0]
        in_order = self._stated.layout == "nhwc" and not (self._stated.bgr and channels > 1)
        alike = len(set(self._stated.mean)) == len(set(self._stated.std)) == 1
        # A table for each channel only where they differ, or stand elsewhere: one for all is several times faster.
        self._by_channel = None if in_order and alike else tables
        self._is_cast = self._dtype.kind == "f" and self._table is not None and np.array_equal(self._table, PIXELS)

    def write(self, batch: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Fills `out`, the graph's input N×`shape`, from raw pixels N×H×W×C."""
        if self._by_channel is not None:
            view = out if self._stated.layout == "nhwc" else out.transpose(0, 2, 3, 1)
            channels = len(self._by_channel)
            for channel, table in enumerate(self._by_channel):
                place = channels - 1 - channel if self._stated.bgr else channel
                levels = batch[..., channel]
                view[..., place] = levels if table is None else np.take(table, levels, mode="clip")
        elif self._table is None or self._is_cast:
            np.copyto(out, batch)
        else:
            np.take(self._table, batch, out=out, mode="clip")  # "raise" would buffer the output

    def array(self, batch: NDArray[np.uint8]) -> NDArray[Any]:
        """The graph's input for raw pixels N×H×W×C, in memory of its own unless the pixels are that already."""
        if self._by_channel is None and self._table is None:
            return batch
        out = np.empty((len(batch), *self.shape), self._dtype)
        self.write(batch, out)
        return out
