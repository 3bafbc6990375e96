"""Whether a board runs a file is answered from what both state, with the reason and the flags that would pass."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeship_devices import Device, profile_names
from edgeship_devices.gate import is_older
from edgeship_runtime.errors import DeviceError
from edgeship_runtime.manifest import EngineNeed, Requirements

FOUR, THIRTY_TWO = "raspberry-pi-4", "raspberry-pi-32bit"
DENSE = "FULLY_CONNECTED 12"  # TensorFlow 2.17 and later, dynamic range


def tflite(
    *, litert: str | None = "1.0.1", tflite_runtime: str | None = "2.3.0", because: str = "CONV_2D 3"
) -> Requirements:
    needs = {"litert": EngineNeed(litert, because), "tflite-runtime": EngineNeed(tflite_runtime, because)}
    return Requirements({"CONV_2D": 3}, engines=needs)


def onnx(version: str | None, because: str) -> Requirements:
    return Requirements({"ai.onnx": 15}, ir_version=8, engines={"onnxruntime": EngineNeed(version, because)})


def test_the_first_profiles_are_there() -> None:
    assert {"linux-x86-64", "linux-aarch64", FOUR, "raspberry-pi-5", THIRTY_TWO} <= set(profile_names())


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_runs_a_plain_tflite_file(name: str) -> None:
    assert Device.load(name).refuses(tflite()) == ()


def test_a_dense_layer_that_tflite_runtime_cannot_read_is_refused_with_flags_that_pass() -> None:
    (reason,) = Device.load(THIRTY_TWO).refuses(tflite(tflite_runtime=None, because=DENSE))

    assert str(reason).startswith(f"{DENSE} runs in no tflite-runtime; {THIRTY_TWO} has tflite-runtime 2.14.0; ")
    assert "--quantize int8" in reason.flags
    assert Device.load(FOUR).refuses(tflite(tflite_runtime=None, because=DENSE)) == ()


def test_onnx_on_a_board_without_onnxruntime_is_refused() -> None:
    (reason,) = Device.load(THIRTY_TWO).refuses(onnx("1.10.0", "opset 15"))

    assert reason.needed == "the file needs onnxruntime"
    assert reason.flags == ("--format tflite",)


def test_an_opset_that_is_newer_than_the_boards_engine_is_refused() -> None:
    (reason,) = Device.load(FOUR).refuses(onnx("99.1", "opset 99"))

    assert reason.needed == "opset 99 needs onnxruntime 99.1"
    assert reason.flags == ("--format tflite",)


def test_an_operator_that_no_release_has_is_refused() -> None:
    (reason,) = Device.load(FOUR).refuses(tflite(litert=None, tflite_runtime=None, because="custom FlexErf"))

    assert reason.needed == "custom FlexErf runs in no litert"


def test_a_keras_file_is_for_workstations() -> None:
    (reason,) = Device.load(FOUR).refuses(Requirements(keras="3.15.1"))

    assert reason.flags == ("--format tflite", "--format onnx")


def test_a_file_that_states_nothing_is_not_waved_through() -> None:
    assert Device.load(FOUR).refuses(Requirements({"CONV_2D": 1})) != ()


def test_memory_counts_where_the_board_has_a_size() -> None:
    large = Requirements(engines=tflite().engines, memory_bytes=600 * 2**20)

    (reason,) = Device.load(FOUR).refuses(large)

    assert "600 MiB" in reason.needed
    assert "1,024 MiB" in reason.has
    assert Device.load("linux-aarch64").refuses(large) == ()


@pytest.mark.parametrize(
    ("mebibytes", "scheme", "flags"),
    [
        (600, "float32", ("--quantize int8",)),
        (600, "int8", ()),
        (600, None, ()),
        (1500, "float16", ()),
        (3000, "float32", ()),
    ],
)
def test_smaller_numbers_are_named_where_they_would_fit(
    mebibytes: int, scheme: str | None, flags: tuple[str, ...]
) -> None:
    large = Requirements(engines=tflite().engines, memory_bytes=mebibytes * 2**20)

    (reason,) = Device.load(FOUR).refuses(large, scheme)

    assert reason.flags == flags


def test_a_cure_is_named_only_where_it_cures(tmp_path: Path) -> None:
    old = tmp_path / "old.toml"
    old.write_text('title = "x"\nprocessor = "arm64"\npython = "3.11"\n[engines]\nlitert = "1.0.1"\n')

    (reason,) = Device.load(old).refuses(tflite(litert="2.1.0", tflite_runtime=None, because="FULLY_CONNECTED 14"))

    assert reason.flags == ("--quantize int8", "--quantize none")


def test_a_board_whose_python_is_too_old_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "old.toml"
    old.write_text('title = "x"\nprocessor = "arm64"\npython = "3.6"\n[engines]\nlitert = "2.3.0"\n')

    (reason,) = Device.load(old).refuses(tflite())

    assert reason.needed == "edgeship needs Python 3.11"
    assert reason.has == "old has 3.6"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("ram = 3", "unknown field 'ram'"),
        ('processor = "z80"', "'armv7'"),
        ('engines = {tensorrt = "10"}', "'tensorrt' is unknown; known: litert, tflite-runtime, onnxruntime"),
        ('engines = {litert = "latest"}', "version of litert is 'latest'"),
        ("memory_bytes = 0", "memory_bytes is 0"),
        ("title = ", "is no TOML file"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_place(tmp_path: Path, change: str, place: str) -> None:
    fields = {"title": '"x"', "processor": '"arm64"', "python": '"3.11"', "engines": "{}"}
    name, _, value = change.partition(" = ")
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(f"{key} = {text}" for key, text in {**fields, name: value}.items()))

    with pytest.raises(DeviceError) as caught:
        Device.load(path)

    assert str(path) in str(caught.value)
    assert place in str(caught.value)


def test_a_name_that_is_none_lists_the_known() -> None:
    with pytest.raises(DeviceError, match=r"no device 'toaster'; known: .*raspberry-pi-4"):
        Device.load("toaster")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("jetson-nano", "edgeship does not run on jetson-nano: "),
        ("arduino-nano-33-ble-sense", "arduino-nano-33-ble-sense is a microcontroller"),
    ],
)
def test_a_board_that_cannot_run_edgeship_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(DeviceError, match=why):
        Device.load(name)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no such file"):
        Device.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("name", "activations", "reduce_range"),
    [("linux-x86-64", "uint8", True), (FOUR, "int8", False)],
)
def test_onnx_types_follow_the_processor(name: str, activations: str, reduce_range: bool) -> None:
    types = Device.load(name).onnx_int8

    assert (types.activations, types.weights, types.reduce_range) == (activations, "int8", reduce_range)


def test_only_tflite_runtime_wants_dense_layers_per_tensor() -> None:
    assert {name for name in profile_names() if Device.load(name).dense_per_tensor} == {THIRTY_TWO}


VERSIONS = st.lists(st.integers(0, 30), min_size=1, max_size=4)


@given(VERSIONS, VERSIONS)
def test_versions_compare_by_number(one: list[int], other: list[int]) -> None:
    texts = [".".join(map(str, numbers)) for numbers in (one, other)]
    padded = [numbers + [0] * (4 - len(numbers)) for numbers in (one, other)]

    assert is_older(*texts) == (padded[0] < padded[1])
