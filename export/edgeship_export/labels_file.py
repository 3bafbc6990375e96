"""Labels files: the names of a model's outputs, in the forms that people and tools write them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from edgeship_runtime.errors import AdoptError
from edgeship_runtime.files import reason

_NUMBERED = re.compile(r"(\d+)\s*[\s:,;]\s*(\S.*)")


def read(path: Path) -> tuple[str, ...]:
    """The labels in output order.

    A line each; or each line with its number before it ("17 hen", in any order, from 0 or 1 on); or JSON: a list, or an object of
    numbers and names, either way round, also as `id2label` of Hugging Face's config.json or with [id, name] as in Keras'
    imagenet_class_index.json.

    Raises:
        AdoptError: the file cannot be read, or is none of these.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise AdoptError(f"{path}: {reason(error)}") from None
    except UnicodeDecodeError:
        raise AdoptError(f"{path} is no text in UTF-8; wanted one label a line") from None
    return distinct(_from_json(path, text) if text.lstrip().startswith(("[", "{")) else parse(text))


def parse(text: str) -> list[str]:
    """The labels of a text with one a line; numbers before them are taken for what they are when all lines have one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    pairs = {int(match[1]): match[2] for match in numbered if match}
    return _in_order(pairs) if len(pairs) == len(lines) and _is_count(pairs) else lines


def distinct(labels: list[str]) -> tuple[str, ...]:
    """The labels, those that occur twice told apart by their place: ImageNet has two cranes, a bird and a machine."""
    counts = Counter(labels)
    return tuple(f"{label} ({index})" if counts[label] > 1 else label for index, label in enumerate(labels))


def _from_json(path: Path, text: str) -> list[str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AdoptError(f"{path} is no JSON: {error}") from None
    if isinstance(value, dict) and isinstance(value.get("id2label"), dict):
        value = value["id2label"]
    if isinstance(value, dict):
        value = {key: _name(item) for key, item in value.items()}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [item.strip() for item in value]
    if isinstance(value, dict) and all(isinstance(item, str) and key.isdecimal() for key, item in value.items()):
        pairs = {int(key): item.strip() for key, item in value.items()}
    elif isinstance(value, dict) and all(type(item) is int for item in value.values()):
        pairs = {item: key.strip() for key, item in value.items()}
    else:
        pairs = {}
    if not pairs or not _is_count(pairs):
        raise AdoptError(f'{path}: wanted ["cat", "dog"], {{"0": "cat", "1": "dog"}} or {{"cat": 0, "dog": 1}}')
    return _in_order(pairs)


def _name(item: object) -> object:
    """The name of [id, name]; anything else as it is."""
    return item[-1] if isinstance(item, list) and item and all(isinstance(part, str) for part in item) else item


def _is_count(pairs: dict[int, str]) -> bool:
    """Whether the numbers run from 0 or 1 without a gap."""
    return sorted(pairs) in (list(range(len(pairs))), list(range(1, len(pairs) + 1)))


def _in_order(pairs: dict[int, str]) -> list[str]:
    return [pairs[number] for number in sorted(pairs)]
