"""What preprocessing costs, and what it does to the answers.

accuracy  Does it matter how a photo is made small, and what does a mismatch between training and device cost? A linear probe on
          frozen MobileNetV2 0.50@96 features of the clothing photos, five-fold cross-validated over all of them: the test part
          alone (372) could not tell two points from chance. The photos have 224 pixels on their shorter side. To bring a
          camera's block sizes and scaled JPEG decoding into play, one fold is also measured enlarged four times, which adds
          pixels, not detail, and saved as JPEG again.
decoding  How long does a 12-megapixel JPEG take from its bytes to a 224×224 input, against opening, converting and resizing all
          of it with Pillow? The picture is a mosaic of photos, since an enlarged one would decode too easily.
speed     How long does a captured 1280×720 frame take to become a 224×224 input, conversions included, against the inference it
          is for: an int8 MobileNetV2 1.0@224 on one thread in LiteRT? All in this process, pinned to one core.

Times are compared within a round, which measures every row once, in alternating order; a ratio is the median over the rounds of
the row's ratio to the reference of its own round. A shared machine changes its speed between rounds, hardly within one.

Usage: python benchmarks/preprocessing.py [accuracy] [decoding] [speed]     all three, about three minutes, when none is named
The data lies in ../shared/data, or where EDGESHIP_DATA says.
"""

from __future__ import annotations

import io
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeship_runtime.machine import cpu
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_runtime.terminal import native_output_hidden, table

Pixels = NDArray[np.uint8]
Features = NDArray[np.float32]
Right = NDArray[np.bool_]  # for each photo, whether its label was answered

DATA = Path(os.environ.get("EDGESHIP_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
MODEL = DATA / "models/coral/tf2_mobilenet_v2_1.0_224_ptq.tflite"
WEIGHTS = DATA / "mobilenet_v2/mobilenet_v2_0.50_96_no_top.weights.h5"
FRAME = DATA / "images_small/cat_720p.jpg"
CLOTHING = DATA / "clothing"

FOLDS = 5
SIDE = 224
TARGET = 0.55  # of one inference, for a stretched frame
NEAREST, BILINEAR, BICUBIC = Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC


def main(named: Sequence[str]) -> int:
    parts: dict[str, Callable[[], None]] = {"accuracy": accuracy, "decoding": decoding, "speed": speed}
    if unknown := [name for name in named if name not in parts]:
        print(f"preprocessing.py: no part {unknown[0]!r}; known: {', '.join(parts)}", file=sys.stderr)
        return 2
    if missing := [path for path in (MODEL, WEIGHTS, FRAME, CLOTHING) if not path.exists()]:
        print(
            f"preprocessing.py: {missing[0]} is not there; EDGESHIP_DATA names the folder of the data", file=sys.stderr
        )
        return 2
    print(f"machine: {cpu()}, {os.cpu_count()} cores")
    for name, measure in parts.items():
        if name in named or not named:
            print()
            measure()
    return 0


# ------------------------------------------------------------------------------------------------------------ accuracy


def accuracy() -> None:
    from sklearn.model_selection import StratifiedKFold

    ours = Preprocessing(96, 96)
    ways: dict[str, Callable[[Path], Pixels]] = {
        "edgeship": ours,
        "Pillow bilinear": lambda photo: plain(photo, 96),
        "nearest": lambda photo: plain(photo, 96, NEAREST),
    }
    large: dict[str, Callable[[Path], Pixels]] = {
        "edgeship, enlarged": lambda photo: ours(enlarged(photo)),
        "Pillow bilinear, enlarged": lambda photo: plain(enlarged(photo), 96),
    }
    features = network()
    paths = [*photos("train"), *photos("validation"), *photos("test")]
    truth = np.array([photo.parent.name for photo in paths])
    seen = {way: features(every(resize, paths)) for way, resize in ways.items()}
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(truth, truth))
    probes = {way: [probe(seen[way][fit], truth[fit]) for fit, _ in folds] for way in ways}

    def right(trained: str, measured: str) -> Right:
        answers = np.empty_like(truth)
        for (_, held_out), answer in zip(folds, probes[trained], strict=True):
            answers[held_out] = answer(seen[measured][held_out])
        return answers == truth

    print(
        f"clothing, {len(truth):,} photos, {len(set(truth))} labels, each answered by a probe that was fitted without it"
    )
    pairs = [("edgeship", "edgeship"), ("Pillow bilinear", "Pillow bilinear"), ("nearest", "nearest")]
    pairs += [("edgeship", "Pillow bilinear"), ("edgeship", "nearest")]
    print(accuracy_table({pair: right(*pair) for pair in pairs}))

    fold, answer = folds[0][1], probes["edgeship"][0]
    few = [paths[index] for index in fold]
    rights = {("edgeship", "edgeship"): right("edgeship", "edgeship")[fold]}
    rights |= {("edgeship", way): answer(features(every(resize, few))) == truth[fold] for way, resize in large.items()}
    print(f"\n{len(fold)} of them, enlarged")
    print(accuracy_table(rights))


def accuracy_table(right: Mapping[tuple[str, str], Right]) -> str:
    """Each pair against the first: photos gained, photos lost, and how likely chance is (exact McNemar test)."""
    from scipy.stats import binomtest

    reference = next(iter(right.values()))
    rows = [["trained with", "measured with", "accuracy", "gained", "lost", "p"]]
    for (trained, measured), correct in right.items():
        gained, lost = int((correct & ~reference).sum()), int((reference & ~correct).sum())
        p = f"{binomtest(gained, gained + lost).pvalue:.2g}" if gained + lost else ""
        rows.append([trained, measured, f"{correct.mean():.3f}", str(gained), str(lost), p])
    return table(rows, right=(2, 3, 4, 5))


def probe(features: Features, labels: NDArray[np.str_]) -> Callable[[Features], NDArray[np.str_]]:
    """A linear classifier of features. C lies on the plateau where it answers best."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.005, max_iter=1000)).fit(features, labels)
    return fitted.predict


def network() -> Callable[[Pixels], Features]:
    """From N×96×96×3 pixels to N×1280 features."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with native_output_hidden():
        import keras

        model = keras.applications.MobileNetV2((96, 96, 3), alpha=0.5, include_top=False, weights=None, pooling="avg")
        model.load_weights(WEIGHTS)
    return lambda pixels: np.asarray(model.predict(pixels.astype(np.float32) / 127.5 - 1, batch_size=128, verbose=0))


def every(resize: Callable[[Path], Pixels], paths: Sequence[Path]) -> Pixels:
    """All photos resized: N×H×W×C."""
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(resize, paths)))


def photos(part: str) -> list[Path]:
    return sorted((CLOTHING / part).glob("*/*"))


def enlarged(photo: Path) -> bytes:
    """As a camera of sixteen times the pixels would have saved it, less the detail."""
    with Image.open(photo) as image:
        return jpeg(image.convert("RGB").resize((4 * image.width, 4 * image.height), BICUBIC))


# ------------------------------------------------------------------------------------------------------------ decoding


def decoding() -> None:
    rounds = 15
    photo = jpeg(mosaic(4000, 3000))
    ours = Preprocessing(SIDE, SIDE)
    times = interleaved(
        {
            "edgeship, decoded at a reduced scale": lambda: ours(photo),
            "Pillow open, convert, resize": lambda: plain(photo, SIDE),
        },
        rounds,
    )
    print(f"a 12-megapixel JPEG of {len(photo) / 1e6:.1f} MB to {SIDE}×{SIDE}; {rounds} rounds")
    print(times_table(times, "Pillow open, convert, resize"))


def mosaic(width: int, height: int) -> Image.Image:
    """Photos side by side at their own size: a large picture that is as sharp as they are."""
    whole = Image.new("RGB", (width, height))
    places = itertools.product(range(0, height, 300), range(0, width, 224))
    for (top, left), photo in zip(places, photos("test"), strict=False):
        with Image.open(photo) as image:
            whole.paste(image.convert("RGB"), (left, top))
    return whole


def plain(photo: bytes | Path, side: int, way: Image.Resampling = BILINEAR) -> Pixels:
    """Decoded whole, resized by Pillow in one step."""
    with Image.open(io.BytesIO(photo) if isinstance(photo, bytes) else photo) as image:
        return np.asarray(image.convert("RGB").resize((side, side), way))


def jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


# --------------------------------------------------------------------------------------------------------------- speed


def speed() -> None:
    rounds = 300
    with Image.open(FRAME) as image:
        frame = np.array(image.convert("RGB"))
    ours: dict[str, Callable[[Pixels], Pixels]] = {
        "edgeship, stretch": Preprocessing(SIDE, SIDE),
        "edgeship, crop": Preprocessing(SIDE, SIDE, fit="crop"),
        "edgeship, letterbox": Preprocessing(SIDE, SIDE, fit="letterbox"),
        "Pillow bilinear": pillow,
        "Pillow bilinear, reducing_gap=1": lambda pixels: pillow(pixels, 1),
        "Pillow bilinear, reducing_gap=2": lambda pixels: pillow(pixels, 2),
    }
    calls: dict[str, Callable[[], object]] = {
        name: lambda resize=resize: resize(frame) for name, resize in ours.items()
    }
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        times = interleaved({**calls, "one inference": inference(pillow(frame))}, rounds)
    finally:
        os.sched_setaffinity(0, allowed)
    print(
        f"a 1280×720 frame to {SIDE}×{SIDE}, and int8 MobileNetV2 1.0@{SIDE} on one thread; one core, {rounds} rounds"
    )
    print(times_table(times, "one inference"))
    value = statistics.median(ratios(times["edgeship, stretch"], times["one inference"]))
    print(f"\ntarget stretch ≤ {TARGET:.2f} of one inference: {'' if value <= TARGET else 'not '}reached ({value:.2f})")


def pillow(frame: Pixels, reducing_gap: float | None = None) -> Pixels:
    """What is written most. `reducing_gap` lets Pillow average blocks of k×l pixels first."""
    return np.asarray(Image.fromarray(frame).resize((SIDE, SIDE), BILINEAR, reducing_gap=reducing_gap))


def inference(pixels: Pixels) -> Callable[[], None]:
    """One inference of MODEL; its input is set once and stays."""
    from ai_edge_litert.interpreter import Interpreter

    with native_output_hidden():
        interpreter = Interpreter(str(MODEL), num_threads=1)
        interpreter.allocate_tensors()
    (taken,) = interpreter.get_input_details()
    zero = 128 if taken["dtype"] == np.int8 else 0
    interpreter.set_tensor(taken["index"], (pixels[np.newaxis].astype(np.int16) - zero).astype(taken["dtype"]))
    return interpreter.invoke


# --------------------------------------------------------------------------------------------------------------- times


def interleaved(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call in each round; a tenth of the rounds warms up and is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(-(-rounds // 10) + rounds):
        for name in calls if number % 2 else reversed(list(calls)):
            began = time.perf_counter()
            calls[name]()
            times[name].append((time.perf_counter() - began) * 1e3)
    return {name: values[-rounds:] for name, values in times.items()}


def ratios(values: Iterable[float], references: Iterable[float]) -> list[float]:
    return [value / reference for value, reference in zip(values, references, strict=True)]


def times_table(times: Mapping[str, Sequence[float]], reference: str) -> str:
    rows = [["", "ms", "ratio", "middle half of the rounds"]]
    for name, values in times.items():
        low, middle, high = statistics.quantiles(ratios(values, times[reference]), n=4)
        spread = "" if name == reference else f"{low:.2f}–{high:.2f}"
        rows.append([name, f"{statistics.median(values):.2f}", f"{middle:.2f}", spread])
    return table(rows, right=(1, 2, 3))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
