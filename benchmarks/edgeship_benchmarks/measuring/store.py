"""Store: a folder of files named by the SHA-256 of their content, so that each travels once and is known wherever it lies."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from edgeship_benchmarks.measuring.plan import PlannedModel, PlannedPicture
from edgeship_runtime.errors import OutputError
from edgeship_runtime.files import reason, sha256


@dataclass(frozen=True)
class Store:
    """The folder."""

    folder: Path

    def add(self, data: bytes, suffix: str = "") -> str:
        """Writes a file and returns its SHA-256.

        Raises:
            OutputError: there is no room for it.
        """
        name = sha256(data)
        path = self.folder / f"{name}{suffix}"
        if not path.exists():
            try:
                path.write_bytes(data)
            except OSError as error:
                raise OutputError(f"{path}: {reason(error, len(data))}; TMPDIR names another folder") from None
        return name

    def link(self, path: Path, digest: str, suffix: str = "") -> None:
        """Takes in a file of this machine, whose SHA-256 is known, without copying it."""
        with contextlib.suppress(FileExistsError):
            (self.folder / f"{digest}{suffix}").symlink_to(path.resolve())

    def model(self, model: PlannedModel) -> Path:
        """Where a model lies."""
        return self.folder / f"{model.sha256}{model.suffix}"

    def picture(self, picture: PlannedPicture) -> Path:
        """Where a picture lies."""
        return self.folder / picture.sha256
