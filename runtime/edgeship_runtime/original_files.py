"""Original files: MNIST's idx and CIFAR-10's Python batches, as their authors publish them."""

from __future__ import annotations

import gzip
import io
import math
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeship_runtime.errors import DataError
from edgeship_runtime.files import reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IDX_PREFIX = {"train": "train", "test": "t10k"}
_IDX_UINT8 = 8
_CIFAR_FILES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}


def read_idx(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures N×28×28 and labels from idx files, gzipped or not (https://yann.lecun.org/exdb/mnist).

    Raises:
        DataError: a file is missing, damaged, or of another kind.
    """
    prefix = _IDX_PREFIX[part]
    pixels = _idx(_found(folder, f"{prefix}-images-idx3-ubyte", f"{prefix}-images.idx3-ubyte"), 3)
    targets = _idx(_found(folder, f"{prefix}-labels-idx1-ubyte", f"{prefix}-labels.idx1-ubyte"), 1)
    if len(pixels) != len(targets):
        raise DataError(f"{folder}: {len(pixels):,} pictures but {len(targets):,} labels in the {part} files")
    if not pixels.size:
        raise DataError(f"{folder}: no pictures in the {part} files: {' × '.join(map(str, pixels.shape))} pixels")
    return pixels, targets.astype(np.int64)


def read_cifar10(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures N×32×32×3 and labels from the "CIFAR-10 python version" (https://www.cs.toronto.edu/~kriz/cifar.html).

    Raises:
        DataError: a batch is missing, damaged, or holds anything but arrays and lists.
    """
    if (folder / "cifar-10-batches-py").is_dir():
        folder = folder / "cifar-10-batches-py"
    batches = [_batch(_found(folder, name)) for name in _CIFAR_FILES[part]]
    pixels = np.concatenate([data for data, _ in batches]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pixels), np.concatenate([targets for _, targets in batches])


def _found(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise DataError(f"{folder}: there is no {names[0]} (or {names[0]}.gz) in it; wanted the set's original files")


def _idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    data = _bytes(path)
    head = 4 + 4 * dimensions
    if len(data) < head or data[:4] != bytes((0, 0, _IDX_UINT8, dimensions)):
        raise DataError(f"{path} is no idx file of {dimensions} dimensions; it begins with {data[:4]!r}")
    shape = tuple(int(side) for side in np.frombuffer(data, ">u4", dimensions, 4))
    if len(data) != head + math.prod(shape):
        raise DataError(f"{path} is truncated: {len(data):,} bytes for {' × '.join(map(str, shape))}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is truncated"
        raise DataError(f"{path}: {why}") from None
    except Exception as error:  # zlib.error has no public base class
        raise DataError(f"{path}: {error}") from None


class _ArraysOnly(pickle.Unpickler):
    """The batches are pickles; a pickle can run any code, so only what arrays are made of is let in."""

    _ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype", "encode"})

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if name in self._ALLOWED and module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "_codecs"):
            if module == "numpy.core.multiarray":  # the name of NumPy 1, which 2 warns of
                module = "numpy._core.multiarray" if int(np.__version__.split(".")[0]) >= 2 else module
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it wants {module}.{name}")


def _batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        batch = _ArraysOnly(io.BytesIO(_bytes(path)), encoding="bytes").load()
        pixels, targets = np.asarray(batch[b"data"]), np.asarray(batch[b"labels"], np.int64)
        pixels = pixels.reshape(len(targets), 3072)
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{path} is no CIFAR-10 batch: there is no {error} in it") from None
    except Exception as error:  # a damaged pickle raises whatever it hits
        raise DataError(f"{path} is no CIFAR-10 batch: {error}") from None
    if pixels.dtype != np.uint8:
        raise DataError(f"{path} is no CIFAR-10 batch: its pictures are {pixels.dtype}; wanted uint8")
    return pixels, targets
