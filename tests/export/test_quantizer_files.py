"""Standard metadata goes into the .tflite files of both converters, and what they compute stays the same."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgeship_export import requirements
from edgeship_export.tflite_metadata import with_metadata
from edgeship_runtime.containers import tflite as container
from edgeship_runtime.manifest import EngineNeed
from edgeship_runtime.preprocessing import Preprocessing
from environments import build_environment, find_interpreter
from old_engines import asked

pytestmark = [
    # AI Edge Quantizer calibrates with all tensors kept; LiteRT warns of the memory that takes.
    pytest.mark.filterwarnings("ignore:Warning. Enabling `experimental_preserve_all_tensors`:UserWarning"),
    # TensorFlow's converter misses statistics for a uint8 input that it takes from the calibration pictures in the end.
    pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected:UserWarning"),
]

SIDE, LABELS, PICTURES = 8, 10, 20
PREPROCESSING = Preprocessing(SIDE, SIDE, "rgb")
ALIGNMENT = 16  # schema.fbs: force_align of Buffer.data
FILES = ("float32", "int8", "quantizer")


@dataclass(frozen=True)
class Files:
    """One network, as the converters wrote it: TensorFlow's in float32 and int8, AI Edge Quantizer's in int8 from the first."""

    float32: bytes
    int8: bytes
    quantizer: bytes


@pytest.fixture(scope="module")
def files() -> Files:
    import tensorflow as tf
    from keras import Sequential, layers, utils

    utils.set_random_seed(3)
    # From 256 kB on, AI Edge Quantizer moves weights behind the flatbuffer: the second convolution has 295 kB in int8.
    network = Sequential(
        [
            layers.Input((SIDE, SIDE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Conv2D(512, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(LABELS),
        ]
    )
    float32 = bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())
    strict = tf.lite.TFLiteConverter.from_keras_model(network)
    strict.optimizations = [tf.lite.Optimize.DEFAULT]
    strict.representative_dataset = lambda: ([picture] for picture in _pictures())
    strict.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    strict.inference_input_type = tf.uint8
    return Files(float32, bytes(strict.convert()), _quantized(float32))


def test_the_quantizer_keeps_weights_behind_the_flatbuffer(files: Files) -> None:
    model = schema.ModelT.InitFromPackedBuf(files.quantizer, 0)

    outside = [buffer for buffer in model.buffers if buffer.offset > 1]

    assert sum(buffer.size for buffer in outside) > len(files.quantizer) / 2  # else the tests below prove nothing


def test_weights_behind_the_flatbuffer_need_the_last_tflite_runtime(files: Files) -> None:
    stated = {name: requirements.of_tflite(getattr(files, name)).engines["tflite-runtime"] for name in FILES}

    assert stated["quantizer"] == EngineNeed("2.14.0", "weights behind the flatbuffer")
    assert stated["int8"].version == "2.7.0"


@pytest.mark.environments
@pytest.mark.parametrize(("release", "interpreter"), [("2.13.0", "3.10"), ("2.14.0", "3.11")])
def test_tflite_runtime_reads_them_from_then_on(files: Files, tmp_path: Path, release: str, interpreter: str) -> None:
    wanted = [f"tflite-runtime=={release}", "numpy<2"]
    python = build_environment(tmp_path / "environment", *wanted, interpreter=find_interpreter(interpreter))

    found = asked(python, tmp_path, "tflite-runtime", {name: getattr(files, name) for name in FILES}, run=True)

    assert [name for name, answer in found.items() if isinstance(answer, str)] == (
        ["quantizer"] if release == "2.13.0" else []
    )


@pytest.mark.parametrize("name", FILES)
def test_metadata_leaves_every_output_as_it_was(files: Files, name: str) -> None:
    model = getattr(files, name)

    described = container.write(with_metadata(model, PREPROCESSING), {"labels.txt": b"some\nlabels\n"})

    before = _outputs(model)
    assert np.ptp(before, axis=0).max() > 0  # else the pictures are all one to it
    np.testing.assert_array_equal(_outputs(described), before)


@pytest.mark.parametrize("name", FILES)
def test_metadata_loses_no_constant(files: Files, name: str) -> None:
    model = getattr(files, name)

    described = with_metadata(model, PREPROCESSING)

    before, after = _constants(model), _constants(described)
    assert [content for _, content in after[: len(before)]] == [content for _, content in before]
    assert container.model_part(io.BytesIO(described)) == described  # it is whole: every reference ends inside it


@pytest.mark.parametrize("name", FILES)
def test_constants_stay_aligned(files: Files, name: str) -> None:
    described = with_metadata(getattr(files, name), PREPROCESSING)

    constants = _constants(described)
    assert max(len(content) for _, content in constants) > 100_000
    assert {start % ALIGNMENT for start, _ in constants} == {0}


def test_describing_a_described_file_replaces_the_description(files: Files) -> None:
    once = with_metadata(files.float32, Preprocessing(SIDE, SIDE, "grey"))

    twice = with_metadata(once, PREPROCESSING)

    names = [entry.name for entry in schema.ModelT.InitFromPackedBuf(twice, 0).metadata]
    assert names.count(b"TFLITE_METADATA") == 1
    assert len(names) == len(set(names))


def _quantized(model: bytes) -> bytes:
    """AI Edge Quantizer's static int8."""
    from ai_edge_quantizer import quantizer, recipe

    ((signature, names),) = Interpreter(model_content=model).get_signature_list().items()
    (taken,) = names["inputs"]
    work = quantizer.Quantizer(model, recipe.static_wi8_ai8())
    ranges = work.calibrate({signature: [{taken: picture} for picture in _pictures()]})
    return bytes(work.quantize(ranges, enable_progress_report=False).quantized_model)


def _pictures() -> NDArray[np.float32]:
    """N×1×H×W×3, raw pixels."""
    pixels = np.random.default_rng(5).integers(0, 256, (PICTURES, 1, SIDE, SIDE, 3))
    return pixels.astype(np.float32)


def _outputs(model: bytes) -> NDArray[np.generic]:
    """What LiteRT makes of the pictures, N×labels, as its output tensor holds it."""
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for picture in _pictures():
        interpreter.set_tensor(taken["index"], picture.astype(taken["dtype"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(given["index"])[0])
    return np.stack(outputs)


def _constants(model: bytes) -> list[tuple[int, bytes]]:
    """Where in the file the content of each buffer that has any begins, and the content; in the order of the buffers."""
    whole = np.frombuffer(model, np.uint8)
    root = schema.Model.GetRootAs(model)
    found = []
    for index in range(root.BuffersLength()):
        buffer = root.Buffers(index)
        if buffer.Offset() > 1:
            found.append((buffer.Offset(), model[buffer.Offset() : buffer.Offset() + buffer.Size()]))
        elif buffer.DataLength():
            data = buffer.DataAsNumpy()
            start = data.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
            found.append((start, data.tobytes()))
    return found
