"""A board without a network gets edgeship from a folder of wheels; what is missing there is said with the command that fetches it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boards import Board
from environments import build_wheel
from making import Run

Models = Callable[..., Path]
pytestmark = [pytest.mark.slow, pytest.mark.environments]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel and what a device needs beside it."""
    folder = tmp_path_factory.mktemp("wheels")
    wheel = build_wheel(folder)
    pip = ["/usr/bin/python3", "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        pip = [sys.executable, "-m", "pip"]
    done = subprocess.run(
        [*pip, "download", "--quiet", "--only-binary=:all:", "--dest", folder, wheel],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"wheels cannot be downloaded here: {done.stderr.strip().splitlines()[-1]}")
    return folder


def test_edgeship_is_installed_from_wheels_and_the_second_deploy_needs_none(
    run: Run, board: Board, models: Models, wheels: Path
) -> None:
    first = run("deploy", models(1), board.url, "--python", "/usr/bin/python3", "--wheels", wheels, "--json")
    second = run("deploy", models(2), board.url, "--python", "/usr/bin/python3", "--wheels", wheels)

    assert first.code == 0, first.err
    assert "install edgeship==" in first.err
    assert first.json()["engine"].startswith("litert ")  # type: ignore[index]
    (environment,) = (board.home / "environments").iterdir()
    assert (board.home / "models/digits/current/environment").resolve() == environment
    assert not (board.home / "wheels").exists()
    assert second.code == 0
    assert "install" not in second.err
    assert run("rollback", board.url, "--name", "digits").code == 0


def test_a_wheel_that_is_missing_is_named_with_the_command_that_fetches_it(
    run: Run, board: Board, models: Models, wheels: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (ours,) = wheels.glob("edgeship-*.whl")
    (alone / ours.name).write_bytes(ours.read_bytes())

    error = run("deploy", models(1), board.url, "--python", "/usr/bin/python3", "--wheels", alone).one_line_error()

    assert "no wheel of " in error
    assert f"pip download --dest {alone} --only-binary=:all:" in error
    assert list((board.home / "environments").iterdir()) == []
