"""The watchdog is told that the loop turns, with answers or without; by the loop's own thread, so that one that hangs is silent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeship_runtime import Classifier
from edgeship_runtime.heartbeat import Heartbeat
from edgeship_runtime.sources import parse
from edgeship_runtime.streaming import Options, results
from making import Digits
from servers.rtsp import free_port

COMMAND = [sys.executable, "-m", "edgeship_runtime.cli", "run"]


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What listens in systemd's place."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@edgeship-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        yield listening


@pytest.mark.parametrize("source", ["a camera that is away", "a list that does not go on"])
def test_run_lives_while_nothing_comes(digits: Digits, systemd: socket.socket, source: str) -> None:
    away = [f"http://127.0.0.1:{free_port()}/x", "--keep-trying"]
    arguments = away if source == "a camera that is away" else ["-"]
    with subprocess.Popen(
        [*COMMAND, digits.int8, *arguments], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        beats = [systemd.recv(100) for _ in range(4)]
        child.terminate()
        code = child.wait(30)  # although its list still may go on

    assert beats == [b"WATCHDOG=1"] * 4
    assert code == (0 if source == "a camera that is away" else 143)


@pytest.mark.parametrize("live", [True, False])
def test_only_the_thread_of_the_loop_tells_it(digits: Digits, live: bool) -> None:
    classifier, stop, tellers = Classifier.load(digits.int8, threads=1), threading.Event(), set()
    source = f"http://127.0.0.1:{free_port()}/x" if live else str(digits.pictures)

    def turned() -> None:
        tellers.add(threading.current_thread())
        if live:
            stop.set()

    options = Options(keep_trying=True)
    list(results(classifier, [parse(source)], options, workers=2, stop=stop, on_turn=turned))

    assert tellers == {threading.current_thread()}


def test_it_is_not_told_at_each_turn(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    heart = Heartbeat()
    for _ in range(1000):
        heart.beat()
    systemd.settimeout(0)

    assert systemd.recv(100) == b"WATCHDOG=1"
    with pytest.raises(BlockingIOError):
        systemd.recv(100)


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "x" * 200, "@"])
def test_where_nobody_listens_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "many")
    Heartbeat().beat()


def test_a_listener_that_does_not_keep_up_does_not_hold_the_loop(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "0")
    heart = Heartbeat()
    for _ in range(1000):  # more than its queue holds
        heart.beat()
