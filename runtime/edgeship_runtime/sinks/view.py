"""View: a live page for a browser, also a phone's: the picture, its label and score, ages and latencies, temperature, states.

Only this machine may look at it, unless an address is given: then whoever has the token that is printed. A page that is fetched from
elsewhere cannot look in either (DNS rebinding): the name that a browser asked for must be one of this machine's.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
import socket
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from edgeship_runtime.errors import MissingExtraError, OutputError, UsageError
from edgeship_runtime.files import reason
from edgeship_runtime.results import Result
from edgeship_runtime.sinks import Writing
from edgeship_runtime.sinks.board import Board
from edgeship_runtime.sinks.sink import State
from edgeship_runtime.sources.addresses import redacted
from edgeship_runtime.terminal import say

_PATIENCE_S = 2.0
_MOST_CLIENTS = 16


@dataclass(frozen=True)
class Address:
    """Where the page is served."""

    host: str
    port: int

    @property
    def is_this_machine_only(self) -> bool:
        """Whether nobody else can reach it."""
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback

    def url(self, token: str) -> str:
        """What a browser is to open; of all addresses of this machine, the one that others know it by."""
        host = self.host
        if host in ("0.0.0.0", "::"):  # noqa: S104 - somebody asked for it
            host = _own_address(socket.AF_INET6 if ":" in host else socket.AF_INET)
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}/{token and f'?token={token}'}"


def parse(text: str) -> Address:
    """view://HOST:PORT, with the address of an interface of this machine.

    Raises:
        UsageError: it is not of that form.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        if host != "localhost":
            ipaddress.ip_address(host)
        is_all = (
            parts.username is None and not parts.path.strip("/") and not parts.query
        )  # the rest would have no effect
    except ValueError:
        host, port, is_all = "", None, False
    if not host or not port or not is_all:
        raise UsageError(
            f"--to {redacted(text)}: wanted view://127.0.0.1:8080, or view://0.0.0.0:8080 for others to see"
        )
    return Address(host, port)


class View:
    """A web server in a thread of its own."""

    def __init__(self, text: str, writing: Writing) -> None:
        self._address = parse(text)
        self._token = "" if self._address.is_this_machine_only else _token()
        self._board = Board(writing.title)
        self._server = _server(text, self._board, self._token)
        self._listening = _listening(text, self._address)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listening]}, name="view", daemon=True
        )
        self._thread.start()
        say(f"live page: {self._address.url(self._token)}")

    def write(self, result: Result) -> None:
        """Shows a result, if anybody looks."""
        self._board.show(result)

    def state(self, source: str, state: State, detail: str) -> None:
        """Shows a state."""
        self._board.tell(source, state, detail)

    def close(self) -> None:
        """Ends the server."""
        self._board.close()
        self._server.should_exit = True
        self._thread.join(_PATIENCE_S)
        self._listening.close()


def _token() -> str:
    """A new one for each start, unless whoever starts this again and again keeps one: a service."""
    return os.environ.get("EDGESHIP_VIEW_TOKEN") or secrets.token_urlsafe(16)


def _listening(text: str, address: Address) -> socket.socket:
    """A socket at the address, opened here because the server would end the program where it cannot."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        said = OSError(
            error.errno, os.strerror(error.errno or 0)
        )  # Python adds the address, which stands there already
        raise OutputError(f"--to {text}: {reason(said)}") from None


def _server(text: str, board: Board, token: str) -> Any:  # noqa: ANN401 - uvicorn's
    try:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtraError(
            f"--to {text} needs a web server, which cannot be imported ({error}): pip install 'edgeship[view]'"
        ) from None
    from edgeship_runtime.sinks.pages import Pages

    pages = Pages(board, lambda given: hmac.compare_digest(given.encode(), token.encode()), open_to_all=bool(token))
    routes = [Route("/", pages.page), Route("/events", pages.events)]
    config = uvicorn.Config(
        Starlette(routes=routes),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        limit_concurrency=_MOST_CLIENTS,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _own_address(family: socket.AddressFamily) -> str:
    """By which address of this machine others reach it: that of the way out. Nothing is sent for it."""
    far = "2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1"  # reserved for documentation
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
