"""Trial: the time between a switch and the new service's first answer.

A switch whose deploy died before it saw that answer is undone by whoever comes next: the service as it starts, or the next one that
takes the lock. So what the workstation reads when the connection is lost stays true: the board goes on with what it ran.

    models/flowers/trial      the number of the generation to go back to
"""

from __future__ import annotations

from edgeship_devices.board import slots
from edgeship_devices.board.facts import data_home


def begin(name: str, before: int) -> None:
    """Before the switch."""
    slots.write(slots.folder(name) / "trial", str(before).encode())


def end(name: str) -> None:
    """The service is well, or the switch was undone."""
    (slots.folder(name) / "trial").unlink()
    slots.sync(slots.folder(name))


def names() -> list[str]:
    """Those that are on trial."""
    return sorted(path.parent.name for path in (data_home() / "models").glob("*/trial"))


def undo(name: str) -> bool:
    """Goes back to what ran before the trial, if there is one. Only under the lock: the deploy that began it is dead then.

    Returns:
        Whether another file is the current one now.
    """
    try:
        before = int((slots.folder(name) / "trial").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    changes = slots.generation(name) != before
    if changes:
        slots.withdraw(name, before)
    end(name)
    return changes
