"""What a large photo took is given back once it is freed, by whichever thread it was loaded."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

def take(megabytes):
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = []
    for _ in range(megabytes // 4):
        blocks.append(libc.malloc(4_000_000))
        libc.malloc(2_000)  # stays: what is freed before it cannot be cut off at the end
    for block in blocks:
        ctypes.memset(block, 1, 4_000_000)
    for block in blocks:
        libc.free(block)

if sys.argv[1] == "told":
    from multimodal_api.memory import give_back_large
    give_back_large()
with ThreadPoolExecutor(1) as pool:
    pool.submit(take, 20).result()  # from its first freed block on glibc keeps what is as large
    before = resident()
    pool.submit(take, 60).result()
    print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators give back of themselves, or never")
def test_large_blocks_leave_the_process() -> None:
    kept = {
        how: float(subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, check=True).stdout)
        for how in ("told", "untold")
    }
    assert kept["told"] < 5 < kept["untold"]
