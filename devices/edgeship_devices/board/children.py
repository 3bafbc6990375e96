"""Children: programs that the agent runs for a session. They end with the connection, and while one works the lock is held."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Sequence

from edgeship_devices.board import lock

_STDIN = 0
_LOOK_S = 1.0


def run(command: Sequence[str], text: bytes = b"", limit_s: float | None = None) -> subprocess.CompletedProcess[bytes]:
    """Runs a program to its end, and kills it with all that it started when the workstation is gone: nobody waits for it then.

    Args:
        command: and its arguments. PYTHONPATH and PYTHONHOME are not passed on: they are of another Python.
        text: its stdin.
        limit_s: how long it may take.

    Raises:
        OSError: it cannot be started.
        subprocess.TimeoutExpired: it took longer, and was killed.
        SystemExit: the connection is gone.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")},
        start_new_session=True,  # a process group, to be killed as one
        pass_fds=lock.descriptors(),
    )
    done, gone = threading.Event(), threading.Event()
    threading.Thread(target=_watch, args=(process.pid, done, gone), daemon=True).start()
    try:
        out, err = process.communicate(text, timeout=limit_s)
    except subprocess.TimeoutExpired:
        _kill(process.pid)
        process.communicate()
        raise
    finally:
        done.set()
    if gone.is_set():
        raise SystemExit(1)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _watch(group: int, done: threading.Event, gone: threading.Event) -> None:
    """While a request is worked on no other one comes: what can be read on stdin is its end."""
    while not done.is_set():
        readable, _, _ = select.select([_STDIN], [], [], _LOOK_S)
        if readable and not done.is_set():
            gone.set()
            _kill(group)
            return


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
