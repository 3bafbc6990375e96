"""TOML files that an option names."""

from __future__ import annotations

import tomllib
from pathlib import Path

from edgeship_runtime.errors import DataError
from edgeship_runtime.files import reason


def table(path: Path, flag: str) -> dict[str, object]:
    """The contents of a TOML file that `flag` named.

    Raises:
        DataError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # Windows' editors begin with a mark
    except OSError as error:
        raise DataError(f"{flag} {path}: {reason(error)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{flag} {path} is no TOML file: {error}") from None
