"""MJPEG over HTTP: what most network cameras offer, read here and decoded by Pillow, like every other picture.

Not through OpenCV, which takes a truncated picture for a whole one, rescales silently when the camera changes its resolution, and
decodes every frame, also those that nobody looks at (OpenCV 5.0 with FFmpeg; tried).
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, InvalidURL
from time import monotonic, time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import (
    BaseHandler,
    HTTPBasicAuthHandler,
    HTTPDigestAuthHandler,
    HTTPHandler,
    HTTPPasswordMgrWithDefaultRealm,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from edgeship_runtime.errors import DataError
from edgeship_runtime.frames import Frame
from edgeship_runtime.live.multipart import parts
from edgeship_runtime.live.streams import OPEN_S
from edgeship_runtime.sources.addresses import Live
from edgeship_runtime.unreachable import why

_BOUNDARY = re.compile(r'(?i);\s*boundary=("[^"]+"|[^;\s]+)')


class MjpegStream:
    """A camera that answers one request with pictures for ever."""

    def __init__(self, source: Live, numbers: Iterator[int], stall_s: float) -> None:
        self._name, self._numbers = source.name, numbers
        self._sockets: list[socket.socket] = []
        self._response = self._opened(source.address)
        self._sockets[-1].settimeout(2 * stall_s)  # who watches is faster, and interrupts
        kind = self._response.headers.get("Content-Type", "nothing")
        boundary = _BOUNDARY.search(kind)
        if not kind.lower().startswith("multipart/") or boundary is None:
            self.close()
            raise DataError(f"answers with {kind!r}; wanted MJPEG, multipart/x-mixed-replace; boundary=…")
        self._parts = parts(self._response.read1, boundary[1])

    def read(self) -> Frame:
        """The next picture, as bytes."""
        try:
            part = next(self._parts, None)
        except (OSError, HTTPException, ValueError) as error:
            raise DataError(f"the connection broke: {_why(error)}") from None
        if part is None:
            raise DataError("the camera ended the connection")
        captured_at = time() - (monotonic() - part.arrived_s)
        return Frame(part.content, self._name, next(self._numbers), captured_at=captured_at, arrived_s=part.arrived_s)

    def interrupt(self) -> None:
        """Ends a read that waits."""
        for opened in self._sockets:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends the connection."""
        self._response.close()

    def _opened(self, url: str) -> HTTPResponse:
        parted = urlsplit(url)
        passwords = HTTPPasswordMgrWithDefaultRealm()
        bare = parted._replace(netloc=parted.netloc.rpartition("@")[2]).geturl()
        if parted.username is not None:
            passwords.add_password(None, bare, unquote(parted.username), unquote(parted.password or ""))
        opener = build_opener(
            ProxyHandler({}),  # a camera is near; what leads to the internet does not lead to it
            _Http(self._sockets),
            _Https(self._sockets),
            _Closing(),
            HTTPBasicAuthHandler(passwords),
            HTTPDigestAuthHandler(passwords),
        )
        try:
            response: HTTPResponse = opener.open(Request(bare, headers={"User-Agent": "edgeship"}), timeout=OPEN_S)  # noqa: S310 - http and https only, see sources
        except HTTPError as error:
            error.close()
            raise DataError(_refused(error.code, error.reason, known=parted.username is not None)) from None
        except (OSError, HTTPException, ValueError) as error:
            raise DataError(_why(error)) from None
        return response


def _refused(code: int, text: str, *, known: bool) -> str:
    if code in (401, 403):
        return "refuses this user or password" if known else "wants a user and a password: http://USER:PASSWORD@HOST/…"
    if code == 404:
        return "has nothing at this path (404); see the camera's manual for the path of its MJPEG stream"
    return f"answers {code} {text}"


def _why(error: Exception) -> str:
    if isinstance(error, InvalidURL):  # which repeats the URL
        return "its URL has a blank or a control character; a blank is written %20"
    if isinstance(error, UnicodeEncodeError):  # which repeats a letter of it
        return "user and password can only have ASCII letters here: it asks for them by digest (RFC 7616)"
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, OSError):
        return why(inner)
    return str(inner) or type(inner).__name__


class _Http(HTTPHandler):
    """Keeps the sockets it opens, so that another thread can end what waits on them."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        super().__init__()
        self._sockets = sockets

    def http_open(self, request: Request) -> HTTPResponse:
        """Opens a URL."""
        return self.do_open(partial(_kept, HTTPConnection, self._sockets), request)


class _Https(HTTPSHandler):
    """The same with TLS."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        super().__init__()
        self._sockets = sockets

    def https_open(self, request: Request) -> HTTPResponse:
        """Opens a URL."""
        return self.do_open(partial(_kept, HTTPSConnection, self._sockets), request)


class _Closing(BaseHandler):
    """Ends the connection that was answered by "who are you?", which is asked again on another one."""

    handler_order = 100  # before those who ask again

    def http_error_401(self, request: Request, answer: HTTPResponse, *_: object) -> None:
        """Closes it."""
        answer.close()


def _kept(kind: type[HTTPConnection], sockets: list[socket.socket], host: str, **options: Any) -> HTTPConnection:  # noqa: ANN401 - theirs
    connection = kind(host, **options)
    connect = connection.connect

    def connect_and_keep() -> None:
        connect()
        sockets.append(connection.sock)

    connection.connect = connect_and_keep  # type: ignore[method-assign]
    return connection
