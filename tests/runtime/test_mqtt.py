"""Results go to a real broker, once each, also when it comes late, goes away, or this program dies."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeship_runtime.errors import OutputError
from edgeship_runtime.results import Result
from edgeship_runtime.sinks import mqtt
from making import Digits, Run
from servers.mosquitto import Broker, Listener

COMMAND = [sys.executable, "-m", "edgeship_runtime.cli", "run"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    listener = Listener(broker)
    yield listener
    listener.close()


def test_every_result_is_a_message_and_life_and_end_are_told(
    digits: Digits, run: Run, broker: Broker, listener: Listener
) -> None:
    result = run("run", digits.int8, digits.pictures, "--to", broker.url, "--json")

    heard = [json.loads(text) for text in listener.wait_for("yard/result", count=20)]
    assert result.code == 0, result.err
    assert heard == result.lines()
    listener.wait_for("yard/status", "offline")
    assert [text for name, text in listener.heard if name == "yard/status"] == ["online", "offline"]


def test_a_program_that_dies_is_offline_by_its_last_will(digits: Digits, broker: Broker, listener: Listener) -> None:
    with subprocess.Popen([*COMMAND, str(digits.int8), "-", "--to", broker.url], stdin=subprocess.PIPE) as child:
        listener.wait_for("yard/status", "online")
        child.kill()

    listener.wait_for("yard/status", "offline")


def test_a_signal_leaves_nothing_behind(digits: Digits, broker: Broker, listener: Listener) -> None:
    path = next(digits.pictures.rglob("*.png"))
    with subprocess.Popen(
        [*COMMAND, str(digits.int8), "-", "--to", broker.url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stderr is not None
        child.stdin.write(f"{path}\n" * 30)
        child.stdin.flush()
        listener.wait_for("yard/result")
        child.send_signal(signal.SIGTERM)
        errors = child.stderr.read()

    assert child.returncode == 143
    assert errors == f"{broker.url}: connected\n"
    listener.wait_for("yard/status", "offline")
    frames = [json.loads(text)["frame"] for name, text in listener.heard if name == "yard/result"]
    assert frames == list(range(len(frames)))


def test_what_happens_while_the_broker_is_away_is_told_when_it_is_back(
    digits: Digits, run: Run, broker: Broker, listener: Listener
) -> None:
    sink = mqtt.Mqtt(broker.url, _writing())
    listener.wait_for("yard/status", "online")
    broker.stop()
    for state in ("stalled", "reconnecting", "live"):
        sink.state("camera:0", state, "")  # type: ignore[arg-type]
    broker.start()

    states = [json.loads(text) for text in listener.wait_for("yard/state", count=1)]
    sink.close()
    assert states[-1] in ({"camera:0": "live"}, {"camera:0": "reconnecting"}, {"camera:0": "stalled"})
    listener.wait_for("yard/state", '{"camera:0": "live"}')


def test_after_a_long_outage_the_program_is_online_again(broker: Broker, listener: Listener) -> None:
    """Although more results waited than are kept."""
    sink = mqtt.Mqtt(broker.url, _writing())
    listener.wait_for("yard/status", "online")
    broker.stop()
    for number in range(mqtt.MOST_WAITING + 5):
        sink.write(Result("camera:0", number, error="dark"))
    sink.state("camera:0", "reconnecting", "")
    later = len(listener.heard)
    broker.start()

    # Status and state are retained, so the listener hears them whoever is back first; results that came before it, it does not.
    listener.wait_for("yard/state", '{"camera:0": "reconnecting"}')
    told = listener.wait_for("yard/status", count=2)
    assert ("yard/status", "online") in listener.heard[later:], told
    with contextlib.suppress(OutputError):
        sink.close()


def test_who_subscribes_later_hears_the_state_of_things(digits: Digits, broker: Broker) -> None:
    sink = mqtt.Mqtt(broker.url, _writing())
    sink.state("camera:0", "live", "")
    early = Listener(broker)
    early.wait_for("yard/state")
    early.close()

    late = Listener(broker)

    assert late.wait_for("yard/state") == ['{"camera:0": "live"}']
    assert late.wait_for("yard/status") == ["online"]
    late.close()
    sink.close()


def test_a_broker_that_is_not_there_is_told_and_so_is_what_was_lost(
    digits: Digits, run: Run, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(mqtt, "MOST_WAITING", 5)
    broker.stop()

    result = run("run", digits.int8, digits.pictures, "--to", broker.url)

    lines = result.err.splitlines()
    assert result.code == 1
    assert f"{broker.url}: cannot be reached (connection refused); trying again" in lines
    assert f"{broker.url}: 5 messages wait; further ones are dropped" in lines
    assert lines[-1] == f"edgeship: --to {broker.url}: 20 messages not delivered"


def test_a_password_is_used_and_not_told(digits: Digits, run: Run, tmp_path: Path) -> None:
    with Broker(tmp_path, password="me:secret") as broker:  # noqa: S106
        listener = Listener(broker)
        right = run("run", digits.int8, digits.pictures / "3", "--to", broker.url)
        listener.wait_for("yard/result", count=2)
        listener.close()
        wrong = subprocess.run(
            [*COMMAND, str(digits.int8), str(digits.pictures / "3"), "--to", broker.url.replace("secret", "guess")],
            capture_output=True,
            text=True,
            check=False,
        )

    assert right.code == 0
    assert "mqtt://me:***@127.0.0.1" in right.err
    assert "secret" not in right.err
    assert wrong.returncode == 1
    assert "not connected: not authorized; trying again" in wrong.stderr
    assert "guess" not in wrong.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mqtt:///x", "there is no host"),
        ("mqtt://me:secret@h/a?qos=3", "qos=0, qos=1 or qos=2"),
        ("mqtt://h/a?retain=1", "no options but qos=0"),
        ("mqtt://h/a/%23", "a topic has no +, #"),
        ("mqtt://h:port/a", "--to mqtt://h:port/a: "),
    ],
)
def test_what_is_no_broker_is_usage(digits: Digits, run: Run, url: str, words: str) -> None:
    result = run("run", digits.int8, digits.pictures, "--to", url)

    assert result.code == 2
    assert words in result.err
    assert "secret" not in result.err
    assert len(result.err.splitlines()) == 1


def test_without_paho_there_is_an_install_line(digits: Digits, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)

    line = run("run", digits.int8, digits.pictures, "--to", "mqtt://127.0.0.1/x").one_line_error()

    assert "pip install 'edgeship[mqtt]'" in line


def _writing() -> object:
    from edgeship_runtime.sinks import Writing

    return Writing("m.tflite")
