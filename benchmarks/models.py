"""The models that the scripts here measure, made once below build/bench: digits, and MobileNetV2 1.0@224 for photos of clothes.

MobileNetV2 is trained for one epoch, which fits its last layer alone (two minutes on two free cores, ../shared/data is needed).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
DATA = Path(os.environ.get("EDGESHIP_DATA", HERE.parents[1] / "shared" / "data"))
CLOTHING = DATA / "clothing"
WEIGHTS = DATA / "mobilenet_v2/keras_home/models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
EDGESHIP = Path(sys.executable).with_name("edgeship")
FILES = {
    "int8.tflite": ("--format", "tflite", "--quantize", "int8"),
    "float32.tflite": ("--format", "tflite"),
    "float32.onnx": ("--format", "onnx"),
}


def digits(suffix: str) -> Path:
    """The digits classifier, as one of FILES."""
    return _exported(_trained("digits", "digits"), suffix)


def clothing(suffix: str) -> Path:
    """MobileNetV2 for ten kinds of clothes, as one of FILES; exits where its weights and photos are not there."""
    for path in (CLOTHING, WEIGHTS):
        if not path.exists():
            sys.exit(f"{path} is not there; name the folder of the data with EDGESHIP_DATA")
    options = ("--arch", "mobilenet_v2", "--weights", str(WEIGHTS), "--epochs", "1")
    return _exported(_trained("clothes", str(CLOTHING), *options), suffix)


def _trained(name: str, data: str, *options: str) -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"{name}.keras"
    if not path.exists():
        subprocess.run([EDGESHIP, "train", data, "--out", path, *options], check=True)
    return path


def _exported(trained: Path, suffix: str) -> Path:
    path = trained.with_suffix(f".{suffix}")
    if not path.exists():
        subprocess.run([EDGESHIP, "export", trained, *FILES[suffix], "--out", path], check=True)
    return path
