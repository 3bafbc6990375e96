"""A wire to a server on 127.0.0.1 that can be cut in the middle of what it carries: from then on nothing comes, and nothing ends."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

_CHUNK = 4096


class Wire:
    """Carries what is sent to its port to another one, and what comes back.

    Attributes:
        port: where it begins.
        carried: bytes that came back.
    """

    def __init__(self, to: int) -> None:
        self._to, self._cut = to, threading.Event()
        self._open: list[socket.socket] = []
        self.carried = 0

    def __enter__(self) -> Wire:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for opened in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def cut(self) -> None:
        """Carries half of the next piece, and nothing more on the connections there are; those that come later are whole."""
        self._cut.set()
        self._cut = threading.Event()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open += [near, far]
                cut = self._cut
                threading.Thread(target=self._carry, args=(near, far, cut, 0), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, cut, 1), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, cut: threading.Event, counts: int) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_CHUNK):
                is_cut = cut.is_set()
                target.sendall(piece[: len(piece) // 2] if is_cut else piece)
                self.carried += counts * len(piece)
                if is_cut:
                    return
            target.shutdown(socket.SHUT_WR)
