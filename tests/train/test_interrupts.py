"""Ctrl-C while a network is trained: obeyed where nothing is half done, told in one line, and never lost."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeship_runtime.errors import Terminated
from edgeship_runtime.labelled import LabelledPicture
from edgeship_runtime.model_file import ModelFile
from edgeship_train import interrupts
from edgeship_train.dataset import Part
from edgeship_train.pixels import Pixels
from making import Result, Run

LIMIT_S = 60
OPTIONS = ["--size", "16", "--arch", "conv3", "--epochs", "4"]


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_waits_until_it_is_obeyed(number: signal.Signals, kind: type[BaseException]) -> None:
    went_on = False
    with pytest.raises(KeyboardInterrupt, match="kept") as stopped, interrupts.noted():
        interrupts.obey("nothing came yet")
        signal.raise_signal(number)
        went_on = True
        interrupts.obey("kept")

    assert went_on
    assert stopped.type is kind
    assert not is_obeyed()


def is_obeyed() -> bool:
    """Whether a signal waited; it does not end the tests."""
    try:
        interrupts.obey()
    except KeyboardInterrupt:
        return True
    return False


def test_a_signal_that_nobody_obeyed_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.noted():
        signal.raise_signal(signal.SIGINT)


def test_afterwards_signals_are_as_they_were() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interrupts.noted():
        pass

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_what_was_ignored_stays_so() -> None:
    """As nohup has it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.noted():
            signal.raise_signal(signal.SIGINT)
            assert not is_obeyed()
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_changes() -> None:
    """Signals are the main thread's: a server may train in one of its own."""
    raised: list[BaseException] = []

    def step() -> None:
        try:
            with interrupts.noted():
                pass
        except ValueError as error:
            raised.append(error)

    thread = threading.Thread(target=step)
    thread.start()
    thread.join()

    assert not raised


STEP = """
import sys, time
from edgeship_train import interrupts
with interrupts.noted():
    print("begun", flush=True)
    while {wait}:
        time.sleep(0.01)
        {each}
"""


def test_a_long_step_is_told_of_and_a_second_ctrl_c_does_not_wait_for_it() -> None:
    with child(STEP.format(wait="True", each="")) as step:
        step.send_signal(signal.SIGINT)
        assert step.stderr is not None
        assert "waiting for the step under way" in step.stderr.readline()
        step.send_signal(signal.SIGINT)

        assert step.wait(LIMIT_S) == 130


def test_what_comes_twice_at_once_is_one_wish() -> None:
    """As `timeout` sends it, to the process and to its group."""
    with child(STEP.format(wait="not interrupts._noted", each="") + "    print('in order')") as step:
        step.send_signal(signal.SIGTERM)
        step.send_signal(signal.SIGINT)

        assert step.communicate(timeout=LIMIT_S)[0] == "in order\n"


@contextlib.contextmanager
def child(code: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has begun a step, and ends with the test, whatever it waits for."""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        limit = threading.Timer(LIMIT_S, process.kill)  # of reading what it never says
        limit.start()
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            yield process
        finally:
            limit.cancel()
            process.kill()


def test_predicting_ends_after_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the features of a frozen network are computed, for minutes."""
    import keras

    from edgeship_train import watching
    from edgeship_train.predicting import predicted

    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, keras.layers.Flatten()(inputs))
    pixels = np.zeros((64, 4, 4, 1), np.uint8)
    pictures = tuple(LabelledPicture(str(number), "a", pixels[0]) for number in range(64))
    part = Part(Pixels(pixels, np.arange(64)), np.zeros(64, np.int64), pictures, ("",) * 64)
    ended = []
    obedient = watching.Obedient.on_predict_batch_end

    def striking(self: watching.Obedient, batch: int, logs: object = None) -> None:
        ended.append(batch)
        if batch == 2:
            signal.raise_signal(signal.SIGINT)
        obedient(self, batch, logs)

    monkeypatch.setattr(watching.Obedient, "on_predict_batch_end", striking)
    with pytest.raises(KeyboardInterrupt), interrupts.noted():
        predicted(model, part, 1, "test")

    assert ended == [0, 1, 2]


def struck(run: Run, monkeypatch: pytest.MonkeyPatch, where: tuple[str, str], count: int, *command: object) -> Result:
    """A run that gets Ctrl-C the `count`-th time it comes to a method of ours."""
    from importlib import import_module

    module, name = where
    owner: object = import_module(module)
    *path, name = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original: Callable[..., object] = getattr(owner, name)
    came = 0

    def striking(*arguments: object, **options: object) -> object:
        nonlocal came
        came += 1
        if came == count:
            signal.raise_signal(signal.SIGINT)
        return original(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, striking)
        result = run("train", *command)
    assert result.code == 130, result.err
    assert result.out == ""
    return result


def last_line(result: Result) -> str:
    """The one that says what is kept."""
    lines = result.err.splitlines()
    assert [line.startswith("edgeship: ") for line in lines].count(True) == 1
    assert lines[-1].startswith("edgeship: interrupted: ")
    return lines[-1]


@pytest.mark.parametrize(
    ("where", "count", "done"),
    [
        (
            ("edgeship_train.batches", "Shuffled.__getitem__"),
            30,
            "epochs are done",
        ),  # a thread of TensorFlow's draws batches
        (
            ("edgeship_train.batches", "InOrder.__getitem__"),
            3,
            "1 of 4 epochs are done",
        ),  # validation, after a look ahead
        (("edgeship_train.watching", "Epochs.on_epoch_end"), 2, "2 of 4 epochs are done"),
        (("edgeship_train.training", "predicted"), 1, "4 of 4 epochs are done"),
    ],
)
def test_training_stops_and_goes_on(
    run: Run,
    painted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: tuple[str, str],
    count: int,
    done: str,
) -> None:
    out = tmp_path / "m.keras"

    line = last_line(struck(run, monkeypatch, where, count, painted, "--out", out, *OPTIONS, "--batch-size", 4))

    assert done in line
    assert f"--resume --out {out} goes on from there" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.checkpoint", "painted"]
    assert run("train", painted, "--out", out, "--resume").code == 0
    assert ModelFile.open(out).manifest.labels == ("blue", "green", "red")


@pytest.mark.parametrize("method", ["Epochs.on_train_batch_end", "Timer.on_train_batch_end"])
def test_an_epoch_ends_after_the_batch(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Which may be one of thousands; also where the time is estimated."""
    from edgeship_train import watching

    owner, name = getattr(watching, method.partition(".")[0]), method.partition(".")[2]
    original, ended = getattr(owner, name), []

    def striking(self: object, batch: int, logs: object = None) -> None:
        if not ended:
            signal.raise_signal(signal.SIGINT)
        ended.append(batch)
        original(self, batch, logs)

    monkeypatch.setattr(owner, name, striking)
    result = run("train", painted, "--out", tmp_path / "m.keras", *OPTIONS, "--batch-size", 4)

    assert "no epoch was done" in last_line(result)
    assert ended == [0]


def test_before_the_first_epoch_is_done_nothing_is_there(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the checkpoint of another run, which --force gave up: --resume would go on with that one."""
    (tmp_path / "m.checkpoint").write_bytes(b"of another run")
    where = "edgeship_train.watching", "Epochs.on_train_batch_end"

    line = last_line(struck(run, monkeypatch, where, 1, painted, "--out", tmp_path / "m.keras", *OPTIONS, "--force"))

    assert "no epoch was done; the same command begins anew with the pictures decoded so far" in line
    assert [path.name for path in tmp_path.iterdir()] == ["painted"]


def test_of_two_networks_the_second_can_be_begun_anew(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command would be refused: the first one's model is there."""
    command = [painted, "--out", tmp_path / "m.keras", "--archs", "micro,conv3", "--size", 16, "--epochs", 1]

    line = last_line(struck(run, monkeypatch, ("edgeship_train.watching", "Epochs.on_train_batch_end"), 2, *command))

    assert f"no epoch was done; --arch conv3 --out {tmp_path / 'm.conv3.keras'} begins anew" in line
    assert ModelFile.open(tmp_path / "m.micro.keras").manifest.proof


def test_decoded_pictures_are_kept(run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGESHIP_CACHE", str(tmp_path / "cache"))
    command = [painted, "--out", tmp_path / "m.keras", *OPTIONS]

    line = last_line(struck(run, monkeypatch, ("edgeship_train.cache", "Cache.add"), 31, *command))

    assert "no epoch was done; the same command begins anew with the pictures decoded so far" in line
    again = run("train", *command)
    assert again.code == 0
    assert "decoded 6 pictures" in again.err


def test_while_files_are_written_they_are_written_whole(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "m.keras"

    line = last_line(
        struck(run, monkeypatch, ("edgeship_train.saving", "assemble"), 1, painted, "--out", out, *OPTIONS)
    )

    assert f"{out} and its report were written before" in line
    assert ModelFile.open(out).manifest.proof
    assert (tmp_path / "m.report/report.html").exists()
    assert not (tmp_path / "m.checkpoint").exists()
