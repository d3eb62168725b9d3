"""One-click unsubscribes: how many a second, and how fast amid a thousand hostile clients, each on disk before its 200.

    python benchmarks/serve.py [SECONDS] [--only rate|crowd]

`rate` compares with a bare Starlette endpoint on the same uvicorn, and needs wrk. `crowd` has a process of its own
with 1,000 clients: a third send a byte now and then, a third pipeline without reading, a third send heads and bodies
that are too large, again and again. Each server is a process of its own, each POST of another person. All share the
machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, perf_counter

from newsletter.tokens import Link, make_link

SECRET = "a secret of the operator"
PEOPLE = 200_000
CONNECTIONS = 256
BODY = "List-Unsubscribe=One-Click"

BARE = """
import socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def taken(request):
    await request.body()
    return PlainTextResponse("Your request was taken.\\n")

app = Starlette(routes=[Route("/u/{token}", taken, methods=["POST"])])
listening = socket.create_server(("127.0.0.1", 0))
print("Listening on http://127.0.0.1:%d" % listening.getsockname()[1], flush=True)
config = uvicorn.Config(app, http="httptools", log_level="error", access_log=False)
uvicorn.Server(config).run(sockets=[listening])
"""

TOML = """
[newsletter]
name = "AI Daily"
unsubscribe_mailto = "leave@example.com"
[relay]
url = "smtp://127.0.0.1:2525"
"""

# Each thread has a range of people of its own.
SCRIPT = """
local threads = 0
function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end
function init(args)
  tokens = {}
  for line in io.lines(args[1]) do tokens[#tokens + 1] = line end
  next_one = id * math.floor(#tokens / 2)
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
end
function request()
  next_one = next_one % #tokens + 1
  return wrk.format("POST", "/u/" .. tokens[next_one], nil, "List-Unsubscribe=One-Click")
end
"""


@contextmanager
def server(folder: Path, *command: str) -> Iterator[tuple[str, int]]:
    env = {**os.environ, "NEWSLETTER_SECRET": SECRET}
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        url = process.stdout.readline().split()[-1]
        deadline = monotonic() + 20
        while monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5).close()
            except urllib.error.HTTPError:
                break
            except OSError:
                continue
            break
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(20)


def cpu_s(pid: int) -> float:
    """What a process has used of the processors so far: fields 14 and 15 of its stat (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(folder: Path, url: str, pid: int, seconds: int) -> tuple[float, str]:
    """Requests a second, and words on what one took of a processor, on the slowest, on errors."""
    before = cpu_s(pid)
    done = subprocess.run(
        [
            *("wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", "post.lua", url, "--", "tokens"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert rate, done.stdout
    p99 = re.search(r"99%\s+(\S+)", done.stdout)
    each_us = (cpu_s(pid) - before) / max(1.0, float(rate[1]) * seconds) * 1e6
    errors = " ".join(re.findall(r"(?:Socket errors|Non-2xx).*", done.stdout))
    return float(rate[1]), f"{each_us:4.0f} µs of a processor each, p99 {p99[1] if p99 else '?'} {errors}".strip()


CROWD = 1_000


async def slow(port: int) -> None:
    """A head that never ends, a byte at a time."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(OSError):
        writer.write(b"POST /u/x HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        while not writer.is_closing():
            writer.write(b"a")
            await asyncio.sleep(1)


async def pipelining(port: int) -> None:
    """Page after page is asked for, and no answer read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    assert isinstance(reader._transport, asyncio.ReadTransport)  # type: ignore[attr-defined]
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    with suppress(OSError):
        while not writer.is_closing():
            writer.write(b"GET /join HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
            await writer.drain()
    writer.transport.abort()


async def oversized(port: int) -> None:
    """In turn a head of 64 KB, a head of 3,000 headers, a body that is said to be large, one that turns out to be."""
    head = b"POST /join HTTP/1.1\r\nHost: x\r\n"
    for request in (
        head + b"X-Large: " + b"a" * 65_536,
        head + b"a:b\r\n" * 3_000,
        head + b"Content-Length: 1000000000\r\n\r\n" + b"a" * 65_536,
        head + b"Transfer-Encoding: chunked\r\n\r\n10000\r\n" + b"a" * 65_536,
    ):
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            await reader.read(1_000)
            writer.transport.abort()


async def crowd(port: int) -> None:
    """Whoever is thrown out comes back."""

    async def again_and_again(number: int) -> None:
        while True:
            with suppress(OSError):
                await (slow, pipelining, oversized)[number % 3](port)
            await asyncio.sleep(1)

    await asyncio.gather(*(again_and_again(number) for number in range(CROWD)))


def one_click_ms(port: int, token: str) -> float:
    """A connection, a POST, its 200, in milliseconds: as a mail provider asks."""
    started = perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = f"POST /u/{token} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\nConnection: close\r\n\r\n"
        connection.sendall((head + BODY).encode())
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:100]
    return (perf_counter() - started) * 1000


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1000


def measure_crowd(folder: Path, seconds: int) -> None:
    tokens = iter((folder / "tokens").read_text().split())
    with newsletter_serve(folder) as (url, pid):
        port = int(url.rpartition(":")[2])
        alone = statistics.median(one_click_ms(port, next(tokens)) for _ in range(100))
        hostile = subprocess.Popen([sys.executable, __file__, "--crowd-at", str(port)])
        try:
            until = monotonic() + seconds + 3
            times = []
            while monotonic() < until:
                took = one_click_ms(port, next(tokens))
                if monotonic() > until - seconds:  # the crowd is there
                    times.append(took)
            peak = peak_mb(pid)
        finally:
            hostile.kill()
            hostile.wait()
        began = perf_counter()
    ended_s = perf_counter() - began
    times.sort()
    print(f"alone                one-click unsubscribe: median {alone:6.1f} ms")
    print(
        f"{CROWD:,} hostile clients  one-click unsubscribe: median {statistics.median(times):6.1f} ms (wanted: 100), "
        f"p99 {times[int(len(times) * 0.99)]:,.0f} ms of {len(times):,}"
    )
    print(f"peak memory          {peak:6.1f} MB (wanted: 200); SIGTERM ended it in {ended_s:.1f} s")


@contextmanager
def newsletter_serve(folder: Path) -> Iterator[tuple[str, int]]:
    command = "from newsletter.cli.main import main; main()"
    with server(folder, sys.executable, "-c", command, "serve", "--port", "0", "--quiet") as running:
        yield running


def measure_rate(folder: Path, seconds: int) -> None:
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed; apt-get install wrk")
    with server(folder, sys.executable, "bare.py") as (url, pid):
        bare, bare_words = measure(folder, url, pid, seconds)
    with newsletter_serve(folder) as (url, pid):
        ours, our_words = measure(folder, url, pid, seconds)
    with sqlite3.connect(folder / "newsletter.db") as db:
        (kept,) = db.execute("SELECT count(*) FROM suppressions").fetchone()
    print(f"bare Starlette       {bare:8,.0f} POSTs/s   {bare_words}")
    print(f"newsletter serve     {ours:8,.0f} POSTs/s   {our_words}   {kept:,} people on disk")
    print(f"ratio                {ours / bare:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=int, default=8)
    parser.add_argument("--only", choices=["rate", "crowd"])
    parser.add_argument("--crowd-at", type=int, metavar="PORT", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.crowd_at:
        asyncio.run(crowd(asked.crowd_at))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "newsletter.toml").write_text(TOML)
        (folder / "post.lua").write_text(SCRIPT)
        (folder / "bare.py").write_text(BARE)
        tokens = (make_link(SECRET, Link("unsubscribe", f"reader{n}@example.com", "daily")) for n in range(PEOPLE))
        (folder / "tokens").write_text("".join(f"{token}\n" for token in tokens))
        if asked.only != "crowd":
            measure_rate(folder, asked.seconds)
        if asked.only != "rate":
            measure_crowd(folder, asked.seconds)


if __name__ == "__main__":
    main()
