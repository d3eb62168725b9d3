"""The peer aiosmtplib: `python delivery_aiosmtplib.py PORT CONNECTIONS MESSAGES FILE` sends the file that often.

So many clients in one process take the messages one after another, each to an address of its own. Prints as JSON the
seconds from the first connection to the last answer, and the processor's time meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiosmtplib


async def client(port: int, numbers: Iterator[int], message: bytes) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
        for number in numbers:
            await smtp.sendmail("daily@example.com", [f"r{number:07}@example.net"], message)


async def main(port: int, connections: int, messages: int, message: bytes) -> None:
    numbers = iter(range(messages))
    started, spent = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client(port, numbers, message) for _ in range(connections)))
    print(json.dumps({"seconds": time.perf_counter() - started, "cpu": time.process_time() - spent}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]).read_bytes()))
