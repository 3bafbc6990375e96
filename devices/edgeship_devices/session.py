"""Session: one ssh connection to a board, on which the workstation asks and the board's end, `board.agent`, answers.

It is the system's ssh with all that is people's own: config, agent, known_hosts, ProxyJump. Nothing is disabled, nothing is left on
the board: the agent's source goes over first, and runs as long as the connection does.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edgeship_devices import board as board_package
from edgeship_devices.board.agent import GREETING
from edgeship_runtime import files
from edgeship_runtime.errors import DeviceError, UsageError
from edgeship_runtime.record import Json

# Each imports only those before it.
_MODULES = ("facts", "slots", "lock", "trial", "children", "environments", "tidying", "receiving", "services", "agent")
_PYTHON = (3, 7)  # that the agent is written in
_CONNECT_S = 15  # unless the person's own config says otherwise
_GREETING_S = {False: 60, True: 300}  # by whether ssh may ask: a passphrase is typed meanwhile
# What the shell on the board is asked for: read the modules from stdin, then let the agent have the rest of it.
# The current folder, where a user's own json.py may lie, is none of Python's business.
_BOOTSTRAP = """\
import sys
sys.path[:] = filter(None, sys.path)
if sys.version_info < {python}: sys.exit("edgeship-too-old %d.%d" % sys.version_info[:2])
import json, types
for name, source in json.loads(sys.stdin.buffer.read({size}).decode()):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = []
    parent, _, child = name.rpartition(".")
    if parent: setattr(sys.modules[parent], child, module)
    exec(compile(source, name, "exec"), module.__dict__)
module.serve()
"""
# What ssh says → what to do about it. Order matters: a changed key also fails the verification.
_REFUSALS = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key is not the one that is known: another machine answers, or it was installed anew; "
        "if you know why: ssh-keygen -R {host}",
    ),
    ("Host key verification failed", "its host key is unknown; look at it and accept it once: ssh {ssh}"),
    ("Permission denied", "it does not accept your key; give it yours once: ssh-copy-id {ssh}"),
    ("Connection refused", "nothing listens there; is sshd on, and the port right?"),
    ("No route to host", "no route to it; is it on, and in this network?"),
    ("Network is unreachable", "no route to it; is it on, and in this network?"),
    ("Could not resolve hostname", "no such host; try its address instead of its name"),
    ("timed out", "it does not answer; is it on, and in this network?"),
)


@dataclass(frozen=True)
class Target:
    """Where a board is.

    Attributes:
        url: ssh://[USER@]HOST[:PORT], as ssh takes it.
        python: that runs the agent and makes environments there.
    """

    url: str
    python: str = "python3"

    def __post_init__(self) -> None:
        """Refuses what is no such address."""
        try:
            parts = urlsplit(self.url)
            sound = parts.scheme == "ssh" and bool(parts.hostname) and parts.path in ("", "/")
            sound = sound and not parts.query and not parts.fragment and (parts.port is None or parts.port > 0)
            sound = sound and not parts.password and not (parts.username or "").startswith("-")
            sound = sound and not (parts.hostname or "-").startswith("-")
        except ValueError:
            sound = False
        if not sound:
            raise UsageError(f"{self.url!r} is no board; wanted ssh://[USER@]HOST[:PORT]")

    @property
    def ssh(self) -> str:
        """What a person types after `ssh`."""
        parts = urlsplit(self.url)
        where = f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname)
        return f"-p {parts.port} {where}" if parts.port else where

    @property
    def host(self) -> str:
        """As known_hosts writes it."""
        parts = urlsplit(self.url)
        return f"'[{parts.hostname}]:{parts.port}'" if parts.port else str(parts.hostname)


class Session:
    """An open connection.

    Attributes:
        target: the board.
        facts: what `board.facts.facts` says there.
    """

    def __init__(self, target: Target, process: subprocess.Popen[bytes], complaints: Path) -> None:
        self.target, self._process, self._complaints = target, process, complaints
        self.facts: Mapping[str, Json] = {}

    def ask(self, do: str, payload: bytes = b"", **what: Json) -> Json:
        """One request and its answer.

        Raises:
            DeviceError: the board refuses, with its reason, or the connection is lost.
        """
        self._send(json.dumps({"do": do, **what}).encode() + b"\n")
        self._send(payload)
        return self._answer()

    def lock(self, room_bytes: int = 0) -> None:
        """Keeps others from changing anything while this session lasts; what killed deploys left is tidied up.

        Facts say afterwards what is free then.

        Args:
            room_bytes: that are needed. Where less is free, the board lets go of what it could otherwise use again.

        Raises:
            DeviceError: somebody else has the lock.
        """
        self.facts = {**self.facts, **self.ask("lock", room=room_bytes)}

    def put(self, path: str, data: bytes) -> None:
        """Brings bytes to a path below edgeship's folder there; they arrive whole or are refused."""
        self.ask("put", data, path=path, size=len(data), sha256=files.sha256(data))

    def put_file(self, path: str, source: Path, sha256: str) -> None:
        """The same of a file, piece by piece: a fleet's boards get the same wheels at the same time."""
        with source.open("rb") as stream:
            size = source.stat().st_size
            self._send(json.dumps({"do": "put", "path": path, "size": size, "sha256": sha256}).encode() + b"\n")
            for piece in iter(lambda: stream.read(1 << 20), b""):
                self._send(piece)
        self._answer()

    def _answer(self) -> Json:
        line = self._out.readline()
        if not line.endswith(b"\n"):
            raise DeviceError(self._why())
        answer = json.loads(line)
        if "error" in answer:
            raise DeviceError(f"{self.target.url}: {answer['error']}")
        return answer["answer"]

    def greet(self, limit_s: float) -> None:
        """Sends the agent, and waits for its first line; what shells and profiles print before that is passed over."""
        late = threading.Timer(limit_s, self._process.kill)
        late.start()
        try:
            self._send(_package())
            for line in iter(self._out.readline, b""):
                if line.startswith(GREETING):
                    self.facts = json.loads(line[len(GREETING) :])
                    return
        finally:
            late.cancel()
        if self._process.wait() == -signal.SIGKILL:
            raise DeviceError(
                f"{self.target.url}: it lets ssh in and says nothing for {limit_s:.0f} s; does its login script wait for something?"
            )
        raise DeviceError(self._why())

    @property
    def _out(self) -> subprocess.IO[bytes]:  # type: ignore[name-defined]  # typeshed has it, the module does not export it
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        return self._process.stdout

    def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise DeviceError(self._why()) from None

    def _why(self) -> str:
        """Why the connection ended: what ssh or the board's shell said, and what to do."""
        code = self._process.wait()
        said = self._complaints.read_text("utf-8", "replace")
        url, python = self.target.url, self.target.python
        old = re.search(r"edgeship-too-old ([\d.]+)", said)
        if old:
            return f"{url}: {python} there is {old[1]}, too old; edgeship needs 3.11. Name another one: --python python3.11"
        if code == 127:
            return f"{url}: there is no {python}; install it there: sudo apt install python3 python3-venv"
        if code == 255 and not self.facts:
            for words, cure in _REFUSALS:
                if words in said:
                    return f"{url}: {cure.format(ssh=self.target.ssh, host=self.target.host)}"
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        last = f" ({lines[-1]})" if lines else ""
        return f"{url}: the connection was lost{last}; the board goes on with what it ran"


@contextlib.contextmanager
def connect(target: Target, *, ask: bool = True) -> Iterator[Session]:
    """Opens a session, and ends it.

    Args:
        target: the board.
        ask: whether ssh may ask for a passphrase, or whether a host key is right, on the terminal.

    Raises:
        DeviceError: there is no ssh here; the board cannot be reached, or lacks Python.
    """
    code = _BOOTSTRAP.format(python=_PYTHON, size=len(_package()))
    remote = f"exec {shlex.quote(target.python)} -c {shlex.quote(code)}"
    # Without a sign of life a lost connection would be waited for for ever.
    options = ["-T", "-o", "ServerAliveInterval=15", *_patience(target), *([] if ask else ["-o", "BatchMode=yes"])]
    with tempfile.NamedTemporaryFile(prefix="edgeship-ssh-") as complaints:
        try:
            process = subprocess.Popen(
                ["ssh", *options, target.url, remote],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )
        except FileNotFoundError:
            raise DeviceError("there is no ssh on this machine: sudo apt install openssh-client") from None
        try:
            session = Session(target, process, Path(complaints.name))
            session.greet(_GREETING_S[ask])
            yield session
        finally:
            _end(process)


def _patience(target: Target) -> list[str]:
    """How long ssh tries to connect, where its config leaves that to TCP, which takes minutes."""
    with contextlib.suppress(FileNotFoundError):  # told below
        config = subprocess.run(["ssh", "-G", target.url], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if re.search(rb"^connecttimeout \d", config.stdout, re.MULTILINE):
            return []
    return ["-o", f"ConnectTimeout={_CONNECT_S}"]


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.close()
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    process.stdout.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def _package() -> bytes:
    """The agent's modules, names and sources."""
    folder = Path(str(board_package.__file__)).parent
    name = board_package.__name__
    empty = [[name.partition(".")[0], ""], [name, ""]]
    return json.dumps(
        [*empty, *([f"{name}.{part}", (folder / f"{part}.py").read_text("utf-8")] for part in _MODULES)]
    ).encode()
