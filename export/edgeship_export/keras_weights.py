"""The weights in a .keras, by layer. Read with h5py, which comes with Keras; a bare device has none and goes without."""

from __future__ import annotations

import io

from edgeship_runtime.errors import DamagedError


def sizes(data: bytes) -> dict[str, dict[str, int]]:
    """Layer name → type → bytes, of model.weights.h5; empty without h5py.

    Raises:
        DamagedError: it is no HDF5.
    """
    try:
        import h5py
    except ImportError:
        return {}
    found: dict[str, dict[str, int]] = {}

    def visit(_path: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            name = _text(item.parent.attrs.get("name")) or item.parent.name.split("/")[-2]
            own = found.setdefault(name, {})
            own[item.dtype.name] = own.get(item.dtype.name, 0) + int(item.nbytes)

    try:
        with h5py.File(io.BytesIO(data)) as file:
            file.visititems(visit)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise DamagedError(f"its weights cannot be read ({str(error).splitlines()[0]})") from None
    return found


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name or "")
