"""MNIST and CIFAR-10 are read from the files their authors publish, and nothing in a file is executed."""

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from edgeship_runtime.data import open_data
from edgeship_runtime.errors import DataError


def write_mnist(folder: Path, *, zipped: bool) -> Path:
    folder.mkdir()
    for prefix, count in (("train", 20), ("t10k", 10)):
        pixels = np.arange(count * 784, dtype=np.uint32).astype(np.uint8)
        targets = np.arange(count).astype(np.uint8) % 10
        for name, data in (
            (f"{prefix}-images-idx3-ubyte", struct.pack(">4B3i", 0, 0, 8, 3, count, 28, 28) + pixels.tobytes()),
            (f"{prefix}-labels-idx1-ubyte", struct.pack(">4Bi", 0, 0, 8, 1, count) + targets.tobytes()),
        ):
            path = folder / (f"{name}.gz" if zipped else name)
            path.write_bytes(gzip.compress(data) if zipped else data)
    return folder


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_are_read_zipped_or_not(tmp_path: Path, name: str, zipped: bool) -> None:
    data = open_data(f"{name}:{write_mnist(tmp_path / 'd', zipped=zipped)}")

    assert {part: len(pictures) for part, pictures in data.parts.items()} == {"train": 20, "test": 10}
    assert len(data.labels) == 10
    first = data.parts["train"][1]
    assert first.label == data.labels[1]
    assert np.array_equal(first.read(), np.arange(784, 2 * 784, dtype=np.uint32).astype(np.uint8).reshape(28, 28))


def test_a_truncated_idx_file_is_one_line(tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "d", zipped=False)
    path = folder / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-5])

    with pytest.raises(DataError, match="is truncated"):
        open_data(f"mnist:{folder}")


def test_a_truncated_gzip_is_one_line(tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "d", zipped=True)
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(DataError, match=str(path)):
        open_data(f"mnist:{folder}")


def idx(*shape: int) -> bytes:
    """A file of zeros; a side may be anything that 32 bits hold."""
    return struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape) + bytes(20 * 28 * 28 if all(shape) else 0)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (idx(0, 28, 28), "20 labels"),
        (idx(20, 0, 0), "no pictures in the train files: 20 × 0 × 0 pixels"),
        (idx(2**32 - 20, 2**32 - 28, 28), "is truncated"),
        (idx(20), "is no idx file of 3 dimensions"),
    ],
)
def test_sides_that_cannot_be_are_one_line(tmp_path: Path, images: bytes, words: str) -> None:
    folder = write_mnist(tmp_path / "d", zipped=False)
    (folder / "train-images-idx3-ubyte").write_bytes(images)

    with pytest.raises(DataError, match=words):
        open_data(f"mnist:{folder}")


def test_a_set_without_pictures_is_one_line(tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "d", zipped=False)
    (folder / "train-images-idx3-ubyte").write_bytes(idx(0, 28, 28))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(0))

    with pytest.raises(DataError, match="no pictures in the train files"):
        open_data(f"mnist:{folder}")


def test_labels_of_another_set_are_one_line(tmp_path: Path) -> None:
    """EMNIST's letters are kept in the same format."""
    folder = write_mnist(tmp_path / "d", zipped=False)
    path = folder / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x19")

    with pytest.raises(DataError, match="a label of the test files is 25; this set's are 0 to 9"):
        open_data(f"mnist:{folder}")


def test_a_folder_without_the_files_names_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no train-images-idx3-ubyte"):
        open_data(f"mnist:{tmp_path}")


def write_cifar(folder: Path) -> Path:
    folder.mkdir()
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        pixels = np.full((10, 3072), number, np.uint8)
        pixels[:, :1024] = 200  # the red plane comes first
        (folder / name).write_bytes(pickle.dumps({b"data": pixels, b"labels": list(range(10))}, protocol=2))
    return folder


def test_cifar_batches_are_read_as_rgb(tmp_path: Path) -> None:
    data = open_data(f"cifar10:{write_cifar(tmp_path / 'd')}")

    assert {part: len(pictures) for part, pictures in data.parts.items()} == {"train": 50, "test": 10}
    picture = data.parts["test"][3]
    assert picture.label == "cat"
    pixels = picture.read()
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == (32, 32, 3)
    assert pixels[0, 0].tolist() == [200, 5, 5]


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch executed",)


def test_a_batch_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_cifar(tmp_path / "d")
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": Attack(), b"labels": []}))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DataError, match=r"no CIFAR-10 batch: it wants \w+\.system"):
        open_data(f"cifar10:{folder}")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({b"labels": [-1] * 10}, "a label of the test files is -1; this set's are 0 to 9"),
        ({b"data": np.full((10, 3072), 0.5)}, "its pictures are float64; wanted uint8"),
        ({b"data": np.zeros((10, 3071), np.uint8)}, "no CIFAR-10 batch"),
    ],
)
def test_a_batch_of_another_kind_is_one_line(tmp_path: Path, changed: dict[bytes, object], words: str) -> None:
    folder = write_cifar(tmp_path / "d")
    batch = {b"data": np.zeros((10, 3072), np.uint8), b"labels": list(range(10))}
    (folder / "test_batch").write_bytes(pickle.dumps(batch | changed))

    with pytest.raises(DataError, match=words):
        open_data(f"cifar10:{folder}")


def test_batches_of_cifar100_say_what_is_not_there(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path / "d")
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": np.zeros((10, 3072), np.uint8), b"fine_labels": []}))

    with pytest.raises(DataError, match="there is no b'labels' in it"):
        open_data(f"cifar10:{folder}")


def test_the_real_mnist_is_all_there(shared_data: Path) -> None:
    data = open_data(f"mnist:{shared_data / 'mnist'}")

    assert {part: len(pictures) for part, pictures in data.parts.items()} == {"train": 60_000, "test": 10_000}
    assert data.parts["test"][0].label == "7"
