"""What training reaches on well-known pictures, and how fast it is. Each row is one run of the command line, with its defaults.

mnist      the default grey CNN, 10 epochs, measured on the 10,000 test pictures; and the network for microcontrollers as int8.
clothing   ten kinds of clothes, 3,068 training photos: the 3-convolution CNN against MobileNetV2 0.35 and 1.0 at 224 pixels, 8 epochs.
           A linear probe on the frozen ImageNet features reaches .815 and .871.
cifar10    250 pictures of each label: the BatchNorm CNN with `--augmentation standard` against itself without.
speed      pictures per second of our batches against a plain keras.fit of the same network on tensors in memory, in the steady state:
           from the end of a fit's first step to that of its last, three epochs later, the turn of epochs included. Fits of both take
           turns in one process, and the ratio is the median over the turns.

Usage: python benchmarks/training.py [mnist] [clothing] [cifar10] [speed]     all, two hours on two cores, when none is named
The data lies in ../shared/data, or where EDGESHIP_DATA says. Results are appended to build/bench/training.jsonl.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
DATA = Path(os.environ.get("EDGESHIP_DATA", HERE.parents[1] / "shared" / "data"))
EDGESHIP = Path(sys.executable).with_name("edgeship")
PROBE = {0.35: 0.815, 1.0: 0.871}  # accuracy of a linear probe on frozen features
TURNS, EPOCHS = 11, 3


def main(named: Sequence[str]) -> int:
    parts: dict[str, Callable[[], None]] = {"mnist": mnist, "clothing": clothing, "cifar10": cifar10, "speed": speed}
    if unknown := [name for name in named if name not in parts]:
        print(f"training.py: no part {unknown[0]!r}; known: {', '.join(parts)}", file=sys.stderr)
        return 2
    if not DATA.is_dir():
        print(f"training.py: {DATA} is not there; name the folder with EDGESHIP_DATA", file=sys.stderr)
        return 1
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in named or parts:
        parts[name]()
    return 0


def mnist() -> None:
    data = f"mnist:{DATA / 'mnist'}"
    trained("mnist", data, "--epochs", "10", target="≥ 0.994, < 500,000 parameters")
    small = trained("mnist-micro", data, "--arch", "micro", "--epochs", "10")
    exported = small.with_suffix(".int8.tflite")
    edgeship("export", str(small), "--format", "tflite", "--quantize", "int8", "--force")
    accuracy = edgeship("evaluate", str(exported), data)["accuracy"]
    say({"run": "mnist-micro int8", "test": accuracy, "bytes": exported.stat().st_size}, "≥ 0.990, ≤ 100 kB")


def clothing() -> None:
    data = str(DATA / "clothing")
    trained("clothing-conv3", data, "--arch", "conv3", "--epochs", "30")
    for alpha, gain in ((0.35, 0.05), (1.0, 0.01)):
        options = ["--arch", "mobilenet_v2", "--alpha", str(alpha), "--epochs", "8"]
        trained(f"clothing-{alpha}", data, *options, target=f"≥ {PROBE[alpha] + gain:.3f}")


def cifar10() -> None:
    for preset in ("none", "standard"):
        options = ["--arch", "bn_cnn", "--epochs", "80", "--patience", "0", "--augmentation", preset]
        trained(f"cifar10-{preset}", str(DATA / "cifar10"), *options, target="standard ≥ none + 0.03")


def trained(name: str, data: str, *options: str, target: str = "") -> Path:
    """One run of `edgeship train`, and its row."""
    out = BUILD / f"{name}.keras"
    answer = edgeship("train", data, "--out", str(out), "--force", *options)
    row = {"run": name, "options": " ".join(options), "test": answer["metrics"]["test"]["accuracy"]}
    row |= {key: answer[key] for key in ("parameters", "epochs", "best_epoch", "seconds", "pictures_per_s")}
    say(row, target)
    return out


def speed() -> None:
    """Both train the same network on the same pictures, in batches of the same size."""
    from edgeship_runtime.data import open_data
    from edgeship_runtime.terminal import native_output_hidden

    with native_output_hidden():
        import numpy as np

        from edgeship_train.batches import Shuffled
        from edgeship_train.config import TrainingConfig
        from edgeship_train.dataset import read_dataset
        from edgeship_train.resolving import augmentation_of, preprocessing_of, resolve

        for name, data, options in (
            ("bn_cnn cifar10 32×32", str(DATA / "cifar10"), {"arch": "bn_cnn"}),
            (
                "mobilenet_v2 0.35 clothing 224×224",
                str(DATA / "clothing/test"),
                {"arch": "mobilenet_v2", "alpha": 0.35},
            ),
        ):
            found = open_data(data)
            base = TrainingConfig(**{"weights": "none", "augmentation": "none", **options})  # type: ignore[arg-type]
            config = resolve(base, found)
            part = read_dataset(found, preprocessing_of(config), 0).parts["train"]
            labels, size = len(found.labels), config.batch_size or 1
            pixels = part.pixels[np.arange(len(part))].astype(np.float32)
            ours = Shuffled(part, labels, size, 0, augmentation_of(config), "none")
            light = augmentation_of(resolve(TrainingConfig(**{**options, "weights": "none"}), found))  # type: ignore[arg-type]
            augmented = Shuffled(part, labels, size, 0, light, "none")
            ratios = turns(compiled(config, part, labels), pixels, part.targets, ours, augmented, labels, size)
            for kind, values in ratios.items():
                median = statistics.median(values)
                spread = f"{min(values):.3f}–{max(values):.3f}"
                say({"run": f"speed: {name}, {kind}", "ratio": round(median, 3), "turns": spread}, "≥ 0.95")


def compiled(config: Any, part: Any, labels: int) -> Any:  # noqa: ANN401 - Keras ships no types
    import keras

    from edgeship_train.architectures import build

    model = build(config, part.pixels.shape[1:], labels).model
    model.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy", metrics=["accuracy"])
    return model


def turns(
    model: Any,  # noqa: ANN401
    pixels: Any,  # noqa: ANN401
    targets: Any,  # noqa: ANN401
    ours: Any,  # noqa: ANN401
    augmented: Any,  # noqa: ANN401
    labels: int,
    size: int,
) -> dict[str, list[float]]:
    """Ratio of pictures per second to the plain fit of the same turn."""
    import numpy as np

    hot = np.eye(labels, dtype=np.float32)[targets]
    fits = {
        "plain": lambda: step_s(model, lambda _: None, x=pixels, y=hot, batch_size=size),
        "as it is": lambda: step_s(model, ours.begin, x=ours, shuffle=False),
        "augmented (light)": lambda: step_s(model, augmented.begin, x=augmented, shuffle=False),
    }
    for fit in fits.values():
        fit()
    ratios: dict[str, list[float]] = {name: [] for name in fits if name != "plain"}
    for turn in range(TURNS):
        names = list(fits) if turn % 2 else list(reversed(fits))
        seconds = {name: fits[name]() for name in names}
        for name, values in ratios.items():
            values.append(seconds["plain"] / seconds[name])
    return ratios


def step_s(model: Any, begin: Callable[[int], None], **data: object) -> float:  # noqa: ANN401
    """Seconds for each step of a fit, once it runs; `begin` is told of each epoch, as `edgeship train` does."""
    import keras

    ended: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, *_, **__: begin(epoch),
        on_train_batch_end=lambda *_, **__: ended.append(time.perf_counter()),
    )
    model.fit(**data, epochs=EPOCHS, callbacks=[clock], verbose=0)
    return (ended[-1] - ended[0]) / (len(ended) - 1)


def edgeship(*arguments: str) -> Any:  # noqa: ANN401 - JSON
    homes = {"KERAS_HOME": str(DATA / "mobilenet_v2/keras_home"), "EDGESHIP_CACHE": str(BUILD / "cache")}
    command = [EDGESHIP, *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | homes, check=True)
    return json.loads(done.stdout)


def say(row: dict[str, Any], target: str) -> None:
    row |= {"target": target} if target else {}
    line = json.dumps(row, ensure_ascii=False)
    print(line, flush=True)
    with (BUILD / "training.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
