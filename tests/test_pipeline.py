"""The main job, end to end: what training measured is what the device gets."""

from making import Digits, Run


def test_int8_is_within_a_point_of_float_on_the_test_split(digits: Digits, run: Run) -> None:
    accuracies = {}
    for kind in ("keras", "float32", "onnx", "int8"):
        answer = run("evaluate", getattr(digits, kind), "digits", "--json").json()
        assert isinstance(answer, dict)
        accuracies[kind] = answer["accuracy"]

    assert accuracies["float32"] == accuracies["onnx"] == accuracies["keras"]
    assert abs(accuracies["int8"] - accuracies["float32"]) <= 0.01
