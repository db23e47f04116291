"""Memory that is freed returns to the system."""

import subprocess
import sys

SCRIPT = """
import asyncio, resource
from synapse_gateway.server import memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

async def main():
    held = [bytes(4000) for _ in range(20_000)]  # what the C library itself allocates
    last = bytes(4000)
    before = resident()
    del held
    kept = before - resident()
    trimmer = asyncio.create_task(memory.trim_periodically(0.01))
    async with asyncio.timeout(60):
        while before - resident() < 60_000_000:
            await asyncio.sleep(0.01)
    trimmer.cancel()
    print(kept < 60_000_000, len(last))

asyncio.run(main())
"""


def test_free_memory_is_returned_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.split() == ["True", "4000"], done.stderr
