"""A client that keeps so many connections open as it can, for a test: run as a program.

usage: flood.py PORT COUNT TEXT [REPEATED]
sends TEXT on each connection, and REPEATED every second; opens a new one for each that is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def _hold(port: int, text: bytes, repeated: bytes) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(text)
                while True:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            if not await reader.read(65_536):
                                break
                            continue
                    writer.write(repeated)
            finally:
                writer.transport.abort()


async def _flood(port: int, count: int, text: bytes, repeated: bytes) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(_hold(port, text, repeated))


if __name__ == "__main__":
    _text, _repeated = ([*(one.encode() for one in sys.argv[3:]), b""] * 2)[:2]
    asyncio.run(_flood(int(sys.argv[1]), int(sys.argv[2]), _text, _repeated))
