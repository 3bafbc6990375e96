"""A manifest reads back as it was written, and nothing else passes for one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeship_runtime.errors import ModelFileError
from edgeship_runtime.graph_input import GraphInput
from edgeship_runtime.manifest import (
    FORMAT,
    CarriedPicture,
    Change,
    EngineNeed,
    GoldenSample,
    Manifest,
    Metric,
    Proof,
    Provenance,
    Quantization,
    Requirements,
    Split,
)
from edgeship_runtime.preprocessing import Preprocessing

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = TEXT.filter(lambda text: bool(text) and "\n" not in text)
FRACTION = st.floats(0, 1)
SHA = st.text("0123456789abcdef", min_size=64, max_size=64)
COUNT = st.integers(0, 10**9)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    labels = tuple(draw(st.lists(NAME, min_size=2, max_size=5, unique=True)))
    label = st.sampled_from(labels)
    golden = st.builds(
        GoldenSample,
        member=NAME,
        label=label,
        scores=st.dictionaries(label, FRACTION, max_size=3),
        tolerance=FRACTION,
        input_sha256=SHA,
        input_means=st.lists(FRACTION, max_size=4).map(tuple),
    )
    number = st.tuples(st.floats(-300, 300))
    graph_inputs = st.builds(
        GraphInput, number, st.tuples(st.floats(0.5, 300)), st.booleans(), st.sampled_from(["nhwc", "nchw"])
    )
    carried = st.lists(st.builds(CarriedPicture, member=NAME, label=label), max_size=3).map(tuple)
    return Manifest(
        labels=labels,
        preprocessing=draw(
            st.builds(
                Preprocessing,
                width=st.integers(1, 4096),
                height=st.integers(1, 4096),
                color=st.sampled_from(["rgb", "grey"]),
                fit=st.sampled_from(["stretch", "crop", "letterbox"]),
                graph_input=st.none() | graph_inputs,
            )
        ),
        quantization=draw(
            st.builds(
                Quantization,
                st.sampled_from(["float32", "float16", "dynamic", "int8"]),
                st.sampled_from(["float32", "uint8", "int8"]),
            )
        ),
        model_sha256=draw(SHA),
        provenance=draw(
            st.builds(
                Provenance,
                created=TEXT,
                versions=st.dictionaries(TEXT, TEXT, max_size=3),
                data_sha256=st.none() | SHA,
                split=st.none() | st.builds(Split, TEXT, COUNT, st.dictionaries(TEXT, COUNT, max_size=3)),
                seed=st.none() | COUNT,
                configuration=st.dictionaries(TEXT, TEXT, max_size=3),
                parent_sha256=st.none() | SHA,
            )
        ),
        metrics=draw(st.dictionaries(TEXT, st.builds(Metric, FRACTION, COUNT), max_size=2)),
        requirements=draw(
            st.builds(
                Requirements,
                st.dictionaries(TEXT, COUNT, max_size=3),
                st.none() | COUNT,
                st.none() | TEXT,
                st.dictionaries(NAME, st.builds(EngineNeed, st.none() | TEXT, TEXT), max_size=2),
                st.none() | COUNT,
            )
        ),
        golden=tuple(draw(st.lists(golden, max_size=2))),
        proven=draw(
            st.none()
            | st.builds(
                Proof,
                COUNT,
                *[FRACTION] * 5,
                lost=COUNT,
                won=COUNT,
                changed=st.lists(st.builds(Change, NAME, NAME, NAME, NAME), max_size=2).map(tuple),
                forced=st.booleans(),
            )
        ),
        calibration=draw(carried),
        proof=draw(carried),
        logits=draw(st.booleans()),
    )


@given(manifests())
def test_a_manifest_reads_back_as_written(manifest: Manifest) -> None:
    data = manifest.to_bytes()

    assert Manifest.from_bytes(data) == manifest
    assert Manifest.from_bytes(data).to_bytes() == data


def test_what_few_files_state_is_left_out_of_the_others(plain: dict[str, Any]) -> None:
    assert "graph_input" not in plain["preprocessing"]
    assert "logits" not in plain


@pytest.fixture
def plain() -> dict[str, Any]:
    """The smallest manifest, as parsed JSON."""
    manifest = Manifest(
        ("a", "b"), Preprocessing(8, 8), Quantization(), "0" * 64, Provenance(created="2026-01-01", versions={})
    )
    value: dict[str, Any] = json.loads(manifest.to_bytes())
    return value


def refused(value: object) -> str:
    with pytest.raises(ModelFileError) as caught:
        Manifest.from_bytes(json.dumps(value).encode())
    return str(caught.value)


def test_a_newer_format_says_what_to_upgrade(plain: dict[str, Any]) -> None:
    message = refused(plain | {"format": FORMAT + 2})

    assert f"manifest format {FORMAT + 2}" in message
    assert f"reads up to {FORMAT}" in message
    assert "pip install -U edgeship" in message


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"labels": ["a", "a"]}, "'a' occurs twice"),
        ({"labels": ["a"]}, "at least 2 labels"),
        ({"labels": "ab"}, "manifest.labels"),
        ({"labels": ["a", 3]}, "manifest.labels[1]"),
        ({"surprise": 1}, "unknown field 'surprise'"),
        ({"preprocessing": {"width": 8}}, "'height' is missing"),
        ({"preprocessing": {"width": 8, "height": 0}}, "8×0"),
        ({"preprocessing": {"width": 8, "height": 8, "color": "bgr"}}, "'rgb', 'grey'"),
        ({"quantization": {"scheme": "int4"}}, "manifest.quantization.scheme"),
        ({"metrics": {"test": {"accuracy": "high", "samples": 1}}}, "manifest.metrics.test.accuracy"),
        ({"metrics": {"test": {"accuracy": 1.0, "samples": True}}}, "manifest.metrics.test.samples"),
        ({"format": "1"}, "states no format"),
        ({"preprocessing": {"width": 8, "height": 8, "graph_input": {"std": [0.0]}}}, "other than 0"),
        ({"preprocessing": {"width": 8, "height": 8, "graph_input": {"layout": "hwc"}}}, "'nhwc', 'nchw'"),
        (
            {"preprocessing": {"width": 8, "height": 8, "color": "grey", "graph_input": {"mean": [1, 2, 3]}}},
            "color is grey",
        ),
    ],
)
def test_an_invalid_manifest_is_refused_with_the_place(
    plain: dict[str, Any], change: dict[str, Any], place: str
) -> None:
    assert place in refused(plain | change)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_manifest_are_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        Manifest.from_bytes(data)
