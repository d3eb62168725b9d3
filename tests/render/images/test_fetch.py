"""Fetching: every fault of a server has its sentence, and no private address is ever reached."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import httpx
import pytest
import trustme
from hostile_http import endless_answer, redirect_to
from image_server import ImageServer, allow_here, local_fetcher, serving

from newsletter.render.images.fetch import Fetcher
from newsletter.render.images.picture import PictureError
from newsletter.safe_http import is_public


@pytest.fixture
def server() -> Iterator[ImageServer]:
    with serving() as state:
        yield state


def refusal(fetcher: Fetcher, url: str) -> PictureError:
    result = fetcher.fetch([url])[url]
    assert isinstance(result, PictureError)
    assert result.what
    assert result.remedy
    return result


# --- what a server may do -------------------------------------------------------------------------------------------


def test_a_picture_arrives_as_it_was_sent(server: ImageServer) -> None:
    url = server.serve("/a.png", bytes(range(256)) * 1000)
    assert local_fetcher().fetch([url]) == {url: bytes(range(256)) * 1000}


@pytest.mark.parametrize(
    ("path", "what", "remedy"),
    [
        ("/status/404", "the server answers 404 Not Found", "check the address, or take the picture out"),
        ("/status/410", "the server answers 410 Gone", "check the address"),
        ("/status/403", "the server answers 403 Forbidden", "it may not be shown elsewhere; save the picture"),
        ("/status/500", "the server answers 500 Internal Server Error", "try again later, or save the picture"),
        ("/status/429", "the server answers 429 Too Many Requests", "try again later"),
        ("/status/204", "the server answers 204 No Content", "check the address"),
        ("/truncated/a.png", "the server sent only a part of it: truncated", "try again, or save"),
        ("/reset", "the server broke the connection", "try again, or save"),
        ("/noise", "the server does not answer as HTTP asks", "try again, or save"),
        ("/announced", "it is larger than 1 MB", "use a smaller one"),
        ("/endless", "it is larger than 1 MB", "use a smaller one"),
    ],
)
def test_a_fault_has_its_sentence(server: ImageServer, path: str, what: str, remedy: str) -> None:
    server.serve("/a.png", bytes(10_000))
    error = refusal(local_fetcher(max_bytes=1024 * 1024), server.url(path))
    assert error.what == what
    assert error.remedy.startswith(remedy)


@pytest.mark.parametrize("path", ["/drip", "/silent"])
def test_a_slow_server_is_left_after_the_whole_time(server: ImageServer, path: str) -> None:
    error = refusal(local_fetcher(timeout_s=0.2), server.url(path))
    assert error.what == "the server takes longer than 0.2 s"


def test_redirects_are_followed_a_few_times(server: ImageServer) -> None:
    server.serve("/a.png", b"picture")
    server.redirects |= {f"/{n}": f"/{n - 1}" for n in range(1, 9)} | {"/0": "/a.png", "/circle": "/circle"}
    fetcher = local_fetcher()
    assert fetcher.fetch([server.url("/4")]) == {server.url("/4"): b"picture"}
    assert refusal(fetcher, server.url("/5")).what == "it redirects more than 5 times, or in a circle"
    assert refusal(fetcher, server.url("/circle")).what == "it redirects more than 5 times, or in a circle"


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("http://10.0.0.1/a.png", "it is on a private address (10.0.0.1 is 10.0.0.1)"),
        ("http://169.254.169.254/latest/meta-data", "it is on a private address (169.254.169.254 is 169.254.169.254)"),
        ("http://[::1]/a.png", "it is on a private address (::1 is ::1)"),
        ("http://inside.test/a.png", "it is on a private address (inside.test is 192.168.1.1)"),
        ("file:///etc/passwd", "it is not, or leads to what is not, a web address (http or https)"),
        ("ftp://example.com/a.png", "it is not, or leads to what is not, a web address (http or https)"),
        ("http://[nonsense", "it is not, or leads to what is not, a web address (http or https)"),
    ],
)
def test_a_redirect_passes_the_same_gate(server: ImageServer, target: str, what: str) -> None:
    server.redirects["/away"] = target
    assert refusal(local_fetcher({"inside.test": ["192.168.1.1"]}), server.url("/away")).what == what


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://", "it is not, or leads to what is not, a web address (http or https)"),
        ("http://[", "it is not, or leads to what is not, a web address (http or https)"),
        ("gopher://a.b/c", "it is not, or leads to what is not, a web address (http or https)"),
        ("http://" + "a" * 70 + ".test/", None),
        ("http://a..b/", None),
        ("http://nobody.test/a.png", "the host nobody.test is not known"),
        ("http://127.0.0.1:1/a.png", "the server cannot be reached: no connection"),
    ],
)
def test_an_address_that_leads_nowhere(url: str, what: str | None) -> None:
    error = refusal(local_fetcher(), url)
    assert what in (None, error.what)


# --- the gate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
        *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "203.0.113.9"),
        *("::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1"),
        *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::", "2001:0:7f00:1::"),
        *("::127.0.0.1", "100::1"),
    ],
)
def test_what_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"]
)
def test_what_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "inside.test", "both.test"])
def test_no_private_address_is_reached(server: ImageServer, host: str) -> None:
    names = {"inside.test": ["127.0.0.1"], "both.test": ["93.184.216.34", "127.0.0.1"]}
    url = server.url("/a.png", host)
    error = refusal(Fetcher(resolve=local_fetcher(names).resolve), url)
    assert error.what.startswith("it is on a private address (")
    assert error.remedy == "save the picture beside the post and name it there"
    assert server.requests == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "localhost"])
def test_another_spelling_of_this_machine_is_refused_too(server: ImageServer, host: str) -> None:
    """Resolved by the system, as a browser's address bar would."""
    assert "private address" in refusal(Fetcher(), server.url("/a.png", host)).what
    assert server.requests == []


def test_a_name_is_looked_up_once_and_its_address_used(server: ImageServer) -> None:
    """A second look-up could lead elsewhere: DNS rebinding."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    server.serve("/a.png", b"picture")
    url = server.url("/a.png", "pictures.test")
    assert Fetcher(allow=allow_here, resolve=resolve).fetch([url]) == {url: b"picture"}
    assert answers == [["10.0.0.1"]]
    assert server.hosts == [f"pictures.test:{server.port}"]


def test_the_next_address_is_tried(server: ImageServer) -> None:
    server.serve("/a.png", b"picture")
    url = server.url("/a.png", "pictures.test")
    resolve = local_fetcher({"pictures.test": ["127.0.0.2", "127.0.0.1"]}).resolve
    assert Fetcher(allow=lambda address: address.is_loopback, resolve=resolve).fetch([url]) == {url: b"picture"}


def test_no_proxy_of_the_environment_is_used(server: ImageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    url = server.serve("/a.png", b"picture")
    assert local_fetcher().fetch([url]) == {url: b"picture"}


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"picture")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_tls_is_checked_for_the_name_not_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pictures.test").configure_cert(context)
    context.sni_callback = lambda _, name, __: names.append(name)

    def trusting(**options: object) -> ssl.SSLContext:
        client = ssl.create_default_context()
        authority.configure_trust(client)
        return client

    monkeypatch.setattr(httpx, "create_ssl_context", trusting)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            fetcher = local_fetcher({"pictures.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
            good, bad = (f"https://{host}:{server.server_port}/" for host in ("pictures.test", "other.test"))
            assert fetcher.fetch([good]) == {good: b"picture"}
            assert names == ["pictures.test"]
            assert refusal(fetcher, bad).what == "the server cannot be reached: its certificate is not trusted"
        finally:
            server.shutdown()
            thread.join()


# --- many at once ---------------------------------------------------------------------------------------------------


def test_results_stand_in_the_order_asked_for(server: ImageServer) -> None:
    urls = [server.serve(f"/{n}.png", str(n).encode()) for n in range(30)]
    steps: list[tuple[int, int]] = []
    results = local_fetcher().fetch([*urls, urls[0]], lambda done, total: steps.append((done, total)))
    assert list(results.items()) == [(url, str(n).encode()) for n, url in enumerate(urls)]
    assert steps == [(n, 30) for n in range(1, 31)]
    assert len(server.requests) == 30


def test_what_failed_is_not_asked_for_again_by_the_same_fetcher(server: ImageServer) -> None:
    fetcher, url = local_fetcher(), server.url("/late.png")
    assert refusal(fetcher, url).what == refusal(fetcher, url).what == "the server answers 404 Not Found"
    assert server.requests == ["/late.png"]
    server.serve("/late.png", b"picture")
    assert local_fetcher().fetch([url]) == {url: b"picture"}


def test_a_host_is_asked_for_two_at_a_time(server: ImageServer) -> None:
    urls = [server.serve(f"/{n}.png", b"x") for n in range(12)]
    server.gather = threading.Barrier(2)  # each request waits for another one, so two must be open at once
    assert set(local_fetcher().fetch(urls).values()) == {b"x"}
    assert server.most_at_once == 2


def test_eight_at_once_in_all(server: ImageServer) -> None:
    names = {f"host{n}.test": ["127.0.0.1"] for n in range(16)}
    server.serve("/a.png", b"x")
    server.gather = threading.Barrier(8)
    urls = [server.url("/a.png", name) for name in names]
    assert set(local_fetcher(names).fetch(urls).values()) == {b"x"}
    assert server.most_at_once == 8


def test_a_redirects_own_body_is_not_read(server: ImageServer) -> None:
    picture = server.serve("/a.png", b"a picture")
    with endless_answer(redirect_to(picture)) as url:
        assert local_fetcher().fetch([url]) == {url: b"a picture"}
