"""Agent: the board's end of a session. One request a line on stdin, some with bytes behind it; one answer a line on stdout.

It ends with the connection, and what it held, a lock, ends with it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from edgeship_devices.board import environments, facts, services, slots
from edgeship_devices.board.slots import BoardError

GREETING = b"edgeship-board "
_VERIFY_LIMIT_S = 600
_held: list[IO[str]] = []  # the lock


def serve() -> None:
    """Says what this board is, then answers until stdin ends."""
    source, out = sys.stdin.buffer, sys.stdout.buffer
    out.write(GREETING + json.dumps(facts.facts()).encode() + b"\n")
    out.flush()
    for line in iter(source.readline, b""):
        request = json.loads(line.decode())
        answer = _answer(request, source)
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()


def _answer(request: dict[str, object], source: IO[bytes]) -> dict[str, object]:
    try:
        return {"answer": _VERBS[str(request["do"])](request, source)}
    except BoardError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": _said(error)}


def _lock(_request: dict[str, object], _: IO[bytes]) -> object:
    """One deploy at a time. The kernel gives the lock back when this process ends, however it ends."""
    home = facts.data_home()
    home.mkdir(parents=True, exist_ok=True)
    stream = (home / "lock").open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BoardError("somebody else deploys to this board right now; try again") from None
    _held.append(stream)
    shutil.rmtree(str(home / "staging"), ignore_errors=True)  # of a deploy that was killed
    return None


def _put(request: dict[str, object], source: IO[bytes]) -> object:
    """Receives a file into a place of its own, and compares its digest."""
    size, wanted = int(str(request["size"])), str(request["sha256"])
    target = _inside(str(request["path"]))
    found = hashlib.sha256()
    failure = None
    stream = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stream = target.open("wb")
    except OSError as error:
        failure = error
    while size:
        piece = source.read(min(size, 1 << 16))
        if not piece:
            raise SystemExit(1)  # the connection is gone
        size -= len(piece)
        found.update(piece)
        if stream is not None and failure is None:
            try:
                stream.write(piece)
            except OSError as error:
                failure = error
    if stream is not None:
        failure = _closed(stream) or failure
    if failure is not None:
        if target.exists():
            target.unlink()
        raise failure
    if found.hexdigest() != wanted:
        target.unlink()
        raise BoardError(f"{target.name} arrived with other bytes than were sent")
    return None


def _closed(stream: IO[bytes]) -> OSError | None:
    try:
        with stream:
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        return error
    return None


def _has(request: dict[str, object], _: IO[bytes]) -> object:
    """Which of these files are here already, whole: a list of paths."""
    wanted = request["files"]
    assert isinstance(wanted, dict)  # noqa: S101 - our own protocol
    return [path for path, digest in wanted.items() if slots.digest(_inside(path)) == digest]


def _environment(request: dict[str, object], _: IO[bytes]) -> object:
    """Sees to an environment: whether it had to be built, and its prefix."""
    if request.get("given"):
        return {"built": False, "prefix": str(environments.given(str(request["given"])))}
    identity = str(request["identity"])
    built = not environments.is_ready(identity)
    if built and not request.get("build"):
        return {"built": False, "prefix": None}
    if built:
        constraints = request["constraints"]
        assert isinstance(constraints, list)  # noqa: S101 - our own protocol
        wheels = str(_inside("wheels/" + identity)) if request.get("offline") else None
        environments.build(
            identity, str(request["requirement"]), constraints, wheels, system=bool(request.get("system"))
        )
    return {"built": built, "prefix": str(environments.place(identity))}


def _store(request: dict[str, object], _: IO[bytes]) -> object:
    staged = _inside("staging/model")
    slots.store(_name(request), str(request["slot"]), staged, Path(str(request["prefix"])))
    return None


def _verify(request: dict[str, object], _: IO[bytes]) -> object:
    """Runs `edgeship verify` in a child: a file that kills an engine kills only that."""
    name = _name(request)
    target = slots.folder(name) / "slots" / str(request["slot"])
    python = str(target / "environment" / "bin" / "python")
    command = [python, "-m", "edgeship_runtime.cli", "verify", str(target / "model"), "--json"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERIFY_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BoardError(f"verify took more than {_VERIFY_LIMIT_S // 60} minutes") from None
    if done.returncode < 0:
        raise BoardError(f"verify was killed by {_signal(-done.returncode)}: the engine does not survive this file")
    try:
        found = json.loads(done.stdout.decode())
    except ValueError:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise BoardError("verify failed: {}".format(lines[-1].replace("edgeship: ", "", 1))) from None
    if found.get("passed"):
        record = {"sha256": slots.digest(target / "model"), "file": request["file"], "verified": time.time()}
        slots.describe(target, dict(record, engine=found["engine"], engine_version=found["engine_version"]))
    return found


def _switch(request: dict[str, object], _: IO[bytes]) -> object:
    """Makes the slot current; a running service must then be well, or the slot before comes back."""
    name = _name(request)
    before = slots.generation(name)
    now = slots.switch(name, str(request["slot"]))
    if not services.is_running(name):
        return {"generation": now, "service": None}
    wrong = services.restart(name)
    if wrong is None:
        return {"generation": now, "service": "active"}
    if now != before:
        slots.withdraw(name, before)
        again = services.restart(name)
        raise BoardError("{}; the file before it is back{}".format(wrong, "" if again is None else ", but: " + again))
    raise BoardError(wrong)


def _rollback(request: dict[str, object], _: IO[bytes]) -> object:
    name = _name(request)
    left = slots.described(slots.current(name) or Path())
    found = slots.described(slots.back(name))
    wrong = services.restart(name) if services.is_running(name) else None
    if wrong is not None:
        raise BoardError("went back to {}, but {}".format(str(found.get("sha256"))[:12], wrong))
    return {"left": left, "now": found}


def _status(_request: dict[str, object], _: IO[bytes]) -> object:
    return [_state(name) for name in slots.names()]


def _state(name: str) -> dict[str, object]:
    place = slots.folder(name)
    found = slots.described(slots.current(name) or Path())
    whole = slots.digest(place / "current" / "model") == found.get("sha256")
    return dict(
        found,
        name=name,
        whole=whole,
        since=(place / "current").lstat().st_mtime,
        generation=slots.generation(name),
        slots=len(list((place / "slots").iterdir())),
        service=services.status(name),
    )


def _collect(request: dict[str, object], _: IO[bytes]) -> object:
    slots.collect(_name(request), int(str(request["keep"])))
    environments.collect()
    return None


def _install(request: dict[str, object], _: IO[bytes]) -> object:
    return services.install(_name(request), str(request["unit"]))


def _remove(request: dict[str, object], _: IO[bytes]) -> object:
    return services.remove(_name(request))


def _edgeship(request: dict[str, object], _: IO[bytes]) -> object:
    """Runs a verb of the edgeship that a name runs with."""
    arguments = request["arguments"]
    assert isinstance(arguments, list)  # noqa: S101 - our own protocol
    python = str(slots.folder(_name(request)) / "current" / "environment" / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "edgeship_runtime.cli", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return {"code": done.returncode, "out": done.stdout.decode(), "err": done.stderr.decode("utf-8", "replace")}


def _work(request: dict[str, object], _: IO[bytes]) -> object:
    """Runs a module in an environment, on a folder of ours."""
    python = str(Path(str(request["prefix"])) / "bin" / "python")
    done = subprocess.run(
        [python, "-m", str(request["module"]), str(_inside(str(request["folder"])))],
        input=str(request["stdin"]).encode(),
        capture_output=True,
        check=False,
    )
    return {"code": done.returncode, "out": done.stdout.decode(), "err": done.stderr.decode("utf-8", "replace")}


_VERBS: Mapping[str, Callable[[dict[str, object], IO[bytes]], object]] = {
    "lock": _lock,
    "put": _put,
    "has": _has,
    "environment": _environment,
    "store": _store,
    "verify": _verify,
    "switch": _switch,
    "rollback": _rollback,
    "status": _status,
    "collect": _collect,
    "install": _install,
    "remove": _remove,
    "edgeship": _edgeship,
    "work": _work,
}


def _name(request: dict[str, object]) -> str:
    name = str(request["name"])
    slots.folder(name)  # refuses what is none
    return name


def _inside(path: str) -> Path:
    """A path below our folder; a session has no business elsewhere."""
    target = facts.data_home() / path
    if ".." in target.parts or (target.is_absolute() and facts.data_home() not in target.parents):
        raise BoardError(f"{path} is outside of {facts.data_home()}")
    return target


def _said(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    if error.errno == errno.EROFS:
        return "the file system is read-only"
    return f"{error.filename}: {(error.strerror or str(error)).lower()}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
