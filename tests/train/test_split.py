"""A split is decided by content: the same anywhere, stratified, and without a picture in two parts."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edgeship_train.split import split

DIGESTS = st.lists(st.text("0123456789abcdef", min_size=4, max_size=4), max_size=40)
MEMBERS = st.dictionaries(st.sampled_from("abcd"), DIGESTS, min_size=1)


@given(MEMBERS, st.integers(0, 5))
def test_every_picture_has_one_part_whatever_the_order(members: dict[str, list[str]], seed: int) -> None:
    chosen = split(members, seed)

    assert set(chosen) == {digest for digests in members.values() for digest in digests}
    assert split({label: digests[::-1] for label, digests in reversed(members.items())}, seed) == chosen


@given(st.integers(1, 200))
def test_a_label_is_split_eighty_ten_ten_and_training_comes_first(count: int) -> None:
    counts = Counter(split({"a": [f"{number:04x}" for number in range(count)]}, 0).values())

    assert counts["train"] >= 1
    assert counts["validation"] == (max(1, round(count / 10)) if count > 1 else 0)
    assert counts["test"] == (max(1, round(count / 10)) if count > 2 else 0)


def test_another_seed_is_another_split() -> None:
    members = {"a": [f"{number:04x}" for number in range(100)]}

    assert split(members, 0) != split(members, 1)
