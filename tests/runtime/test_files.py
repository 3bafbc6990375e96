"""Files are written whole or not at all."""

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


def test_a_full_disk_leaves_the_old_file_and_no_remains(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    target.with_name(f".a.{__import__('os').getpid()}.tmp").symlink_to(full)

    with pytest.raises(OutputError):
        files.write(target, b"new" * 100_000, force=True)

    assert target.read_bytes() == b"old"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        files.write(tmp_path / "no" / "a", b"", force=False)
