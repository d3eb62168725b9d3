"""The public pages under load and abuse: bodies and heads without end, crowds, noise, and kill -9 amid it all."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
from command_line import start, takes_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine import examples
from web_site import ADA, LISTS, SECRET, TOML, Site, running

from newsletter.audience.people.records import SignUpState
from newsletter.tokens import Link, make_link

XSS = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path, TOML + LISTS) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that leave nothing behind."""
    with running(tmp_path_factory.mktemp("site"), TOML + LISTS) as opened:
        join(opened)
        yield opened


def join(site: Site, address: str = ADA) -> None:
    site.people.sign_up(address, source="test", wording="test")
    assert site.people.confirm(address, source="test") is SignUpState.CONFIRMED


def raw(site: Site, request: bytes, *, hold: bool = False) -> bytes:
    """What the server answers to these very bytes, until it closes the connection."""
    return exchange(site.port, request, hold=hold)


def exchange(port: int, request: bytes, *, hold: bool = False) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        connection.sendall(request)
        if not hold:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


# --- too much, too slow ----------------------------------------------------------------------------------------------

GIGABYTE = 1_000_000_000


@pytest.mark.parametrize("path", ["/join", "/u/x", "/p/x", "/nowhere", "/hooks/x"])
def test_a_body_of_a_gigabyte_is_refused_unread(shared: Site, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n"
    declared = raw(shared, f"{head}Content-Length: {GIGABYTE}\r\n\r\nabc".encode(), hold=True)
    assert declared.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in declared.lower()


@pytest.mark.parametrize("path", ["/join", "/u/x", "/hooks/x"])
def test_a_slow_body_ends(tmp_path: Path, path: str) -> None:
    with running(tmp_path, body_s=0.2) as site:
        request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nemail="
        assert raw(site, request.encode(), hold=True).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "request_", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /he"]
)
def test_a_slow_head_ends(tmp_path: Path, request_: bytes) -> None:
    with running(tmp_path, head_s=0.2) as site:
        try:
            answer = raw(site, request_, hold=True)
        except ConnectionResetError:
            answer = b""
        assert answer.count(b"HTTP/1.1 ") == request_.count(b"\r\n\r\n")
        assert site.get("/health").status == 200


def sent_until_closed(site: Site, start_: bytes, endless: bytes) -> int:
    """How many bytes of something endless go out before the server ends it."""
    sent = 0
    with socket.create_connection(("127.0.0.1", site.port), timeout=600) as connection, suppress(OSError):
        connection.sendall(start_)
        while sent < GIGABYTE:
            connection.sendall(endless)
            sent += len(endless)
    return sent


@pytest.mark.parametrize(
    ("start_", "endless"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b"a" * 20_000),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"a: b\r\n" * 2_000),
        (b"GET /", b"a" * 20_000),
        (b"POST /u/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 2_000),
        (
            b"POST /u/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"8000\r\n" + b"x" * 0x8000 + b"\r\n",
        ),
    ],
)
def test_what_has_no_end_is_ended(shared: Site, start_: bytes, endless: bytes) -> None:
    assert sent_until_closed(shared, start_, endless) < 40_000_000, "what two sockets hold, and no more"
    assert shared.get("/health").status == 200


@contextmanager
def crowd_at(port: int, count: int) -> Iterator[None]:
    """So many open connections that say nothing, or half of something."""
    with ExitStack() as held:
        for number in range(count):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=600))
            if number % 2:
                connection.sendall(b"POST /u/x HTTP/1.1\r\nHost: x\r\n")
        yield


def test_a_thousand_open_connections(site: Site) -> None:
    with crowd_at(site.port, 1_000):
        assert site.get("/health").status == 200
        assert site.one_click(site.link("unsubscribe")).status == 200
        assert site.people.is_suppressed(ADA)


@pytest.mark.soak
def test_ten_thousand_open_connections(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 10_200:
        pytest.skip("this system lets a process have too few files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    (tmp_path / "newsletter.toml").write_text(TOML + '[relay]\nurl = "smtp://127.0.0.1:9"\n')
    process = start("serve", "--port", "0", "--quiet", cwd=tmp_path, NEWSLETTER_SECRET=SECRET)
    try:
        assert process.stdout
        port = int(process.stdout.readline().decode().rpartition(":")[2])
        token = make_link(SECRET, Link("unsubscribe", ADA))
        request = f"POST /u/{token} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        with crowd_at(port, 10_000):
            assert exchange(port, request.encode(), hold=True).startswith(b"HTTP/1.1 200")
        with closing(sqlite3.connect(tmp_path / "newsletter.db")) as db:
            assert db.execute("SELECT key FROM suppressions").fetchall() == [(ADA,)]
    finally:
        process.kill()
        process.communicate()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_beyond_the_limit_the_longest_silent_connection_goes(tmp_path: Path) -> None:
    with running(tmp_path, most_connections=20) as site, ExitStack() as held:
        here = ("127.0.0.1", site.port)
        silent = [held.enter_context(socket.create_connection(here, timeout=600)) for _ in range(40)]
        assert site.get("/health").status == 200
        gone = b""
        with suppress(ConnectionResetError):
            gone = silent[0].recv(1)
        assert gone == b"", "it would wait for more"
        silent[-1].sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert silent[-1].recv(1_000).startswith(b"HTTP/1.1 200")


# --- anything at all ------------------------------------------------------------------------------------------------

PATHS = st.sampled_from(["/", "/join", "/join/form", "/c/", "/u/", "/r/", "/p/", "/hooks/x", "/health", "/style.css"])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters=" \r\n"), max_size=40)
HEADER = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40)


@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"]),
    path=PATHS,
    rest=TEXT,
    headers=st.dictionaries(
        st.sampled_from(
            [
                "Accept-Language",
                "Content-Type",
                "Origin",
                "Sec-Fetch-Site",
                "Host",
                "X-Forwarded-For",
                "Cookie",
                "Expect",
            ]
        ),
        HEADER,
        max_size=4,
    ),
    body=st.binary(max_size=300) | st.lists(st.tuples(TEXT, TEXT), max_size=60).map(lambda p: repr(p).encode()),
)
def test_any_request_has_an_answer_that_is_no_fault_of_ours(
    shared: Site, method: str, path: str, rest: str, headers: dict[str, str], body: bytes
) -> None:
    lines = [f"{name}: {value.strip()}" for name, value in headers.items()]
    head = "\r\n".join([f"{method} {path}{rest} HTTP/1.1", *lines, f"Content-Length: {len(body)}", "Connection: close"])
    answer = raw(shared, head.encode("utf-8") + b"\r\n\r\n" + body, hold=True)
    assert int(answer.split(b" ", 2)[1]) in (200, 400, 403, 404, 405, 410, 413, 422, 429), answer[:300]


@settings(
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    fields=st.dictionaries(
        st.sampled_from(["email", "name", "t", "lists", "website", "often", "pause"]),
        st.text(max_size=60) | st.just(ADA),
        max_size=7,
    ),
    path=st.sampled_from(["/join", "/join/form", "p"]),
)
def test_any_form_has_an_answer_that_is_no_fault_of_ours(shared: Site, fields: dict[str, str], path: str) -> None:
    if path == "p":
        path = f"/p/{shared.link('preferences', 'fuzz@example.com')}"
    assert shared.post(path, {name: value.encode("utf-8", "replace") for name, value in fields.items()}).status in (
        200,
        403,
        422,
        429,
    )


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.binary(max_size=400))
def test_any_bytes_leave_the_server_standing(shared: Site, data: bytes) -> None:
    with suppress(ConnectionResetError):
        raw(shared, data)
    assert takes_connections(shared.port)


# --- killed ---------------------------------------------------------------------------------------------------------


def kill_while_leaving(folder: Path, rounds: int) -> int:
    """Kill the server with people in the midst of leaving, again and again: how many were told that they have left."""
    (folder / "newsletter.toml").write_text(TOML + '[relay]\nurl = "smtp://127.0.0.1:9"\n')
    acknowledged: set[str] = set()

    async def leave(port: int, addresses: list[str], enough: int, reached: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for address in addresses:
                token = make_link(SECRET, Link("unsubscribe", address))
                writer.write(
                    f"POST /u/{token} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\n"
                    "List-Unsubscribe=One-Click".encode()
                )
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"HTTP/1.1 200"):
                    acknowledged.add(address)
                    if len(acknowledged) >= enough:
                        reached.set()
                await reader.readexactly(24)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def crowd(number: int, port: int, process: subprocess.Popen[bytes]) -> None:
        enough, reached = len(acknowledged) + 20 + 7 * number, asyncio.Event()
        people = [[f"r{number}-{who}-{each}@example.com" for each in range(400)] for who in range(16)]
        leaving = asyncio.gather(*(leave(port, mine, enough, reached) for mine in people))
        await asyncio.wait_for(reached.wait(), 60)
        process.send_signal(signal.SIGKILL)
        await leaving

    for number in range(rounds):
        process = start("serve", "--port", "0", "--quiet", cwd=folder, NEWSLETTER_SECRET=SECRET)
        try:
            assert process.stdout
            port = int(process.stdout.readline().decode().rpartition(":")[2])
            asyncio.run(crowd(number, port, process))
        finally:
            process.kill()
            process.communicate()
    with closing(sqlite3.connect(folder / "newsletter.db")) as db:
        kept = {key for (key,) in db.execute("SELECT key FROM suppressions WHERE reason = 'unsubscribed'")}
    assert acknowledged <= kept
    return len(acknowledged)


def test_whoever_was_told_that_they_left_has_left_though_the_server_is_killed(tmp_path: Path) -> None:
    assert kill_while_leaving(tmp_path, 2) >= 20


@pytest.mark.soak
def test_whoever_was_told_that_they_left_has_left_for_long(tmp_path: Path) -> None:
    assert kill_while_leaving(tmp_path, 40) >= 1_000
