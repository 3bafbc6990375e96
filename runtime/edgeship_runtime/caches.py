"""Caches: where what can be made again lies, so that it need not be."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """$EDGESHIP_CACHE, or edgeship below $XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("EDGESHIP_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else base / "edgeship"
