"""A camera in a process of its own: MJPEG over HTTP, 30 frames of 1280×720 a second, each with its number in its pixels."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # preprocessing.py: this is a script, too

from preprocessing import FRAME, jpeg

RATE = 30  # frames a second
_BITS, _BLOCK = 16, 40  # a frame's number, as black and white squares along its upper edge


def burnt(frame: NDArray[np.uint8], number: int) -> bytes:
    frame = frame.copy()
    for bit in range(_BITS):
        frame[:_BLOCK, bit * _BLOCK : (bit + 1) * _BLOCK] = 255 if number >> bit & 1 else 0
    return jpeg(Image.fromarray(frame))


def number_in(pixels: NDArray[np.uint8]) -> int:
    middle = pixels[_BLOCK // 2, _BLOCK // 2 : _BITS * _BLOCK : _BLOCK].mean(axis=-1)
    return sum(1 << bit for bit, level in enumerate(middle) if level > 127)


def serve() -> None:
    """The camera, in a process of its own: prints its port; after a connection, when frame 0 was sent."""
    with Image.open(FRAME) as image:
        frame = np.asarray(image.convert("RGB").resize((1280, 720)))
    sent = [burnt(frame, number) for number in range(256)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n")
        began = time.monotonic()
        print(began, flush=True)
        for number in itertools.count():
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            picture = sent[number % 256]
            try:
                connection.sendall(b"--x\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture))
            except OSError:
                return


@contextmanager
def camera() -> Iterator[tuple[str, Callable[[], float]]]:
    """URL, and what tells when frame 0 was sent, once somebody has connected."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        began: list[float] = []
        yield (
            f"http://127.0.0.1:{port}/",
            lambda: began[0] if began else began.append(float(process.stdout.readline())) or began[0],
        )
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    serve()
