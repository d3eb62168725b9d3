"""One-click unsubscribes a second, each on disk before its 200, against a bare Starlette endpoint: needs wrk.

    python benchmarks/serve.py [SECONDS]

Both servers run as processes of their own, with the same uvicorn; each POST to `newsletter serve` is of another person.
wrk shares the machine with them.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from newsletter.links import Link, make_link

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


def main() -> None:
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed; apt-get install wrk")
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "newsletter.toml").write_text(TOML)
        (folder / "post.lua").write_text(SCRIPT)
        (folder / "bare.py").write_text(BARE)
        tokens = (make_link(SECRET, Link("unsubscribe", f"reader{n}@example.com", "daily")) for n in range(PEOPLE))
        (folder / "tokens").write_text("".join(f"{token}\n" for token in tokens))
        with server(folder, sys.executable, "bare.py") as (url, pid):
            bare, bare_words = measure(folder, url, pid, seconds)
        command = "from newsletter.cli import main; main()"
        with server(folder, sys.executable, "-c", command, "serve", "--port", "0", "--quiet") as (url, pid):
            ours, our_words = measure(folder, url, pid, seconds)
        with sqlite3.connect(folder / "newsletter.db") as db:
            (kept,) = db.execute("SELECT count(*) FROM suppressions").fetchone()
    print(f"bare Starlette       {bare:8,.0f} POSTs/s   {bare_words}")
    print(f"newsletter serve     {ours:8,.0f} POSTs/s   {our_words}   {kept:,} people on disk")
    print(f"ratio                {ours / bare:8.2f}")


if __name__ == "__main__":
    main()
