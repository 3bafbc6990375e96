"""Files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from edgeship_runtime import files
from edgeship_runtime.errors import OutputError


def test_an_existing_file_is_kept_without_force(tmp_path: Path) -> None:
    target = tmp_path / "a"
    files.write(target, b"first", force=False)

    with pytest.raises(OutputError, match=r"exists; --force"):
        files.write(target, b"second", force=False)

    assert target.read_bytes() == b"first"


def test_force_replaces_a_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    files.write(target, b"first", force=False)

    files.write(target, b"second", force=True)

    assert target.read_bytes() == b"second"
    assert [item.name for item in tmp_path.iterdir()] == ["a"]


def test_remains_of_a_killed_process_are_no_hindrance(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.with_name(f".a.{os.getpid()}.tmp").write_bytes(b"half")

    files.write(target, b"whole", force=False)

    assert [item.name for item in tmp_path.iterdir()] == ["a"]
    assert target.read_bytes() == b"whole"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        files.write(tmp_path / "no" / "a", b"", force=False)
