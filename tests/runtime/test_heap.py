"""Threads take memory from one heap once they are told to."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

_COUNT = """
import ctypes, sys, threading
from edgeship_runtime import heap
if sys.argv[1] == "shared":
    heap.share()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
threads = [threading.Thread(target=libc.malloc, args=(100,)) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap for each thread, and malloc_info")
@pytest.mark.parametrize(("how", "alone"), [("shared", True), ("as it is", False)])
def test_threads_share_the_programs_heap(tmp_path: Path, how: str, alone: bool) -> None:
    told = tmp_path / "heaps.xml"

    subprocess.run([sys.executable, "-c", _COUNT, how, str(told)], check=True)

    assert (told.read_text().count("<heap nr=") == 1) is alone
