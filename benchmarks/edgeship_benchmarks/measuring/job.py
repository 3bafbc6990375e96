"""Job: what one process is to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Job:
    """One configuration of one model.

    Attributes:
        task: "time" it, or "answer" for every input.
        model: path of the model file.
        engine: name, or "auto".
        threads: for one inference.
        batch: pictures in one inference.
        inputs: path of a .npy with model inputs, uint8 N×H×W×C.
        pictures: paths of encoded pictures to take from end to end; used by "time".
        seconds: of timing; used by "time".
    """

    task: Literal["time", "answer"]
    model: str
    engine: str
    threads: int
    batch: int
    inputs: str
    pictures: tuple[str, ...] = ()
    seconds: float = 0.0
