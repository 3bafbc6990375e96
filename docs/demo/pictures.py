"""Writes a few test pictures of the digits set as PNG files, one folder for each label: `python pictures.py FOLDER [PER_LABEL]`."""

import sys
from collections import Counter
from pathlib import Path

from PIL import Image

from edgeship_runtime.data import open_data


def main(folder: Path, per_label: int) -> None:
    written: Counter[str] = Counter()
    for picture in open_data("digits").parts["test"]:
        if written[picture.label] < per_label:
            path = folder / picture.label / f"{written[picture.label]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.read()).save(path)
            written[picture.label] += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2)
