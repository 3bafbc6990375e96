"""Pages: what the live page's server answers. One page, and one stream of events that keeps it up to date."""

from __future__ import annotations

import asyncio
import html
import ipaddress
import json
import secrets
from collections.abc import AsyncIterator, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from edgeship_runtime.sinks.board import Board

_INTERVAL_S = 0.1
_ALIVE_S = 2.0  # without news, so that the page can tell silence from a lost connection


class Pages:
    """Answers requests; all state is the board's."""

    def __init__(self, board: Board, is_token: Callable[[str], bool], *, open_to_all: bool) -> None:
        self._board, self._is_token, self._open_to_all = board, is_token, open_to_all
        self._template = (files("edgeship_runtime") / "templates" / "live.html").read_text("utf-8")

    async def page(self, request: Request) -> Response:
        """The page itself: no parts from elsewhere."""
        if refusal := self._refusal(request):
            return refusal
        nonce = secrets.token_urlsafe(16)
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'"
        text = self._template.replace("NONCE", nonce).replace("TITLE", html.escape(self._board.title))
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return Response(text, headers=headers, media_type="text/html")

    async def events(self, request: Request) -> Response:
        """Server-sent events: a JSON object for each change of a source."""
        if refusal := self._refusal(request):
            return refusal
        return StreamingResponse(self._changes(), headers={"Cache-Control": "no-store"}, media_type="text/event-stream")

    def _refusal(self, request: Request) -> Response | None:
        if self._open_to_all:
            if self._is_token(request.query_params.get("token", "")):
                return None
            return PlainTextResponse("This page needs the token that edgeship printed: /?token=…\n", 403)
        if _is_own(request.url.hostname or ""):
            return None
        return PlainTextResponse("This page is for this machine only.\n", 403)

    async def _changes(self) -> AsyncIterator[str]:
        """Always the newest: a slow browser misses results, it does not hear old ones."""
        seen: dict[str, int] = {}
        quiet_s = 0.0
        yield "retry: 1000\n\n"
        while not self._board.is_closed:
            changed = [source for source in self._board.sources() if seen.get(source) != self._board.number(source)]
            for source in changed:
                seen[source] = self._board.number(source)
                snapshot = await asyncio.to_thread(self._board.snapshot, source)
                yield f"data: {json.dumps(snapshot, allow_nan=False)}\n\n"
            quiet_s = 0.0 if changed else quiet_s + _INTERVAL_S
            if quiet_s > _ALIVE_S:
                quiet_s = 0.0
                yield "event: alive\ndata: {}\n\n"
            await asyncio.sleep(_INTERVAL_S)
        yield "event: ended\ndata: {}\n\n"


def _is_own(host: str) -> bool:
    """Whether only this machine calls itself so: localhost, 127.0.0.0/8, ::1."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
