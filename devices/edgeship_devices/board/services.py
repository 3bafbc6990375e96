"""Services: systemd's user units that keep a deployed file running, and whether they are well."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from pathlib import Path

from edgeship_devices.board import slots
from edgeship_devices.board.facts import output
from edgeship_devices.board.slots import BoardError

_SECRET = 0o600  # sources and sinks have passwords: rtsp://USER:PASSWORD@…
_SETTLE_S = 5.0  # a file that answers and dies within so many seconds is not healthy


def unit(name: str) -> str:
    """What systemd calls it."""
    return f"edgeship-{name}.service"


def unit_path(name: str) -> Path:
    """Where the unit's file lies."""
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(config) / "systemd" / "user" / unit(name)


def health_path(name: str) -> Path:
    """Where a service says how it is (see serving); in memory, gone with the service."""
    return _runtime() / f"edgeship-{name}" / "health.json"


def token(name: str) -> str:
    """What whoever looks at the service's live page has to know: the same after each start, so that a bookmark stays good."""
    path = slots.folder(name) / "view-token"
    if not path.exists():
        slots.write(path, secrets.token_urlsafe(16).encode(), _SECRET)
    return path.read_text("utf-8")


def is_running(name: str) -> bool:
    """Whether a service keeps this name running, tries to, or would if it could; not where somebody stopped it."""
    wanted = ("active", "activating", "reloading", "failed")  # failed: what is deployed may be the cure
    return unit_path(name).exists() and _state(name).get("ActiveState") in wanted


def restart(name: str) -> str | None:
    """Starts the service anew with the current slot, and waits until it answers; returns why it is not well, None when it is."""
    now = time.time()
    began = _systemctl("restart", unit(name))  # returns when it said READY, or failed
    if began.returncode:
        return f"the service did not start: {_reason(name, now)}"
    restarts = _state(name).get("NRestarts")
    time.sleep(_SETTLE_S)
    state = _state(name)
    if state.get("ActiveState") != "active" or state.get("NRestarts") != restarts:
        return f"the service started and died: {_reason(name, now)}"
    return None


def install(name: str, text: str) -> list[str]:
    """Writes the unit and starts it; returns notes on what is still to be done by hand.

    Raises:
        BoardError: there is no systemd for users here, or the service does not come up (its unit is then removed).
    """
    if slots.current(name) is None:
        raise BoardError("nothing is deployed as {}; deployed: {}".format(name, ", ".join(slots.names()) or "nothing"))
    if _systemctl("show-environment").returncode:
        raise BoardError("systemd runs no services of this user here (systemctl --user fails)")
    before = unit_path(name).read_bytes() if unit_path(name).exists() else None
    unit_path(name).parent.mkdir(parents=True, exist_ok=True)
    slots.write(unit_path(name), text.encode(), _SECRET)
    _systemctl("daemon-reload")
    wrong = restart(name)
    if wrong:
        remove(name)
        if before is not None:
            slots.write(unit_path(name), before, _SECRET)
            _systemctl("daemon-reload")
            _systemctl("enable", unit(name))
            restart(name)
        raise BoardError(wrong + ("; the service before it was put back" if before is not None else "; it was removed"))
    _systemctl("enable", unit(name))
    return [*_lingering(), *_limiting()]


def remove(name: str) -> bool:
    """Stops the service and removes its unit; whether there was one."""
    if not unit_path(name).exists():
        return False
    _systemctl("disable", "--now", unit(name))
    unit_path(name).unlink()
    if (slots.folder(name) / "view-token").exists():
        (slots.folder(name) / "view-token").unlink()
    _systemctl("daemon-reload")
    _systemctl("reset-failed", unit(name))
    return True


def status(name: str) -> dict[str, object] | None:
    """How the service is; None when there is none."""
    if not unit_path(name).exists():
        return None
    state = _state(name)
    found: dict[str, object] = {
        "state": state.get("ActiveState") or "unknown",
        "restarts": int(state.get("NRestarts") or 0),
    }
    try:
        health = json.loads(health_path(name).read_text("utf-8"))
    except (OSError, ValueError):
        return found
    found["answers"] = health["answers"]
    if health["last_answer"] is not None:
        found["last_answer_age_s"] = round(max(0.0, time.time() - health["last_answer"]), 1)
    if health["page"]:
        found["page"] = health["page"]
    return found


def _lingering() -> list[str]:
    """Without lingering, systemd ends a user's services when the user logs out."""
    user = output("id", "-un")
    if output("loginctl", "show-user", user, "--property=Linger") == "Linger=yes":
        return []
    done = subprocess.run(
        ["loginctl", "enable-linger"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    if done.returncode == 0:
        return []
    return [f"it ends when {user} logs out, until you run on the board: sudo loginctl enable-linger {user}"]


def _limiting() -> list[str]:
    """Raspberry Pi's firmware starts Linux with cgroup_disable=memory."""
    try:
        controllers = Path("/sys/fs/cgroup/cgroup.controllers").read_text("utf-8").split()
    except OSError:
        controllers = []
    if "memory" in controllers:
        return []
    return [
        "the kernel enforces no memory limit; on a Raspberry Pi append to the one line of /boot/firmware/cmdline.txt, "
        "and restart: cgroup_enable=memory cgroup_memory=1"
    ]


def _state(name: str) -> dict[str, str]:
    wanted = "--property=ActiveState,NRestarts,StatusText"
    shown = _systemctl("show", unit(name), wanted).stdout.decode("utf-8", "replace")
    return {key: value for key, _, value in (line.partition("=") for line in shown.splitlines())}


def _reason(name: str, since: float) -> str:
    """What the service said last (see serving); else the journal, of this start and no earlier one."""
    said = _state(name).get("StatusText", "")
    if said.startswith("edgeship: "):
        return said.replace("edgeship: ", "", 1)
    lines = output(
        "journalctl",
        "--user",
        "--unit",
        unit(name),
        f"--since=@{int(since)}",
        "--lines=20",
        "--output=cat",
        "--no-pager",
    ).splitlines()
    ours = [line for line in lines if line.startswith("edgeship")]
    return (ours or lines or [f"see journalctl --user -u {unit(name)}"])[-1]


def _systemctl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    variables = dict(os.environ, XDG_RUNTIME_DIR=str(_runtime()))
    try:
        return subprocess.run(
            ("systemctl", "--user", "--no-pager", *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=variables,
            check=False,
        )
    except OSError:
        return subprocess.CompletedProcess(arguments, 127, b"", b"")


def _runtime() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
