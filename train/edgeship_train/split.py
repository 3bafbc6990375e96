"""Split: which picture serves what. Decided by content, so that it is the same tomorrow, elsewhere, and after a rename."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping

Part = str  # "train", "validation" or "test"
VALIDATION_FRACTION = TEST_FRACTION = 0.1


def split(
    members: Mapping[str, Iterable[str]],
    seed: int,
    parts: tuple[Part, ...] = ("test", "validation", "train"),
    trained: Container[str] = (),
) -> dict[str, Part]:
    """Distributes pictures over parts, label by label.

    Args:
        members: label → content digests of its pictures.
        seed: another seed, another split.
        parts: which there are to be; "train" is one of them and takes what the others leave.
        trained: digests of pictures that were trained on before, and so stay in train; the others come before them elsewhere.

    Returns:
        Digest → part. A picture that occurs twice, under one label or under two, has one digest and so one part.
    """
    chosen: dict[str, Part] = {}
    for label in sorted(members):
        fresh = sorted(
            set(members[label]) - set(chosen), key=lambda digest: (digest not in trained, rank(digest, seed))
        )
        counts = _counts(len(fresh), parts)
        for part in parts:
            for _ in range(counts[part]):
                digest = fresh.pop()
                chosen[digest] = "train" if digest in trained else part
    return chosen


def rank(digest: str, seed: int) -> bytes:
    """A picture's place in the shuffled order of its label."""
    return hashlib.sha256(f"{seed}:{digest}".encode()).digest()


def _counts(total: int, parts: tuple[Part, ...]) -> dict[Part, int]:
    """Pictures of one label in each part: a tenth each, at least one where there are enough, and training first."""
    counts: dict[Part, int] = defaultdict(int)
    spare = total - 1  # the one that training keeps in any case
    for part, fraction in (("validation", VALIDATION_FRACTION), ("test", TEST_FRACTION)):
        if part in parts:
            counts[part] = min(spare, max(1, round(total * fraction))) if spare > 0 else 0
            spare -= counts[part]
    counts["train"] = total - counts["validation"] - counts["test"]
    return counts
