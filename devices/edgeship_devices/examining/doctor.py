"""Doctor: every check, in the order in which things must be mended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeship_devices.board import facts
from edgeship_devices.examining import hardware, software
from edgeship_devices.examining.finding import Finding
from edgeship_runtime.machine import cpu
from edgeship_runtime.record import Json, to_json


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Attributes:
        machine: what it is, for people.
        findings: see Finding.
    """

    machine: str
    findings: tuple[Finding, ...]

    @property
    def runs(self) -> bool:
        """Whether edgeship classifies here."""
        return all(finding.level != "error" for finding in self.findings)

    def to_json(self) -> Json:
        """What `edgeship devices doctor --json` prints."""
        return {"machine": self.machine, "runs": self.runs, "findings": to_json(self.findings)}


def examine(root: Path = facts.ROOT) -> Diagnosis:
    """Examines this machine.

    Args:
        root: of /proc, /sys and /dev.
    """
    system = facts.os_release(root).get("pretty_name", "an unknown system")
    findings = (
        *software.python(),
        *software.numpy(),
        *software.engines(),
        *hardware.cameras(root),
        *hardware.heat(root),
        *hardware.memory(root),
        *hardware.disk(),
        *hardware.clock(),
    )
    return Diagnosis(f"{facts.model(root) or cpu()}, {system}", findings)
