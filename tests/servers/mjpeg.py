"""An MJPEG camera on 127.0.0.1 that does what it is told: sends pictures, or falls silent, sends garbage, breaks off."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

Wire = Callable[[bytes, int], bytes]  # a picture and its number → what is sent


def proper(picture: bytes, number: int) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture)


def without_length(picture: bytes, number: int) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n"


def length_too_small(picture: bytes, number: int) -> bytes:
    return proper(picture, number).replace(b"%d" % len(picture), b"%d" % (len(picture) // 2), 1)


def length_too_large(picture: bytes, number: int) -> bytes:
    return proper(picture, number).replace(b"%d" % len(picture), b"%d" % (len(picture) * 3), 1)


def garbage(picture: bytes, number: int) -> bytes:
    return proper(bytes(range(256)) * 8, number)


def truncated(picture: bytes, number: int) -> bytes:
    return proper(picture[: len(picture) // 2], number)


def rubbish_between(picture: bytes, number: int) -> bytes:
    return b"\0\r\n\r\n\xff\xd8 rubbish\r\n" + proper(picture, number)


@dataclass
class Camera:
    """Sends `pictures`, one after another, `rate` a second, to whoever connects.

    Attributes:
        pictures: JPEG files.
        rate: pictures a second; 0 as fast as they are taken.
        wire: how a picture is sent; may be changed at any time.
        silent: while set, connections stay and nothing is sent; the one in the middle of a picture stops there.
        refusing: while set, connections are closed at once.
        status, content_type: of the answer.
        password: "user:password" that is asked for; empty for none.
        digest: whether it is asked for in such a way that it does not go over the wire (RFC 7616).
        connections: how many were accepted.
        sent: number of pictures that went out.
    """

    pictures: Sequence[bytes]
    rate: float = 50.0
    wire: Wire = proper
    status: str = "200 OK"
    content_type: str = "multipart/x-mixed-replace; boundary=frame"
    password: str = ""
    digest: bool = False
    silent: threading.Event = field(default_factory=threading.Event)
    refusing: threading.Event = field(default_factory=threading.Event)
    connections: int = 0
    sent: int = 0
    port: int = 0
    _open: list[socket.socket] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Camera:
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/stream"

    def kill(self) -> None:
        """Ends as a camera does that loses its power: connections break."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or a waiting accept would take one more
        self._listener.close()
        self.break_off()

    def restart(self) -> None:
        """Comes back at the same port."""
        self._ended = threading.Event()
        self._listen()

    def break_off(self) -> None:
        """Ends the connections there are."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.refusing.is_set():
                connection.close()
                continue
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, self._ended), daemon=True).start()

    def _serve(self, connection: socket.socket, ended: threading.Event) -> None:
        with contextlib.suppress(OSError), connection:
            request = connection.recv(65536)
            if self.password and not self._is_known(request):
                how = b'Digest realm="x", nonce="n", qop="auth"' if self.digest else b'Basic realm="x"'
                connection.sendall(
                    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n" % how
                )
                return
            connection.sendall(f"HTTP/1.1 {self.status}\r\nContent-Type: {self.content_type}\r\n\r\n".encode())
            due = time.monotonic()
            for number in itertools.count():
                data = self.wire(self.pictures[number % len(self.pictures)], number)
                connection.sendall(data[: len(data) // 2])
                while self.silent.is_set():
                    if ended.wait(0.01):
                        return
                connection.sendall(data[len(data) // 2 :])
                self.sent += 1
                due = max(due + (1 / self.rate if self.rate else 0.0), time.monotonic() - 1)
                if ended.wait(max(0.0, due - time.monotonic())):
                    return

    def _is_known(self, request: bytes) -> bool:
        if not self.digest:
            return b"Authorization: Basic " + base64.b64encode(self.password.encode()) in request
        said = dict(re.findall(r'(\w+)="?([^",\r]*)', request.decode().partition("Authorization: Digest ")[2]))
        if not said:
            return False
        secret, asked = _md5(self.password.replace(":", ":x:", 1)), _md5(f"GET:{said['uri']}")
        return said["response"] == _md5(f"{secret}:n:{said['nc']}:{said['cnonce']}:auth:{asked}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
