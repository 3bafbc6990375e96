"""Finding: one thing that is so, and if it is wrong, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        level: "error" where edgeship cannot run; "warning" where it runs worse than it could, or will stop; "note" what may surprise.
        code: of the kind of finding; the same in every release.
        message: for people, one line.
        cure: a command that mends it on this machine; "" where there is nothing to do, or no command for it.
    """

    level: Level
    code: str
    message: str
    cure: str = ""
