"""MQTT: results as messages, and whether this program lives.

    TOPIC/result   a JSON object for each result
    TOPIC/state    retained: live source → its state
    TOPIC/status   retained: "online"; "offline" when this program ends, which the broker says itself where it dies (the last will)

While the broker cannot be reached, results wait, a bounded number of them; status and state are told as they are when it is back.
Connecting is tried for ever.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from edgeship_runtime.errors import MissingExtraError, OutputError, UsageError
from edgeship_runtime.results import Result
from edgeship_runtime.sinks import Writing
from edgeship_runtime.sinks.sink import State
from edgeship_runtime.sources.addresses import parted, redacted
from edgeship_runtime.terminal import counted, say
from edgeship_runtime.unreachable import why

MOST_WAITING = 1000  # messages; at 30 a second half a minute
_PATIENCE_S = 3.0
_KEEPALIVE_S = 15
_TOP_K = 5
_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Broker:
    """Where messages go.

    Attributes:
        name: the URL without its password.
        host, port, tls: of the broker.
        user, password: None for none.
        topic: prefix of the topics.
        qos: 0 at most once, 1 at least once (the default), 2 exactly once.
    """

    name: str
    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None
    topic: str
    qos: int


def parse(url: str) -> Broker:
    """mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC][?qos=0|1|2].

    Raises:
        UsageError: it is not of that form; passwords are not repeated.
    """
    name = redacted(url)
    try:
        parts = parted(url)
    except ValueError as error:
        raise UsageError(f"--to {name}: {error}") from None
    host, port = parts.hostname, parts.port
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    topic = unquote(parts.path).strip("/") or "edgeship"
    if not host:
        raise UsageError(f"--to {name}: wanted mqtt://HOST/TOPIC, and there is no host")
    if set(options) - {"qos"} or options.get("qos", "1") not in ("0", "1", "2"):
        raise UsageError(f"--to {name}: wanted no options but qos=0, qos=1 or qos=2")
    if set(topic) & set("+#\0"):
        raise UsageError(f"--to {name}: a topic has no +, # or zero byte")
    user, password = (None if item is None else unquote(item) for item in (parts.username, parts.password))
    tls = parts.scheme == "mqtts"
    return Broker(name, host, port or _PORTS[parts.scheme], tls, user, password, topic, int(options.get("qos", "1")))


class Mqtt:
    """A connection that is made anew when it breaks."""

    def __init__(self, url: str, writing: Writing) -> None:
        self._broker = parse(url)
        self._top_k = writing.top_k or _TOP_K
        self._telling = threading.RLock()  # around what is told of states, so that the last one told is the last one
        self._states: dict[str, State] = {}
        self._connected = False
        self._changed = threading.Condition()
        self._sent = self._done = self._dropped = 0
        self._complained = ""
        self._client = self._prepared()
        self._client.connect_async(self._broker.host, self._broker.port, _KEEPALIVE_S)
        self._client.loop_start()  # a thread, which connects, and connects again; it calls what uses _client

    def write(self, result: Result) -> None:
        """Sends a result, or has it wait."""
        with self._changed:
            is_full = self._sent - self._done >= MOST_WAITING
        if is_full or not self._publish("result", result.to_json(self._top_k)):
            self._dropped += 1
            self._complain(
                f"{MOST_WAITING:,} messages wait; further ones are dropped" if self._broker.qos else "messages are lost"
            )

    def state(self, source: str, state: State, detail: str) -> None:
        """Tells the states of all sources."""
        with self._telling:
            self._states[source] = state
            self._tell_states()

    def close(self) -> None:
        """Waits a little for what is under way, says goodbye, and ends the connection.

        Raises:
            OutputError: some messages could not be delivered.
        """
        with self._telling:
            if self._connected:  # otherwise the broker has said so
                self._publish("status", "offline", retain=True)
        with self._changed:
            self._changed.wait_for(lambda: self._done >= self._sent, _PATIENCE_S)
            lost = self._dropped + self._sent - self._done
        self._client.disconnect()
        self._client.loop_stop()
        if lost:
            raise OutputError(f"--to {self._broker.name}: {counted(lost, 'message')} not delivered")

    def _tell_states(self) -> None:
        """Of all sources; when there is a connection, if there is none now."""
        if self._connected and self._states:
            self._publish("state", dict(self._states), retain=True)

    def _publish(self, topic: str, value: object, *, retain: bool = False) -> bool:
        """Whether the message was taken; sent at once, or when there is a connection."""
        payload = value if isinstance(value, str) else json.dumps(value, allow_nan=False)
        with self._changed:
            self._sent += 1
        info = self._client.publish(f"{self._broker.topic}/{topic}", payload, self._broker.qos, retain)
        # While there is no connection MQTT_ERR_NO_CONN comes back, and the message waits all the same, unless it is of QoS 0.
        taken = info.rc == 0 or (info.rc == _NO_CONNECTION and self._broker.qos > 0)
        if not taken:
            with self._changed:
                self._sent -= 1
        return taken

    def _prepared(self) -> Any:  # noqa: ANN401 - paho's
        try:
            from paho.mqtt import client as paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise MissingExtraError(
                f"--to {self._broker.name} needs paho-mqtt, which cannot be imported ({error}): pip install 'edgeship[mqtt]'"
            ) from None
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.max_queued_messages_set(0)  # counted here, where "online" is not refused for results that wait
        client.reconnect_delay_set(1, 30)
        client.will_set(f"{self._broker.topic}/status", "offline", qos=1, retain=True)
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set()
        client.on_connect, client.on_connect_fail = self._on_connect, self._on_connect_fail
        client.on_disconnect, client.on_publish = self._on_disconnect, self._on_publish
        return client

    def _on_connect(self, client: Any, _data: object, _flags: object, reason: Any, _properties: object) -> None:  # noqa: ANN401
        if reason.is_failure:
            self._complain(f"not connected: {str(reason).lower()}; trying again")
            return
        self._complained = ""
        say(f"{self._broker.name}: connected")
        with self._telling:
            self._connected = True
            self._publish("status", "online", retain=True)
            self._tell_states()

    def _on_connect_fail(self, _client: object, _data: object) -> None:
        error = sys.exception()  # paho calls this where it has caught one, and does not say which
        reason = f" ({why(error)})" if isinstance(error, OSError) else ""
        self._complain(f"cannot be reached{reason}; trying again")

    def _on_disconnect(self, _client: object, _data: object, _flags: object, reason: Any, _properties: object) -> None:  # noqa: ANN401
        with self._telling:
            self._connected = False
        if reason.is_failure:
            self._complain(f"disconnected ({str(reason).lower()}); trying again")

    def _on_publish(self, _client: object, _data: object, _mid: int, _reason: object, _properties: object) -> None:
        with self._changed:
            self._done += 1
            self._changed.notify_all()

    def _complain(self, text: str) -> None:
        """Says what is wrong, once until it is right again."""
        if text != self._complained:
            self._complained = text
            say(f"{self._broker.name}: {text}")


_NO_CONNECTION = 4  # paho's MQTT_ERR_NO_CONN
