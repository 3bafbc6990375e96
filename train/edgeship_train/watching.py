"""Watching a fit: what is recorded, kept and said after each epoch, and when it stops."""

# ruff: noqa: D102 - the methods of a Keras callback are documented there

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
from tqdm import tqdm

from edgeship_runtime.errors import TrainingError
from edgeship_runtime.terminal import duration, say
from edgeship_train import interrupts
from edgeship_train.batches import Shuffled
from edgeship_train.config import TrainingConfig
from edgeship_train.course import Course
from edgeship_train.optimization import RATES

_SAY_EVERY_S = 60.0  # in logs, within a long epoch
_BAR = "{desc} {bar} {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_SAY_FIRST_S, _LONG_S = 3.0, 30.0  # when a pass's rate is known, and what is worth a line

OnEpoch = Callable[[int, Mapping[str, float]], None]


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Keeps the course: history, best weights, early stopping; draws each epoch's batches; a loss that is no number ends it.

    Args:
        course: begins empty, or where a checkpoint left it.
        config: patience and monitor.
        batches: told which epoch begins.
        after: called after each epoch, with its number from 1 and its quantities.
    """

    def __init__(self, course: Course, config: TrainingConfig, batches: Shuffled, after: OnEpoch) -> None:
        super().__init__()
        self._course, self._config, self._batches, self._after = course, config, batches, after

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._batches.begin(epoch)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        if logs and not math.isfinite(logs["loss"]):
            self._refuse(f"the loss became {logs['loss']} in epoch {self._course.epochs + 1}, step {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        values = {name: float(value) for name, value in (logs or {}).items()}
        if not math.isfinite(values["val_loss"]):
            self._refuse(f"the validation loss became {values['val_loss']} in epoch {self._course.epochs + 1}")
        self._course.record(values)
        if self._course.is_best(self._config.monitor):
            self._course.weights = [variable.numpy() for variable in self.model.variables]
        if self._config.patience and self._course.epochs - self._course.best_epoch >= self._config.patience:
            self.model.stop_training = True
        self._after(self._course.epochs, values)

    def _refuse(self, what: str) -> None:
        rate = min((self._config.learning_rate or 0.0) / 10, RATES[self._config.optimizer])
        raise TrainingError(f"{what}; try --learning-rate {rate:g}")


class Obedient(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends training, validation or predicting after the batch in which Ctrl-C came."""

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        interrupts.obey()

    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        interrupts.obey()

    def on_predict_batch_end(self, batch: int, logs: object = None) -> None:
        interrupts.obey()


class Line(keras.callbacks.Callback):  # type: ignore[misc]
    """A live line with the time left on a terminal; elsewhere a line for each epoch, and one a minute within long ones."""

    def __init__(self, epochs: int, begun: int, steps: int, phase: str) -> None:
        super().__init__()
        self._epochs, self._begun, self._steps, self._phase = epochs, begun, steps, phase
        self._epoch, self._said = begun, time.monotonic()

    def on_train_begin(self, logs: object = None) -> None:
        self._bar = _bar(self._epochs * self._steps, self._phase, initial=self._begun * self._steps)

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._epoch = epoch + 1
        self._bar.set_description_str(f"{self._phase} {self._epoch}/{self._epochs}")

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self._bar.update()
        now = time.monotonic()
        if self._bar.disable and now - self._said > _SAY_EVERY_S:
            self._said = now
            say(f"{self._phase}: epoch {self._epoch}/{self._epochs}, step {batch + 1}/{self._steps}")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._said = time.monotonic()
        text = summary(logs or {})
        if self._bar.disable:
            say(f"{self._phase}: epoch {self._epoch}/{self._epochs}: {text}")
        else:
            self._bar.set_postfix_str(f"validation accuracy {(logs or {})['val_accuracy']:.4f}")  # in 80 columns

    def on_train_end(self, logs: object = None) -> None:
        self.close()

    def close(self) -> None:
        """Also where training ended by an error: a bar that stays would be written into."""
        if bar := getattr(self, "_bar", None):
            bar.close()


class Passing(Obedient):
    """A pass that only predicts: a bar on a terminal; elsewhere, where it is long, the time it takes, soon and then once a minute."""

    def __init__(self, steps: int, what: str) -> None:
        super().__init__()
        self._steps, self._what, self._wait_s = steps, what, _SAY_FIRST_S

    def on_predict_begin(self, logs: object = None) -> None:
        self._bar = _bar(self._steps, self._what)

    def on_predict_batch_end(self, batch: int, logs: object = None) -> None:
        self._bar.update()
        now = time.monotonic()
        if batch == 0:  # it took the tracing, too
            self._begun = self._said = now
        elif self._bar.disable and now - self._said > self._wait_s:
            self._say(batch, now)
        super().on_predict_batch_end(batch, logs)

    def _say(self, done: int, now: float) -> None:
        self._said, self._wait_s = now, _SAY_EVERY_S
        left = (now - self._begun) / done * (self._steps - 1 - done)
        if left > _LONG_S:
            say(f"{self._what}: step {done + 1}/{self._steps}, {duration(left)} left")

    def close(self) -> None:
        """Also where it ended by an error."""
        if bar := getattr(self, "_bar", None):
            bar.close()


class Speed(keras.callbacks.Callback):  # type: ignore[misc]
    """Steps per second of each epoch, validation left out."""

    def __init__(self) -> None:
        super().__init__()
        self._rates: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._begun, self._steps = time.perf_counter(), 0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self._steps += 1
        self._ended = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self._rates.append(self._steps / (self._ended - self._begun))

    def median(self) -> float:
        """Over the epochs; 0 when there was none."""
        return statistics.median(self._rates) if self._rates else 0.0


class Timer(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a fit after a few steps, and knows how long one takes. The first, which compiles, is not counted."""

    def __init__(self, most_steps: int, most_s: float) -> None:
        super().__init__()
        self._most_steps, self._most_s = most_steps, most_s
        self.step_s = 0.0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        now = time.perf_counter()
        if batch == 0:
            self._begun = now
            return
        self.step_s = (now - self._begun) / batch
        if batch >= self._most_steps or now - self._begun > self._most_s:
            self.model.stop_training = True


def _bar(total: int, what: str, *, initial: int = 0) -> Any:  # noqa: ANN401 - tqdm ships no types
    off = not sys.stderr.isatty()
    return tqdm(total=total, initial=initial, desc=what, bar_format=_BAR, disable=off, leave=False, dynamic_ncols=True)


def summary(values: Mapping[str, float]) -> str:
    """An epoch in a few words."""
    return (
        f"loss {values['loss']:.4f}; validation: loss {values['val_loss']:.4f}, accuracy {values['val_accuracy']:.4f}"
    )


def tensorboard(folder: Path) -> Any:  # noqa: ANN401 - a Keras callback
    """Logs for TensorBoard, which is installed."""
    return keras.callbacks.TensorBoard(str(folder), write_graph=False)
