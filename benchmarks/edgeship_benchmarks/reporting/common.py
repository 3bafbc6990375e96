"""Common: what two reports share, and what of them compares therefore."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.reporting.report import Data, Report


def objections(old: Report, new: Report) -> list[str]:
    """Why two reports should not be compared."""
    found = []
    apart = old.environment.apart_from(new.environment)
    if apart:
        found.append(f"they were measured on different machines ({apart})")
    if old.data.sha256 != new.data.sha256:
        found.append(_pictures(old.data, new.data))
    return found


def _pictures(old: Data, new: Data) -> str:
    if [one.sha256 for one in old.pictures] == [one.sha256 for one in new.pictures]:
        return "their pictures are the same, with other labels"
    counts = f"{old.samples:,} of {old.name}, {new.samples:,} of {new.name}"
    return f"they were measured on different pictures ({counts})"


@dataclass(frozen=True)
class Here:
    """Whether latencies compare: on one machine they are judged, with one reference the machine's drift is taken out."""

    one_machine: bool
    one_reference: bool

    @classmethod
    def of(cls, old: Report, new: Report) -> Here:
        """For two reports."""
        one_machine = not old.environment.apart_from(new.environment)
        return cls(one_machine, old.reference.kernel == new.reference.kernel)

    @property
    def drift(self) -> bool:
        """Whether it can be taken out."""
        return self.one_machine and self.one_reference

    @property
    def notes(self) -> list[str]:
        """What a reader has to know."""
        if not self.one_machine:
            return ["latencies of different machines: how they differ is stated, not judged"]
        if not self.one_reference:
            return ["latencies are compared as they came, drift of the machine included: no common reference"]
        return []


@dataclass(frozen=True)
class Common:
    """The pictures of two reports that are the same, in content and label, as indices of each; none without any.

    Attributes:
        old, new: the data.
        in_old, in_new: the same pictures of the two, in the same order.
    """

    old: Data
    new: Data
    in_old: NDArray[np.int64]
    in_new: NDArray[np.int64]

    @classmethod
    def of(cls, old: Data, new: Data) -> Common:
        """Of two sets of pictures."""
        if old.sha256 == new.sha256:
            every = np.arange(old.samples)
            return cls(old, new, every, every)
        places = {key: place for place, key in enumerate(_keys(new))}
        both = [(place, places[key]) for place, key in enumerate(_keys(old)) if key in places]
        in_old, in_new = np.array(both, np.int64).reshape(-1, 2).T
        return cls(old, new, in_old, in_new)

    @property
    def paired(self) -> bool:
        """Whether there are any."""
        return len(self.in_old) > 0

    @property
    def notes(self) -> list[str]:
        """What a reader has to know."""
        if self.old.sha256 == self.new.sha256:
            return []
        if self.paired:
            return [f"answers are compared on the {len(self.in_old):,} pictures that both reports have"]
        return ["no picture is in both reports: accuracies are compared as of different pictures"]


def _keys(data: Data) -> list[tuple[str, str]]:
    labels = [data.labels[target] for target in data.targets] or [""] * data.samples
    return [(picture.sha256, label) for picture, label in zip(data.pictures, labels, strict=True)]


def installed(old: Report, new: Report) -> list[str]:
    """What else is different, and may be the reason."""
    before, after = ({**one.environment.packages, **_named(one)} for one in (old, new))
    changed = [
        f"{name} {before.get(name) or 'none'} → {after.get(name) or 'none'}"
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]
    return [f"not the same between them: {', '.join(changed)}"] if changed else []


def _named(report: Report) -> dict[str, str | None]:
    where, meant_for = report.environment, report.device
    return {
        "Python": where.python,
        "system": where.system,
        "governor": where.governor,
        "device": meant_for.name if meant_for else None,
    }
