"""Raw pixels: an adopted network with what its manifest says of its ends built in as layers, so that it is like one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeship_runtime.graph_input import GraphInput
from edgeship_runtime.manifest import Manifest

if TYPE_CHECKING:
    import keras


def taking_raw_pixels(network: keras.Model, manifest: Manifest) -> keras.Model:
    """The network from raw pixels N×H×W×C, float32, to scores N×labels; itself where it is that already.

    Args:
        network: of an opened .keras.
        manifest: of the same file. Its `graph_input` and `logits` become layers, so what is exported states neither.
    """
    import keras

    taken = manifest.preprocessing.graph_input
    is_built = isinstance(network, keras.Model) and network.built and len(getattr(network, "output_shape", ())) == 2
    if taken is None and not manifest.logits and is_built:
        return network
    pixels = keras.Input(manifest.preprocessing.shape, name="pixels")
    scores = network(_as_taken(pixels, taken or GraphInput()))
    if len(scores.shape) > 2:  # N×1×1×labels
        scores = keras.layers.Reshape((len(manifest.labels),), name="flat")(scores)
    if manifest.logits:
        scores = keras.layers.Softmax(dtype="float32", name="scores")(scores)
    return keras.Model(pixels, scores, name=network.name)


def _as_taken(pixels: keras.KerasTensor, taken: GraphInput) -> keras.KerasTensor:
    """(level − mean) / std for each channel, then the graph's own order of channels and sides."""
    from keras import layers, ops

    pairs = taken.normalizations(pixels.shape[-1])
    if set(pairs) != {(0.0, 1.0)}:
        scale, offset = [1 / std for _, std in pairs], [-mean / std for mean, std in pairs]
        alike = len(set(pairs)) == 1
        values = (scale[0], offset[0]) if alike else (scale, offset)
        pixels = layers.Rescaling(values[0], offset=values[1], name="normalization")(pixels)
    if taken.bgr:
        pixels = ops.flip(pixels, axis=-1)
    return layers.Permute((3, 1, 2), name="channels_first")(pixels) if taken.layout == "nchw" else pixels
