"""Agent: the board's end of a session. One request a line on stdin, some with bytes behind it; one answer a line on stdout.

It ends with the connection, and what it held, a lock, ends with it.
"""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from edgeship_devices.board import children, environments, facts, lock, receiving, services, slots, tidying, trial
from edgeship_devices.board.receiving import inside
from edgeship_devices.board.slots import BoardError

GREETING = b"edgeship-board "
_VERIFY_LIMIT_S = 600


def serve() -> None:
    """Says what this board is, then answers until stdin ends."""
    source, out = sys.stdin.buffer, sys.stdout.buffer
    out.write(b"\n" + GREETING + json.dumps(facts.facts()).encode() + b"\n")  # a login script may have left a line open
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
    except Exception as error:  # what nobody thought of is told too, and the session goes on
        return {"error": f"{type(error).__name__}: {error}"}


def _lock(request: dict[str, object], _: IO[bytes]) -> object:
    """One deploy at a time. First comes what an earlier one that died left to be done."""
    lock.take()
    for name in trial.names():
        if trial.undo(name) and services.is_running(name):
            services.restart(name)
    return {"disk_free_bytes": tidying.tidy(int(str(request.get("room", 0))))}


def _put(request: dict[str, object], source: IO[bytes]) -> object:
    receiving.receive(str(request["path"]), int(str(request["size"])), str(request["sha256"]), source)
    return None


def _has(request: dict[str, object], _: IO[bytes]) -> object:
    """Which of these files are here already, whole: a list of paths."""
    wanted = request["files"]
    assert isinstance(wanted, dict)  # noqa: S101 - our own protocol
    there = [path for path, digest in wanted.items() if slots.digest(inside(path)) == digest]
    for path in there:
        inside(path).touch()  # see tidying
    return there


def _environment(request: dict[str, object], _: IO[bytes]) -> object:
    """Sees to an environment: whether it had to be built, and its prefix."""
    if request.get("given"):
        return {"built": False, "prefix": str(environments.given(str(request["given"])))}
    identity = str(request["identity"])
    built = not environments.use(identity)
    if built and not request.get("build"):
        return {"built": False, "prefix": None}
    if built:
        constraints = request["constraints"]
        assert isinstance(constraints, list)  # noqa: S101 - our own protocol
        wheels = str(inside("wheels/" + identity)) if request.get("offline") else None
        system, alone = bool(request.get("system")), bool(request.get("alone"))
        environments.build(identity, str(request["requirement"]), constraints, wheels, system=system, alone=alone)
    return {"built": built, "prefix": str(environments.place(identity))}


def _store(request: dict[str, object], _: IO[bytes]) -> object:
    staged = inside("staging/model")
    slots.store(_name(request), str(request["slot"]), staged, Path(str(request["prefix"])))
    return None


def _verify(request: dict[str, object], _: IO[bytes]) -> object:
    """Runs `edgeship verify` in a child: a file that kills an engine kills only that."""
    name = _name(request)
    target = slots.folder(name) / "slots" / str(request["slot"])
    python = str(target / "environment" / "bin" / "python")
    command = [python, "-P", "-m", "edgeship_runtime.cli", "verify", str(target / "model"), "--json"]
    try:
        done = children.run(command, limit_s=_VERIFY_LIMIT_S)
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
    if not services.is_running(name):
        return {"generation": slots.switch(name, str(request["slot"])), "service": None}
    trial.begin(name, before)
    now = slots.switch(name, str(request["slot"]))
    wrong = services.restart(name)
    if wrong is None:
        trial.end(name)
        return {"generation": now, "service": "active"}
    if trial.undo(name):
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
    return None


def _install(request: dict[str, object], _: IO[bytes]) -> object:
    name = _name(request)
    notes = services.install(name, str(request["unit"]))
    return {"notes": notes, "service": services.status(name)}


def _remove(request: dict[str, object], _: IO[bytes]) -> object:
    return services.remove(_name(request))


def _work(request: dict[str, object], _: IO[bytes]) -> object:
    """Runs a module in an environment, on a folder of ours."""
    python = str(Path(str(request["prefix"])) / "bin" / "python")
    folder = str(inside(str(request["folder"])))
    done = children.run([python, "-P", "-m", str(request["module"]), folder], str(request["stdin"]).encode())
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
    "work": _work,
}


def _name(request: dict[str, object]) -> str:
    name = str(request["name"])
    slots.folder(name)  # refuses what is none
    return name


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
