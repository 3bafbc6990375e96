"""Fixtures of devices: a board over a real sshd, and small files to bring to it."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import boards
import edgeship_devices
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.model_file import MANIFEST, ModelFile, assemble

PROBE = Path(edgeship_devices.__file__).parent / "examining" / "probe.tflite"

Edit = Callable[[Manifest], Manifest]


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[boards.Board]:
    with boards.board(tmp_path_factory.mktemp("board") / "sshd") as board:
        yield board


@pytest.fixture
def board(sshd: boards.Board) -> boards.Board:
    """A board that has nothing of ours yet."""
    shutil.rmtree(sshd.home, ignore_errors=True)
    return sshd


@pytest.fixture
def models(tmp_path: Path) -> Callable[..., Path]:
    """Makes a file of its own digest: an hour is when it says it was made; `edit` changes what else it says."""

    def make(hour: int, edit: Edit = lambda manifest: manifest, name: str = "digits") -> Path:
        source = ModelFile.open(PROBE)
        created = f"2026-11-21T{hour:02}:00:00+00:00"
        manifest = dataclasses.replace(
            source.manifest, provenance=dataclasses.replace(source.manifest.provenance, created=created)
        )
        members = {
            key: value for key, value in source.raw.members.items() if key != MANIFEST and not key.endswith("sha256")
        }
        path = tmp_path / str(hour) / f"{name}.tflite"
        path.parent.mkdir()
        path.write_bytes(assemble("tflite", source.raw.model, edit(manifest), members))
        return path

    return make
