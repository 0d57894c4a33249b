"""The heaps of the C library (glibc), as malloc_info(3) lists them."""

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes
from threading import Barrier, Thread
from callmon.threads import share_one_heap
{first}
barrier = Barrier(4)
def allocate():
    blocks = [bytearray(10_000) for _ in range(100)]
    barrier.wait()
threads = [Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library = ctypes.CDLL(None)
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""


@pytest.mark.parametrize(("first", "is_one"), [("", False), ("share_one_heap()", True)])
def test_the_threads_of_a_daemon_allocate_from_one_heap(first: str, is_one: bool) -> None:
    said = subprocess.check_output([sys.executable, "-c", SCRIPT.format(first=first)], text=True)
    assert (said.count("<heap nr=") == 1) == is_one
