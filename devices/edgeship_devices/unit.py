"""Unit: the systemd service of a deployed name, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeship_runtime.errors import UsageError


@dataclass(frozen=True)
class Unit:
    """A service that runs the current file of a name on sources.

    Attributes:
        name: of what was deployed.
        home: edgeship's folder on the board, absolute.
        arguments: of `edgeship run`, the file left out: sources, --to, …
        memory_mebibytes: what it may take before the kernel ends it and systemd starts it anew.
        watchdog_s: when the loop of `edgeship run` stands still for so long, it is started anew.
    """

    name: str
    home: str
    arguments: tuple[str, ...]
    memory_mebibytes: int = 400
    watchdog_s: int = 60

    def __post_init__(self) -> None:
        """Refuses what no unit file can hold."""
        if not self.arguments:
            raise UsageError("a service needs a SOURCE: camera:0, rtsp://…")
        if any("\n" in argument for argument in self.arguments):
            raise UsageError("a unit file has no line breaks in arguments")
        if self.memory_mebibytes < 1 or self.watchdog_s < 1:
            raise UsageError("--memory and --watchdog are whole numbers above 0")

    def text(self) -> str:
        """The file's contents. Its paths lead through `current`, so that a deploy needs nothing but a restart."""
        current = f"{self.home}/models/{self.name}/current"
        command = (
            f"{current}/environment/bin/python",
            "-P",
            "-m",
            "edgeship_devices.serving",
            self.name,
            *self.arguments,
        )
        return f"""\
# Written by edgeship service install; the next one writes it again.
[Unit]
Description=edgeship {self.name}
# It is started anew for ever: what it needs, a camera, a network, may be back tomorrow.
StartLimitIntervalSec=0

[Service]
Type=notify
# The main process says READY; edgeship run below it says for itself that its loop turns.
NotifyAccess=all
ExecStart={quoted(command)}
Environment=PYTHONUNBUFFERED=1
RuntimeDirectory=edgeship-{self.name}
RuntimeDirectoryMode=0700
Restart=always
RestartSec=15
WatchdogSec={self.watchdog_s}
TimeoutStartSec=180
TimeoutStopSec=20
MemoryMax={self.memory_mebibytes}M

[Install]
WantedBy=default.target
"""


def quoted(arguments: Sequence[str]) -> str:
    """Arguments as systemd.service(5) reads a command line: "%", "$" and quotes lose their meaning."""
    return " ".join(map(_quoted, arguments))


def _quoted(argument: str) -> str:
    text = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    plain = text == argument and argument and not set(argument) & set(" '\t;")
    return text if plain else f'"{text}"'
