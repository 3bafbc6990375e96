"""The figures that can be measured on this machine: preprocessing.py, cold_start.py, parts of benchmarking.py, runtime, peers.

What they need is made first, once, and only below build/bench: see models.py. Without ../shared/data there is only cold_start.py with
the digits classifier. Half an hour on two free cores, the first time ten more; more where they are shared. What takes longer is
run by its name: training.py, and benchmarking.py's aa and slowdown.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import models

PHOTO = models.DATA / "images_small/cat_720p.jpg"


def main() -> int:
    digit = models.BUILD / "0/0.png"
    if not digit.exists():
        subprocess.run([sys.executable, models.HERE.parent / "docs/demo/pictures.py", models.BUILD], check=True)
    codes = [measured("cold_start.py", models.digits("int8.tflite"), digit)]
    if models.DATA.is_dir():
        codes.append(measured("preprocessing.py"))
        codes.append(measured("cold_start.py", models.clothing("int8.tflite"), PHOTO))
        codes.append(measured("benchmarking.py", "accuracy", "memory", "litert", "duration"))
        codes.append(measured("runtime", models.clothing("int8.tflite")))
        codes.append(measured("peers"))
    return max(codes)


def measured(script: str, *arguments: str | Path) -> int:
    print(f"\n== {script}", flush=True)
    return subprocess.run([sys.executable, models.HERE / script, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
