"""Each container gives back what it was given, and damage is seen before native code sees it."""

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeship_runtime.containers import HEAD_BYTES, container, recognize
from edgeship_runtime.errors import DamagedError, EdgeshipError, ModelFileError
from edgeship_runtime.model_file import ModelFile, RawModel
from making import Digits, bare, file_of

MEMBERS = st.dictionaries(
    st.text("abcdefghij/0123456789", min_size=1, max_size=12).map(lambda name: f"m/{name}").map(lambda n: n + "x"),
    st.binary(max_size=300),
    min_size=1,
    max_size=5,
)
FORMATS = ("keras", "tflite", "onnx")


@pytest.mark.parametrize("format_name", FORMATS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(members=MEMBERS)
def test_members_read_back_as_written(digits: Digits, format_name: str, members: dict[str, bytes]) -> None:
    model = bare(digits, format_name)

    data = container(format_name).write(model, members)

    assert container(format_name).read_members(io.BytesIO(data)) == members
    assert container(format_name).model_part(io.BytesIO(data)) == container(format_name).model_part(io.BytesIO(model))
    assert recognize(data[:HEAD_BYTES]) == format_name


@pytest.mark.parametrize("format_name", ["tflite", "onnx"])
def test_the_model_part_is_a_prefix_of_the_file(digits: Digits, format_name: str) -> None:
    raw = RawModel.open(file_of(digits, format_name))

    assert raw.read().startswith(raw.model)
    assert 0 < len(raw.model) < raw.size_bytes


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.99, 0.9999])
def test_a_truncated_file_says_so(digits: Digits, format_name: str, share: float, tmp_path: Path) -> None:
    data = file_of(digits, format_name).read_bytes()
    cut = tmp_path / f"cut.{format_name}"
    cut.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(ModelFileError, match="truncated or damaged") as caught:
        ModelFile.open(cut)
    assert str(cut) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("format_name", FORMATS)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 0.999999), bit=st.integers(0, 7))
def test_a_flipped_bit_never_passes_for_another_model(digits: Digits, format_name: str, place: float, bit: int) -> None:
    """It is refused, or it lay where nothing reads (a zip's date): the model and the manifest are never other ones."""
    whole = ModelFile.open(file_of(digits, format_name))
    data = bytearray(whole.raw.read())
    data[int(place * len(data))] ^= 1 << bit

    try:
        damaged = ModelFile.parse(Path("damaged"), bytes(data))
    except EdgeshipError:
        return

    assert damaged.raw.model == whole.raw.model
    assert damaged.manifest == whole.manifest


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_head_are_damage_and_never_a_crash(tail: bytes) -> None:
    for name, head in {"tflite": b"\x1c\0\0\0TFL3", "onnx": b"\x08\x08", "keras": b"PK\x03\x04"}.items():
        for reader in (container(name).model_part, container(name).read_members):
            try:
                reader(io.BytesIO(head + tail))
            except DamagedError:
                continue


def test_an_onnx_file_that_lost_its_last_metadata_is_damaged(digits: Digits) -> None:
    whole = RawModel.open(digits.onnx)
    data = whole.read()
    digest = data.rindex(b"edgeship/members.sha256")

    with pytest.raises(ModelFileError, match="truncated or damaged"):
        RawModel.parse(Path("cut.onnx"), data[: digest - 4])
