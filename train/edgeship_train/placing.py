"""Placing: each picture in its part, and each content once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from edgeship_runtime.digests import Digests
from edgeship_runtime.labelled import LabelledPicture
from edgeship_train.cache import Cache, Memory
from edgeship_train.rehearsal import fingerprints
from edgeship_train.split import split

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Item:
    """A readable picture, whose pixels lie in the store."""

    picture: LabelledPicture
    digest: str


def place(readable: Mapping[str, list[Item]], seed: int, trained: Digests) -> tuple[dict[str, list[Item]], str]:
    """Every picture in its part, and the rule by which.

    Args:
        readable: pictures by the part that they came in: "all", or "train" and others.
        seed: of the split.
        trained: what the model that goes on was trained on, which stays in train.
    """
    if "all" in readable:
        return _split_up(readable["all"], seed, ("test", "validation", "train"), trained), "content-hash"
    placed: dict[str, list[Item]] = defaultdict(list)
    for name, items in readable.items():
        for item in items:
            placed["train" if item.digest in trained else name].append(item)
    if "validation" not in readable:
        placed.update(_split_up(placed["train"], seed, ("validation", "train"), trained))
    return placed, "given"


def absent(
    rehearsed: Mapping[str, list[Item]], readable: Mapping[str, list[Item]], store: Cache | Memory
) -> dict[str, list[Item]]:
    """The carried pictures that the data does not have: there, a picture has the label and the part that it has now."""
    if not any(rehearsed.values()):
        return {}
    there = set(fingerprints(store.pixels([item.digest for items in readable.values() for item in items])))
    return {
        name: [
            item
            for item, mark in zip(items, fingerprints(store.pixels([one.digest for one in items])), strict=True)
            if mark not in there
        ]
        for name, items in rehearsed.items()
    }


def without_duplicates(
    placed: Mapping[str, list[Item]],
) -> tuple[dict[str, list[Item]], int, tuple[tuple[str, str], ...]]:
    """Each content once, in the latest of its parts: a test picture is never trained on. And what contradicts itself."""
    seen: dict[str, LabelledPicture] = {}
    kept: dict[str, list[Item]] = {}
    contradictions, dropped = [], 0
    for name in reversed(PARTS):
        kept[name] = []
        for item in placed.get(name, []):
            first = seen.setdefault(item.digest, item.picture)
            if first is item.picture:
                kept[name].append(item)
                continue
            dropped += 1
            if first.label != item.picture.label:
                contradictions.append((first.name, item.picture.name))
    return kept, dropped, tuple(contradictions)


def _split_up(items: list[Item], seed: int, parts: tuple[str, ...], trained: Digests) -> dict[str, list[Item]]:
    members: dict[str, list[str]] = defaultdict(list)
    for item in items:
        members[item.picture.label].append(item.digest)
    chosen = split(members, seed, parts, trained)
    placed: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        placed[chosen[item.digest]].append(item)
    return placed
