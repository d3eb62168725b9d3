"""What suppressions cost a long send: from the command to the first message, with none and with one in twenty.

    python benchmarks/suppressions.py [ROWS] [SUPPRESSED] [FORGOTTEN]

The program itself, against a server of its own that notes when the first message has come; then it is stopped. Beside
each time stand the sender's seconds of CPU, which a busy machine does not change, and its peak memory.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from newsletter.audience.people.store import People
from newsletter.ledger.database.schema import suppressions
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.tokens import AddressHashes

SECRET = "a secret of the benchmark"
SENDER = """
import os, sys
os.environ["NEWSLETTER_SECRET"] = sys.argv.pop(1)
from newsletter.cli.main import main
main()
"""


def address(number: int) -> str:
    return f"reader.{number}@mail{number % 40}.example.com"


@contextmanager
def server() -> Iterator[tuple[int, list[float]]]:
    """The port of an SMTP server, and when each of its messages had come."""
    came: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # the sender is killed
            await converse(reader, writer)
        writer.close()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 benchmark\r\n")
        in_text = False
        while line := await reader.readline():
            if in_text:
                if line == b".\r\n":
                    came.append(time.perf_counter())
                    in_text = False
                    writer.write(b"250 2.0.0 taken\r\n")
                continue
            verb = line[:4].upper()
            in_text = verb == b"DATA"
            said = {b"EHLO": b"250-benchmark\r\n250 PIPELINING\r\n", b"DATA": b"354 go on\r\n"}
            writer.write(said.get(verb, b"250 2.0.0 fine\r\n"))

    ready, over = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            ports.append(listening.sockets[0].getsockname()[1])
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    try:
        yield ports[0], came
    finally:
        over.set()
        thread.join()


def first_message(folder: Path) -> tuple[float, float, float]:
    """Seconds from the command to the first message at the server, those of CPU, and the sender's peak memory in MB."""
    command = ["send", "post.md", "--to", "list.csv", "--yes", "--first", "--json", "--changed-list", "--relay"]
    with server() as (port, came):
        started = time.perf_counter()
        url = f"smtp://127.0.0.1:{port}"
        process = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", f"import os; os.chdir({str(folder)!r})\n{SENDER}", SECRET, *command, url],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)],
        )
        while not came:
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        usage = os.wait4(process, 0)[2]
        return came[0] - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def fill(folder: Path, rows: int, suppressed: int, forgotten: int) -> None:
    now = datetime.now(UTC)
    hide = AddressHashes([SECRET]).of
    with People.open(folder / "newsletter.db", lambda: now) as people, people.storage.write() as db:
        step = max(rows // max(suppressed, 1), 1)
        keys = [address(number) for number in range(0, rows, step)][:suppressed]
        keys = [hide(key) for key in keys[:forgotten]] + keys[forgotten:]
        found = [{"key": key, "reason": "unsubscribed", "at": stamp_of(now), "issue": "", "detail": ""} for key in keys]
        db.execute(sa.insert(suppressions), found)


def main() -> None:
    given = [int(value) for value in sys.argv[1:4]]
    rows, suppressed, forgotten = (*given, *(1_000_000, 50_000, 1_000)[len(given) :])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.joinpath("post.md").write_text("---\ntitle: Hello\n---\n\nA paragraph.\n")
        with folder.joinpath("list.csv").open("w", encoding="utf-8") as file:
            file.write("email\n")
            file.writelines(f"{address(number)}\n" for number in range(rows))
        plain = plain_cpu = 0.0
        for kind, some, hidden in (
            ("nobody suppressed", 0, 0),
            (f"{suppressed:,} suppressed", suppressed, 0),
            (f"{suppressed:,} suppressed, {forgotten:,} of them forgotten", suppressed, forgotten),
        ):
            folder.joinpath("newsletter.db").unlink(missing_ok=True)
            for left in folder.glob("newsletter.db*"):
                left.unlink()
            if some:
                fill(folder, rows, some, hidden)
            seconds, cpu, peak = first_message(folder)
            plain, plain_cpu = plain or seconds, plain_cpu or cpu
            print(f"{rows:,} listed, {kind}:")
            print(f"  first message after {seconds:.1f} s ({seconds - plain:+.1f} s)", end=", ")
            print(f"{cpu:.1f} s of CPU ({cpu - plain_cpu:+.1f} s), peak {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
