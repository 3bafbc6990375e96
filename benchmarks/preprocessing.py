"""What preprocessing costs, and what it does to accuracy.

Three questions, each answered with a table:

speed     How long does a captured 1280×720 frame take to become a 224×224 input, conversions included, against the inference it
          is for: an int8 MobileNetV2 1.0@224 on one thread in LiteRT? Everything runs in this process, pinned to one core. A round
          measures every row once and the inference beside it; a row's figure is the median over the rounds of its ratio to its own
          round's inference, because a shared machine changes its speed between rounds and hardly within one.
decoding  The same for a 12-megapixel JPEG, file to input: decoding at a reduced scale against opening, converting and resizing
          all of it. The median of each pair's ratio.
accuracy  What do a way of resizing, and a mismatch between training and device, do to the answers? A linear probe on frozen
          MobileNetV2 0.50@96 features of the clothing photos: fitted on the train part, measured on the test part. The photos
          have 224 pixels on their shorter side, a camera's many more; so the test photos are measured once more as a camera
          would have taken them: four times as large, saved as JPEG, which is where blocks and scaled decoding come in.

Usage: python benchmarks/preprocessing.py [speed] [decoding] [accuracy]     all three when none is named: about two minutes
The data lies in ../shared/data, or where EDGESHIP_DATA says.
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from edgeship_benchmarks.environment import environment
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_runtime.terminal import native_output_hidden, table
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

DATA = Path(os.environ.get("EDGESHIP_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
MODEL = DATA / "models/coral/tf2_mobilenet_v2_1.0_224_ptq.tflite"
WEIGHTS = DATA / "mobilenet_v2/mobilenet_v2_0.50_96_no_top.weights.h5"
FRAME = DATA / "images_small/cat_720p.jpg"
CLOTHING = DATA / "clothing"

TARGET = 0.55  # of one inference, for a stretched frame
SIDE = 224
ROUNDS, JPEG_ROUNDS = 300, 15


def main(parts: Sequence[str]) -> int:
    """Measures the parts that are named, or all."""
    known: dict[str, Callable[[], None]] = {"speed": speed, "decoding": decoding, "accuracy": accuracy}
    if unknown := set(parts) - set(known):
        print(f"preprocessing.py: no part {sorted(unknown)[0]!r}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    if missing := [path for path in (MODEL, WEIGHTS, FRAME, CLOTHING) if not path.exists()]:
        print(f"preprocessing.py: {missing[0]} is not there; EDGESHIP_DATA names the data's folder", file=sys.stderr)
        return 2
    print(f"machine: {environment()['cpu']}, {os.cpu_count()} cores")
    # The target is the last line, so the part it belongs to comes last.
    for part in ("accuracy", "decoding", "speed"):
        if part in parts or not parts:
            print()
            known[part]()
    return 0


# ------------------------------------------------------------------------------------------------ speed


def speed() -> None:
    """A frame to an input, as a part of the inference."""
    frame = np.asarray(Image.open(FRAME).convert("RGB"))
    rows: dict[str, Callable[[Pixels], Pixels]] = {
        "edgeship, stretch": Preprocessing(SIDE, SIDE),
        "edgeship, crop": Preprocessing(SIDE, SIDE, fit="crop"),
        "edgeship, letterbox": Preprocessing(SIDE, SIDE, fit="letterbox"),
        "Pillow bilinear": lambda frame: pillow(frame),
        "Pillow bilinear, reducing_gap=1": lambda frame: pillow(frame, reducing_gap=1),
        "Pillow bilinear, reducing_gap=2": lambda frame: pillow(frame, reducing_gap=2),
    }
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        invoke = inference(rows["edgeship, stretch"](frame))
        costs, inferences = interleaved({name: lambda call=call: call(frame) for name, call in rows.items()}, invoke)
    finally:
        os.sched_setaffinity(0, before)
    print(f"one 1280×720 frame to {SIDE}×{SIDE}, against an int8 MobileNetV2 1.0@{SIDE} on one thread; {ROUNDS} rounds")
    lines = [["", "ms", "of one inference", "middle half of the rounds"]]
    for name, times in costs.items():
        low, middle, high = quartiles(times / inferences)
        lines.append([name, f"{np.median(times):.2f}", f"{middle:.2f}", f"{low:.2f}–{high:.2f}"])
    lines.append(["the inference", f"{np.median(inferences):.2f}", "1.00", ""])
    print(table(lines, right=(1, 2, 3)))
    value = float(np.median(costs["edgeship, stretch"] / inferences))
    print(f"\ntarget stretch ≤ {TARGET:.2f} of one inference: {'reached' if value <= TARGET else 'not reached'} ({value:.2f})")


def pillow(frame: Pixels, reducing_gap: float | None = None) -> Pixels:
    """What is written most: antialiased over every source pixel, unless `reducing_gap` lets Pillow average blocks first."""
    return np.asarray(Image.fromarray(frame).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=reducing_gap))


def inference(pixels: Pixels) -> Callable[[], None]:
    """One inference of MODEL; its input is set once, since a quantized network's time does not depend on it."""
    from ai_edge_litert.interpreter import Interpreter

    with native_output_hidden():
        interpreter = Interpreter(str(MODEL), num_threads=1)
        interpreter.allocate_tensors()
    (taken,) = interpreter.get_input_details()
    values = pixels if taken["dtype"] == np.uint8 else (pixels.astype(np.int16) - 128).astype(taken["dtype"])
    interpreter.set_tensor(taken["index"], values[np.newaxis])
    return lambda: interpreter.invoke()


def interleaved(
    calls: dict[str, Callable[[], object]], reference: Callable[[], object]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Milliseconds of each call in each round, and those of the reference; every second round goes backwards."""
    names = list(calls)
    costs = {name: np.zeros(ROUNDS) for name in names}
    references = np.zeros(ROUNDS)
    for number in range(-20, ROUNDS):  # the negative ones warm up, and are overwritten
        for name in names if number % 2 else reversed(names):
            costs[name][number] = milliseconds(calls[name])
        references[number] = milliseconds(reference)
    return costs, references


# ------------------------------------------------------------------------------------------------ decoding


def decoding() -> None:
    """A 12-megapixel JPEG to an input."""
    photo = encoded(Image.open(next(test_photos())).convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC))
    ours = Preprocessing(SIDE, SIDE)
    pairs = [
        (milliseconds(lambda: ours(photo)), milliseconds(lambda: plain(photo, SIDE))) for _ in range(JPEG_ROUNDS + 1)
    ][1:]
    low, ratio, high = quartiles([mine / theirs for mine, theirs in pairs])
    print(f"a 12-megapixel JPEG of {len(photo) / 1e6:.1f} MB to {SIDE}×{SIDE}; {JPEG_ROUNDS} pairs")
    rows = [
        ["", "ms"],
        ["edgeship (scaled decoding)", f"{statistics.median(mine for mine, _ in pairs):.0f}"],
        ["Pillow open, convert, resize", f"{statistics.median(theirs for _, theirs in pairs):.0f}"],
    ]
    print(table(rows, right=(1,)))
    print(f"ratio {ratio:.2f}, the middle half {low:.2f}–{high:.2f}")


def plain(photo: bytes | Path, side: int, way: Image.Resampling = Image.Resampling.BILINEAR) -> Pixels:
    """Decoded whole, resized by Pillow in one step."""
    with Image.open(io.BytesIO(photo) if isinstance(photo, bytes) else photo) as image:
        return np.asarray(image.convert("RGB").resize((side, side), way))


def encoded(image: Image.Image) -> bytes:
    """As a camera would save it."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


# ------------------------------------------------------------------------------------------------ accuracy


def accuracy() -> None:
    """A linear probe on photos resized in several ways."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    ours = Preprocessing(96, 96)
    ways: dict[str, Callable[[Path], Pixels]] = {
        "edgeship": ours,
        "Pillow bilinear": lambda photo: plain(photo, 96),
        "nearest": lambda photo: plain(photo, 96, Image.Resampling.NEAREST),
        "edgeship, ×4": lambda photo: ours(enlarged(photo)),
        "Pillow bilinear, ×4": lambda photo: plain(enlarged(photo), 96),
        "nearest, ×4": lambda photo: plain(enlarged(photo), 96, Image.Resampling.NEAREST),
    }
    features = network()
    photos = {part: sorted((CLOTHING / part).glob("*/*")) for part in ("train", "test")}
    labels = {part: [photo.parent.name for photo in paths] for part, paths in photos.items()}
    probes = {}
    for way in ("edgeship", "Pillow bilinear", "nearest"):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.002, max_iter=500))
        probes[way] = probe.fit(features(every(ways[way], photos["train"])), labels["train"])
    tested = {way: features(every(resize, photos["test"])) for way, resize in ways.items()}

    print(f"clothing, {len(photos['train']):,} train and {len(photos['test'])} test photos, linear probe on MobileNetV2 0.50@96")
    right = {
        (trained, way): probes[trained].predict(tested[way]) == labels["test"]
        for trained, way in [
            *((way, way) for way in probes),
            ("edgeship", "Pillow bilinear"),
            ("edgeship", "nearest"),
            *(("edgeship", way) for way in ways if way.endswith("×4")),
        ]
    }
    baseline = right["edgeship", "edgeship"]
    lines = [["trained with", "tested with", "accuracy", "gained", "lost"]]
    for (trained, way), correct in right.items():
        gained, lost = int((correct & ~baseline).sum()), int((baseline & ~correct).sum())
        lines.append([trained, way, f"{correct.mean():.3f}", f"{gained}", f"{lost}"])
    print(table(lines, right=(2, 3, 4)))
    error = 100 * (baseline.mean() * (1 - baseline.mean()) / len(baseline)) ** 0.5
    print(f"gained, lost: photos answered rightly here and not in the first row, and the reverse; standard error {error:.1f} points")


def network() -> Callable[[Pixels], NDArray[np.float32]]:
    """MobileNetV2 0.50@96 without its top: N×96×96×3 pixels to N×1280 features."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with native_output_hidden():
        import keras

        model = keras.applications.MobileNetV2((96, 96, 3), alpha=0.5, include_top=False, weights=None, pooling="avg")
        model.load_weights(WEIGHTS)

    def features(pixels: Pixels) -> NDArray[np.float32]:
        return np.asarray(model.predict(pixels.astype(np.float32) / 127.5 - 1, batch_size=128, verbose=0))

    return features


def every(resize: Callable[[Path], Pixels], photos: Sequence[Path]) -> Pixels:
    """All photos resized: N×H×W×C."""
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(resize, photos)))


def enlarged(photo: Path) -> bytes:
    """The photo as a camera of sixteen times the pixels would have saved it."""
    with Image.open(photo) as image:
        size = 4 * image.width, 4 * image.height
        return encoded(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))


# ------------------------------------------------------------------------------------------------ helpers


def test_photos() -> Iterable[Path]:
    return iter(sorted((CLOTHING / "test").glob("*/*")))


def milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def quartiles(values: Iterable[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles([float(value) for value in values], n=4)
    return low, middle, high


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
