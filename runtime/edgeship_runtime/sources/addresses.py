"""Addresses: cameras by number and streams by URL, and how to speak of them without their passwords."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from edgeship_runtime.errors import DataError

# `?password=…`, and `/user=me_password=…_channel=1` as some cameras have it in their path, where an underscore may begin the next key.
_KEYS = (
    r"(?i)([\w-]*(?:password|passwd|passphrase|pwd|psw|token|secret|credentials?|signature|(?:api|access|auth|private)_?key)="
    r"|(?<![a-z])(?:(?:login|user)?pass?|pw|key|auth|sig)=)"
)
_SECRET_IN_PATH = re.compile(_KEYS + r"(?:(?!_[a-z]+=)[^&/;#])+")
_SECRET_IN_QUERY = re.compile(_KEYS + r"[^&#]+")
_OPENING = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]*:)?/*")  # a scheme, and as many slashes as somebody wrote


@dataclass(frozen=True)
class Live:
    """A camera or a stream, which has no end.

    Attributes:
        name: as it was given, without passwords.
        kind: "camera", "picamera", "rtsp" or "http".
        address: the URL; the number of a camera.
        size: width and height in pixels that a camera is asked for; None takes its own.
        fps: frames a second that a camera is asked for; None takes its own.
    """

    name: str
    kind: str
    address: str
    size: tuple[int, int] | None = None
    fps: float | None = None
    is_live: ClassVar[Literal[True]] = True


def camera(kind: str, text: str) -> Live:
    """`camera:N?size=WxH&fps=F`, of which `text` is what follows the colon.

    Raises:
        DataError: it is not of that form.
    """
    name, (number, _, query) = redacted(f"{kind}:{text}"), text.partition("?")
    if not (number.isascii() and number.isdecimal() and len(number) < 4):
        raise DataError(f"{name}: wanted the number of a camera, such as {kind}:0{_NODE[kind]}")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(set(options) - {"size", "fps"}):
        raise DataError(f"{name}: no option {unknown[0]!r}; known: size=WIDTHxHEIGHT, fps=F")
    size = _size(name, options["size"]) if "size" in options else None
    return Live(f"{kind}:{number}", kind, number, size, _rate(name, options["fps"]) if "fps" in options else None)


def stream(url: str) -> Live:
    """`rtsp://…`, `http://…` or `https://…`.

    Raises:
        DataError: another scheme, or no host.
    """
    name = redacted(url)
    try:
        parts = parted(url)
    except ValueError as error:
        raise DataError(f"{name}: {error}") from None
    host = parts.hostname
    if parts.scheme not in ("rtsp", "http", "https"):
        raise DataError(f"{parts.scheme}:// cannot be read; wanted rtsp://, http:// or https://")
    if not host:
        raise DataError(f"{name}: wanted {parts.scheme}://HOST/PATH, and there is no host")
    return Live(name, "rtsp" if parts.scheme == "rtsp" else "http", url)


def parted(url: str) -> SplitResult:
    """The parts of a URL, of which the port is known to be one.

    Raises:
        ValueError: it has none; the words repeat nothing of it, because a password with a slash is taken for a port.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
        (parts.hostname or "").encode("idna")  # as looking it up does: a label that is empty, or longer than 63 letters
    except ValueError:
        hint = "; in a password / ? # @ are written %2F %3F %23 %40" if "@" in url else ""
        raise ValueError(f"wanted a host, or a host and a number as its port{hint}") from None
    return parts


def redacted(url: str) -> str:
    """A URL as it may be shown and logged: passwords and tokens are replaced by "***". Also one with a slip in it, such as rtsp:/.

    A password may hold an @, a slash or a question mark that nobody wrote as %40, %2F or %3F, so all from the first colon to the
    last @ is taken for one: rather a path that is not shown than a password that is.
    """
    found = _OPENING.match(url)
    opening = found[0] if found else ""
    rest = url[len(opening) :]
    before, at, after = rest.rpartition("@")
    user, colon, _ = before.partition(":")
    if at and colon and not before.startswith("["):  # an IPv6 address
        rest = f"{user}:***@{after}"
    elif at and opening.endswith(":"):  # what looked like a scheme is a user
        rest = f"***@{after}"
    path, question, query = rest.partition("?")
    return f"{opening}{_SECRET_IN_PATH.sub(_HIDDEN, path)}{question}{_SECRET_IN_QUERY.sub(_HIDDEN, query)}"


def without_passwords(text: str, arguments: Sequence[str] = ()) -> str:
    """A message that may repeat what somebody typed, URLs redacted: a source given as the model, or after a mistyped option.

    Args:
        text: the message.
        arguments: that were typed, in which a password may have a blank.
    """
    for argument in arguments:
        if found := _PASSWORD.search(argument):
            for password in (found[1], re.sub("/+", "/", found[1])):  # as a path, two slashes are one
                text = text.replace(f":{password}@", ":***@")
    return _MAY_TELL.sub(
        lambda word: word[0] if "//USER:PASSWORD@" in word[0] else redacted(word[0]), text
    )  # our own hint


_PASSWORD = re.compile(r"(?s):/+[^:/@]*:(.*)@")
_MAY_TELL = re.compile(r"\S*[@=]\S*")
_HIDDEN = r"\1***"
_NODE = {"camera": " for /dev/video0", "picamera": ""}


def _size(name: str, text: str) -> tuple[int, int]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise DataError(f"{name}: size is {text!r}; wanted WIDTHxHEIGHT, such as size=1280x720")
    return int(width), int(height)


def _rate(name: str, text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1000:
        raise DataError(f"{name}: fps is {text!r}; wanted frames a second, such as fps=15")
    return rate
