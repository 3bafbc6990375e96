"""The figures that can be measured on this machine: preprocessing.py, then cold_start.py for each model.

What they need is made first, once, and only below build/bench: the digits classifier as int8 with a digit to answer and, where
../shared/data is there, an int8 MobileNetV2 1.0@224 (trained for an epoch on a few photos: its speed is wanted, not its answers).
Eight minutes the first time on two free cores, four afterwards; more where they are shared.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
DATA = Path(os.environ.get("EDGESHIP_DATA", HERE.parents[1] / "shared" / "data"))
WEIGHTS = DATA / "mobilenet_v2/keras_home/models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
EDGESHIP = Path(sys.executable).with_name("edgeship")


def main() -> int:
    BUILD.mkdir(parents=True, exist_ok=True)
    models = list(prepared())
    codes = [measured("preprocessing.py")]
    codes += [measured("cold_start.py", model, picture) for model, picture in models]
    return max(codes)


def measured(script: str, *arguments: Path) -> int:
    print(f"\n== {script}", flush=True)
    return subprocess.run([sys.executable, HERE / script, *arguments], check=False).returncode


def prepared() -> Iterator[tuple[Path, Path]]:
    """Int8 models, each with a picture for it."""
    digit = BUILD / "0/0.png"
    if not digit.exists():
        subprocess.run([sys.executable, HERE.parent / "docs/demo/pictures.py", BUILD], check=True)
    yield int8("digits", "digits"), digit
    if WEIGHTS.exists():
        options = ["--arch", "mobilenet_v2", "--weights", str(WEIGHTS), "--epochs", "1"]
        yield int8("mobilenet", str(DATA / "clothing/test"), *options), DATA / "images_small/cat_720p.jpg"


def int8(name: str, data: str, *options: str) -> Path:
    """Trained and exported, unless that was done before."""
    trained, exported = BUILD / f"{name}.keras", BUILD / f"{name}.int8.tflite"
    if not trained.exists():
        subprocess.run([EDGESHIP, "train", data, "--out", trained, *options], check=True)
    if not exported.exists():
        subprocess.run([EDGESHIP, "export", trained, "--format", "tflite", "--quantize", "int8"], check=True)
    return exported


if __name__ == "__main__":
    sys.exit(main())
