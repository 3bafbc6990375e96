"""Decoded pictures are kept by content and preprocessing; a cache that was interrupted or damaged never lies."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeship_runtime import machine
from edgeship_runtime.data import open_data
from edgeship_runtime.files import cache_home
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_train.dataset import Dataset, read_dataset
from making import Run, paint

SMALL = Preprocessing(16, 16)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGESHIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def rows_file(folder: Path, name: str) -> Path:
    (found,) = folder.glob(f"*/{name}")
    return found


def same(one: Dataset, other: Dataset) -> bool:
    return all(np.array_equal(one.parts[name].pixels[:], other.parts[name].pixels[:]) for name in one.parts)


def test_pictures_are_decoded_once_whatever_they_are_called(painted: Path, tmp_path: Path) -> None:
    first = read_dataset(open_data(str(painted)), SMALL, 0)
    moved = str(painted.rename(tmp_path / "elsewhere"))
    again = read_dataset(open_data(moved), SMALL, 0)
    plain = read_dataset(open_data(moved), SMALL, 0, cached=False)

    assert (first.decoded, again.decoded) == (36, 0)
    assert same(first, again)
    assert same(first, plain)
    assert again.sha256 == plain.sha256


def test_another_preprocessing_is_another_cache(painted: Path) -> None:
    read_dataset(open_data(str(painted)), SMALL, 0)

    assert read_dataset(open_data(str(painted)), Preprocessing(16, 16, fit="crop"), 0).decoded == 36
    assert read_dataset(open_data(str(painted)), Preprocessing(16, 16, "grey"), 0).decoded == 36


def test_a_new_picture_is_the_only_one_decoded(painted: Path) -> None:
    read_dataset(open_data(str(painted)), SMALL, 0)
    paint(painted, {"red": 14}, seed=9)  # twelve others under the old names, and two more

    assert read_dataset(open_data(str(painted)), SMALL, 0).decoded == 14


def test_a_damaged_row_is_decoded_again(painted: Path, own_cache: Path) -> None:
    read_dataset(open_data(str(painted)), SMALL, 0)
    path = rows_file(own_cache, "pixels")
    data = bytearray(path.read_bytes())
    data[5 * 768 + 100] ^= 1
    path.write_bytes(data)

    mended = read_dataset(open_data(str(painted)), SMALL, 0)

    assert mended.decoded == 1
    assert same(mended, read_dataset(open_data(str(painted)), SMALL, 0, cached=False))
    assert read_dataset(open_data(str(painted)), SMALL, 0).decoded == 0


@pytest.mark.parametrize(("name", "rest"), [("pixels", 768 * 10 + 5), ("index", 36 * 10 + 5), ("index", 0)])
def test_an_interrupted_build_goes_on_where_it_stopped(painted: Path, own_cache: Path, name: str, rest: int) -> None:
    whole = read_dataset(open_data(str(painted)), SMALL, 0)
    os.truncate(rows_file(own_cache, name), rest)

    mended = read_dataset(open_data(str(painted)), SMALL, 0)

    assert mended.decoded == (36 if rest == 0 else 26)
    assert same(whole, mended)


def test_a_build_that_is_killed_leaves_a_cache_that_is_right(tmp_path: Path, own_cache: Path) -> None:
    """SIGKILL in the middle of decoding; small flushes make it likely that some rows are there."""
    folder = paint(tmp_path / "many", {"red": 60, "green": 60}, size=(300, 300))
    code = (
        "import os, signal, sys; from edgeship_train import cache, dataset\n"
        "from edgeship_runtime.data import open_data; from edgeship_runtime.preprocessing import Preprocessing\n"
        "cache._FLUSH_BYTES = 768 * 10; seen = []\n"
        "def watch(pictures):\n"
        "    for picture in pictures:\n"
        "        seen.append(picture)\n"
        "        if len(seen) == 90: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        yield picture\n"
        "dataset.read_dataset(open_data(sys.argv[1]), Preprocessing(16, 16), 0, watch)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert done.returncode == -9

    mended = read_dataset(open_data(str(folder)), SMALL, 0)

    assert 0 < mended.decoded < 120
    assert same(mended, read_dataset(open_data(str(folder)), SMALL, 0, cached=False))


def test_a_full_disk_says_what_to_do(painted: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounting a small file system takes root and unshare")
    small = tmp_path / "small"
    small.mkdir()
    code = (
        "import sys; from edgeship_train.dataset import read_dataset; from edgeship_runtime.data import open_data\n"
        "from edgeship_runtime.preprocessing import Preprocessing; from edgeship_runtime.errors import DataError\n"
        "try: read_dataset(open_data(sys.argv[1]), Preprocessing(64, 64), 0)\n"
        "except DataError as error: print(error)\n"
    )
    command = (
        f"mount -t tmpfs -o size=100k tmpfs {small} && EDGESHIP_CACHE={small} {sys.executable} -c '{code}' {painted}"
    )
    done = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True, check=False)
    if "mount" in done.stderr and "permission" in done.stderr.lower():
        pytest.skip("this system does not allow mounting")

    assert "the disk is full" in done.stdout
    assert "--no-cache" in done.stdout


def test_what_nothing_used_for_a_month_goes(painted: Path, own_cache: Path) -> None:
    read_dataset(open_data(str(painted)), SMALL, 0)
    old = rows_file(own_cache, "index")
    os.utime(old, (0, 0))

    read_dataset(open_data(str(painted)), Preprocessing(8, 8), 0)

    assert not old.exists()
    assert cache_home() == own_cache


def test_no_cache_writes_none(run: Run, painted: Path, tmp_path: Path, own_cache: Path) -> None:
    options = ["--epochs", 1, "--size", 16, "--no-cache"]

    assert run("train", painted, "--out", tmp_path / "m.keras", *options).code == 0
    assert not own_cache.exists()


def test_a_set_larger_than_memory_needs_the_cache(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda: 1_000_000)
    options = ["--size", 100, "--no-cache"]

    line = run("train", painted, "--out", tmp_path / "m.keras", *options).one_line_error()

    assert "its 36 pictures take 0.00216 GB of memory, 0.001 GB are free" in line
    assert "leave --no-cache out" in line


def test_a_set_larger_than_memory_may_hold_is_trained_on(tmp_path: Path) -> None:
    """300 pictures of 256×256: 59 MB of pixels, in a process that may hold 24 MB more than it takes to start."""
    folder = paint(tmp_path / "large", {"red": 150, "green": 150}, size=(64, 64))
    code = (
        "import sys, resource; from edgeship_train import cache, dataset, pixels\n"
        "from edgeship_runtime.data import open_data; from edgeship_runtime.preprocessing import Preprocessing\n"
        "import numpy as np; cache._FLUSH_BYTES = pixels._GIVE_BACK_BYTES = 4 << 20\n"
        "data = open_data(sys.argv[1]); dataset.read_dataset(open_data('digits'), Preprocessing(8, 8, 'grey'), 0)\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); part = dataset.read_dataset(data, Preprocessing(256, 256), 0).parts['train']\n"
        "for epoch in range(2):\n"
        "    order = np.random.default_rng(epoch).permutation(len(part))\n"
        "    for at in range(0, len(part), 8): part.pixels[order[at:at + 8]].sum()\n"
        "print(part.pixels.nbytes // 1024, peak() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)

    size_kb, grown_kb = map(int, done.stdout.split())
    assert size_kb > 40_000
    assert grown_kb < 24_000, grown_kb
