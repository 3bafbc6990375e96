"""The Python API, and the example of docs/runtime.md as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edgeship_runtime
from edgeship_runtime import Classifier
from edgeship_runtime.errors import DataError
from making import Digits

DOCS = Path(__file__).parents[2] / "docs"


def test_the_example_of_the_docs_runs(digits: Digits, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "runtime.md").read_text(), re.DOTALL)
    (tmp_path / "example.py").write_text(code)
    command = [sys.executable, str(tmp_path / "example.py"), str(digits.int8), str(digits.pictures)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + 3 + 20
    assert lines[-1].startswith(str(digits.pictures / "9"))
    assert "Traceback" not in done.stderr


def test_the_options_in_the_docs_are_those_there_are() -> None:
    """Each `--option` and each key of run.toml that the page names."""
    import argparse
    import tomllib

    from edgeship_runtime.commands.run import add_arguments

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    known = {name for action in parser._actions for name in action.option_strings}
    text = (DOCS / "runtime.md").read_text()
    (config,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    ours = text.replace("--system-site-packages", "")

    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", ours)) <= known
    assert {f"--{key.replace('_', '-')}" for key in tomllib.loads(config)} - {"--sources"} <= known


def test_public_names_load_on_first_use() -> None:
    for name in edgeship_runtime.__all__:
        assert getattr(edgeship_runtime, name).__name__ == name


class Owned:
    """An engine that tells who computes with it."""

    def __init__(self, engine: Any) -> None:
        self._engine, self.threads_seen = engine, set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def scores(self, batch: Any) -> Any:
        self.threads_seen.add(threading.current_thread())
        return self._engine.scores(batch)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_classifier_may_be_used_within_its_own_stream(digits: Digits, threads: int) -> None:
    """An engine holds one set of buffers: two threads at once would mix their pictures."""
    classifier = Classifier.load(digits.int8, threads=threads)
    owned = Owned(classifier.engine)
    classifier.engine = owned
    picture = next(digits.pictures.rglob("*.png"))

    for found in (classifier.stream(digits.pictures), classifier.classify_many([picture] * 5)):
        for result in found:
            assert result.prediction is not None
            classifier.classify(picture)

    assert owned.threads_seen == {threading.current_thread()}


def test_many_pictures_of_any_kind_are_answered_in_order(digits: Digits) -> None:
    path = sorted(digits.pictures.rglob("*.png"))[3]
    with Image.open(path) as picture:
        array = np.asarray(picture)
    classifier = Classifier.load(digits.int8)

    results = list(classifier.classify_many([path, str(path), path.read_bytes(), array, Image.fromarray(array), b"no"]))

    alone = classifier.classify(path)
    assert [result.index for result in results] == list(range(6))
    assert [result.source for result in results] == [str(path), str(path), "bytes", "array", "image", "bytes"]
    assert {(r.prediction.label, r.prediction.score) for r in results[:5] if r.prediction} == {
        (alone.label, alone.score)
    }
    assert results[5].prediction is None
    assert results[5].error is not None
    assert "not a picture" in results[5].error


def test_pictures_are_drawn_as_they_are_needed(digits: Digits) -> None:
    """Of a million there are never more than a few dozen in memory."""
    drawn = []

    def arrays() -> object:
        for number in range(10**6):
            drawn.append(number)
            yield np.full((8, 8), number % 256, np.uint8)

    results = Classifier.load(digits.int8).classify_many(arrays())  # type: ignore[arg-type]
    for _ in range(100):
        next(results)

    assert len(drawn) < 1000
    results.close()  # type: ignore[attr-defined]


def test_a_stream_of_files_ends(digits: Digits, shared_data: Path) -> None:
    classifier = Classifier.load(digits.float32)

    results = list(classifier.stream(digits.pictures / "3", shared_data / "video/realshort.mp4", threshold=0.0))

    assert [result.frame is None for result in results] == [True] * 2 + [False] * 36
    assert all(result.decision is not None and result.decision.label for result in results)


def test_a_source_that_is_not_there_is_told_at_once(digits: Digits) -> None:
    with pytest.raises(DataError, match="does not exist"):
        Classifier.load(digits.int8).stream("nothing.mp4")


@pytest.mark.parametrize("option", [{"max_fps": 0}, {"max_age_ms": -1}, {"stall_s": 0}, {"agree": 0}, {"threshold": 2}])
def test_what_nothing_could_satisfy_is_refused_at_once(digits: Digits, option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(option))} is .*; wanted"):
        Classifier.load(digits.int8).stream(digits.pictures, **option)
