"""A Mosquitto broker on 127.0.0.1, and a listener that writes down what it hears."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

import pytest

from servers.rtsp import free_port

PROGRAM = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Broker:
    """Skips the test where Mosquitto is not installed."""

    def __init__(self, folder: Path, password: str = "") -> None:
        if PROGRAM is None:
            pytest.skip("no mosquitto here; .ci/run names the Debian packages")
        self.port, self._password = free_port(), password
        self.url = f"mqtt://{password and password + '@'}127.0.0.1:{self.port}/yard"
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", f"allow_anonymous {str(not password).lower()}"]
        if password:
            user, _, secret = password.partition(":")
            file = folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-c", "-b", str(file), user, secret], check=True)
            file.chmod(0o644)  # Mosquitto gives up root
            lines.append(f"password_file {file}")
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join([*lines, "user root", ""]))

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._process = subprocess.Popen([str(PROGRAM), "-c", str(self._config)], stderr=subprocess.DEVNULL)
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Listener:
    """Hears everything, from its first subscription on; comes back when the broker does."""

    def __init__(self, broker: Broker) -> None:
        from paho.mqtt import client as paho

        self.heard: list[tuple[str, str]] = []
        self._changed = threading.Condition()
        self._ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if broker._password:
            self._client.username_pw_set(*broker._password.split(":"))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._ready.wait(20)

    def _on_message(self, _client: object, _data: object, message: object) -> None:
        with self._changed:
            self.heard.append((message.topic, message.payload.decode()))  # type: ignore[attr-defined]
            self._changed.notify_all()

    def wait_for(self, topic: str, payload: str | None = None, count: int = 1) -> list[str]:
        """The payloads of a topic, once there are so many, or until one is heard."""

        def found() -> list[str]:
            payloads = [text for name, text in self.heard if name == topic]
            return payloads if len(payloads) >= count and (payload is None or payload in payloads) else []

        with self._changed:
            assert self._changed.wait_for(found, 30), (topic, payload, self.heard[-5:])
            return found()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
