"""Boards: a real sshd on loopback, whose sessions keep their things in a folder of the test."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import edgeship_devices
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.model_file import MANIFEST, ModelFile, assemble

PROBE = Path(edgeship_devices.__file__).parent / "examining" / "probe.tflite"
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
SSH = shutil.which("ssh")


@dataclass(frozen=True)
class Board:
    """A machine that answers ssh.

    Attributes:
        url: of it.
        home: where edgeship keeps its things there.
        folder: of the test's sshd: its keys, what it logs.
        server: the process.
    """

    url: str
    home: Path
    folder: Path
    server: subprocess.Popen[bytes]

    def current(self, name: str = "digits") -> str | None:
        """The SHA-256 that a name's current file should have; None when nothing was deployed."""
        record = self.home / "models" / name / "current" / "slot.json"
        return json.loads(record.read_text())["sha256"] if record.exists() else None


@contextmanager
def board(folder: Path, within: tuple[str, ...] = (), **variables: str) -> Iterator[Board]:
    """Starts sshd, and puts an `ssh` before the system's that knows the test's key and config, as a person's own config does.

    Args:
        folder: for all that belongs to it.
        within: a command that runs sshd, as in `unshare …`.
        variables: of its sessions' environment.
    """
    if SSHD is None or SSH is None:
        pytest.skip("no sshd here: apt install openssh-server openssh-client")
    folder.mkdir(parents=True, exist_ok=True)
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    port = _free_port()
    home = folder / "data"
    settings = {"XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(folder / "config"), **variables}
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
        f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        f"SetEnv {' '.join(f'{name}={value}' for name, value in settings.items())}\n"
    )
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "ssh_config").write_text(
        f"UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile none\nIdentityFile {folder}/user\nIdentitiesOnly yes\n"
        "StrictHostKeyChecking yes\n"
    )
    wrapper = folder / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {SSH} -F {folder}/ssh_config "$@"\n')
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "sshd.log").open("wb") as log:
        server = subprocess.Popen([*within, SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{wrapper.parent}:{path}"
    try:
        _wait(port)
        yield Board(f"ssh://127.0.0.1:{port}", home / "edgeship", folder, server)
    finally:
        os.environ["PATH"] = path
        server.terminate()
        server.wait()


def make_model(folder: Path, hour: int, edit: Callable[[Manifest], Manifest] = lambda manifest: manifest) -> Path:
    """A small digits.tflite that says it was made at an hour, so that its digest is its own; `edit` changes what else it says."""
    source = ModelFile.open(PROBE)
    made = dataclasses.replace(source.manifest.provenance, created=f"2026-11-21T{hour:02}:00:00+00:00")
    manifest = edit(dataclasses.replace(source.manifest, provenance=made))
    members = {name: data for name, data in source.raw.members.items() if name != MANIFEST}
    path = folder / str(hour) / "digits.tflite"
    path.parent.mkdir()
    path.write_bytes(assemble("tflite", source.raw.model, manifest, members))
    return path


def here() -> str:
    """The Python that runs the tests: it has edgeship, so nothing needs to be installed on the board."""
    return sys.executable


def old_python(version: str) -> str:
    """A CPython of another version that really runs here, as a board may have it; skips where there is none."""
    kept = [str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for python in (f"python{version}", *kept):
        if (
            shutil.which(python)
            and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return python
    pytest.skip(f"no CPython {version} on this machine")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("sshd did not start")


@contextmanager
def systemd(folder: Path) -> Iterator[dict[str, str]]:
    """Starts systemd's manager of user services, as a login does; yields the variables by which sessions find it.

    The manager wants a machine that systemd started, and looks for that in /run: it gets a /run of its own.
    """
    program = Path("/lib/systemd/systemd")
    if not program.exists() or os.geteuid() or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("no systemd here, or not root")
    runtime = folder / "run"
    runtime.mkdir(mode=0o700, parents=True)
    variables = {
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_DATA_HOME": str(folder / "data"),
    }
    script = f"mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec {program} --user"
    with (folder / "systemd.log").open("wb") as log:
        manager = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script], env={**os.environ, **variables}, stdout=log, stderr=log
        )
    try:
        for _ in range(100):
            if (runtime / "systemd" / "private").exists():
                break
            time.sleep(0.1)
        else:
            pytest.skip("systemd's user manager does not start here")
        yield variables
    finally:
        manager.terminate()
        manager.wait()
