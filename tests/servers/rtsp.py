"""An RTSP camera: GStreamer's server in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for
PROGRAM = Path(__file__).with_name("rtsp_program.py")
_NEEDS = "import gi; [gi.require_version(name, '1.0') for name in ('Gst', 'GstApp', 'GstRtspServer')]"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Camera:
    """Plays the H.264 of video files at rtsp://127.0.0.1:PORT/live. Skips the test where GStreamer's server is not installed."""

    def __init__(self, *videos: Path, password: str = "") -> None:
        found = Path(PYTHON).exists() and subprocess.run([PYTHON, "-c", _NEEDS], capture_output=True, check=False)
        if not found or found.returncode:
            pytest.skip("no GStreamer RTSP server here; .ci/run names the Debian packages")
        self.videos, self.port = videos, free_port()
        self._environment = os.environ | ({"CAMERA_PASSWORD": password} if password else {})
        self.url = f"rtsp://127.0.0.1:{self.port}/live"

    def __enter__(self) -> Camera:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        command = [PYTHON, str(PROGRAM), str(self.port), *map(str, self.videos)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        self._process = subprocess.Popen(command, env=self._environment, **pipes)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def tell(self, word: str) -> None:
        """ "stall": nothing comes any more; "garbage": what nobody can decode; "next": the next file; "go": pictures again."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")

    def kill(self) -> None:
        """Ends as a camera does that loses its power."""
        self._process.kill()
        with self._process:
            pass
