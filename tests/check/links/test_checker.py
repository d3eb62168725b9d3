"""Links asked for real: every way a server may answer, and what is made of it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from command_line import free_ports
from image_server import allow_here
from link_server import OK, Answer, LinkServer, redirect, serving

from newsletter.check.links.answers import LinkAnswer
from newsletter.check.links.cache import LinkCache
from newsletter.check.links.checker import LinkChecker
from newsletter.check.links.follow import LinkLimits

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TRUST = ssl.create_default_context()
NO_ADDRESS = "it is not, or leads to what is not, a web address (http or https)"


@pytest.fixture
def server() -> Iterator[LinkServer]:
    with serving() as state:
        yield state


class World:
    """What a checker sees of the world: names, a clock that stands, and waiting that takes no time."""

    def __init__(self, **names: list[str]) -> None:
        self.names = {name.replace("_", "."): addresses for name, addresses in names.items()}
        self.now = NOON
        self.pauses: list[float] = []
        self.trust = TRUST

    def trusting(self, authority: trustme.CA) -> World:
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        return self

    async def resolve(self, host: str, port: int) -> list[str]:
        match self.names.get(host):
            case None:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            case []:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            case addresses:
                return addresses

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def checker(self, cache: LinkCache | None = None, **limits: float) -> LinkChecker:
        chosen = LinkLimits(**limits)  # type: ignore[arg-type]
        return LinkChecker(
            chosen, allow_here, self.resolve, lambda: self.trust, cache, clock=lambda: self.now, pause=self.pause
        )


def answer(url: str, world: World | None = None, **limits: float) -> LinkAnswer:
    return (world or World()).checker(**limits).check([url])[url]


# --- what a server may say ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "state", "what"),
    [
        (OK, "ok", "the server answers 200 OK"),
        ((204, {}), "ok", "the server answers 204 No Content"),
        ((404, {}), "dead", "the server answers 404 Not Found"),
        ((410, {}), "dead", "the server answers 410 Gone"),
        ((400, {}), "unsure", "the server answers 400 Bad Request"),
        ((401, {}), "unsure", "the server answers 401 Unauthorized"),
        ((403, {}), "unsure", "the server answers 403 Forbidden"),
        ((999, {}), "unsure", "the server answers 999"),
        ((429, {}), "unsure", "the server answers 429 Too Many Requests"),
        ((500, {}), "unsure", "the server answers 500 Internal Server Error"),
        ((503, {}), "unsure", "the server answers 503 Service Unavailable"),
        ((304, {}), "unsure", "the server answers 304 Not Modified"),
        ((302, {}), "unsure", "the server answers 302 Found, and not where to"),
        (redirect(302, "http://["), "unsure", NO_ADDRESS),
    ],
)
def test_a_status_is_judged(server: LinkServer, said: Answer, state: str, what: str) -> None:
    assert answer(server.serve("/a", said)) == LinkAnswer(server.url("/a"), state, said[0], what)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("hang up", "the server broke the connection"),
        ("reset", "the server broke the connection"),
        ("noise", "the server does not answer as HTTP asks"),
        ("endless head", "the server does not answer as HTTP asks"),
        ("silent", "the server takes longer than 0.3 s"),
    ],
)
def test_a_broken_answer_leaves_us_unsure(server: LinkServer, fault: str, what: str) -> None:
    timeout_s = 0.3 if fault == "silent" else 10
    assert answer(server.serve("/a", fault), timeout_s=timeout_s) == LinkAnswer(server.url("/a"), "unsure", 0, what)
    asked = ["HEAD /a"] if fault == "silent" else ["HEAD /a", "GET /a"]
    assert server.requests == asked


@pytest.mark.parametrize(
    "fault", [(403, {}), (404, {}), (405, {}), (500, {}), (501, {}), (999, {}), "hang up", "noise"]
)
def test_what_is_said_to_head_alone_is_not_believed(server: LinkServer, fault: Answer | str) -> None:
    assert answer(server.serve("/a", OK, head=fault)).state == "ok"
    assert server.requests == ["HEAD /a", "GET /a"]


def test_one_request_is_enough_where_head_is_answered(server: LinkServer) -> None:
    world = World()
    urls = [server.serve("/good"), server.serve("/gone", (410, {})), server.serve("/login", (401, {}))]
    assert [each.state for each in world.checker().check(urls).values()] == ["ok", "dead", "unsure"]
    assert sorted(server.requests) == ["HEAD /gone", "HEAD /good", "HEAD /login"]


def test_a_body_without_end_is_not_read(server: LinkServer) -> None:
    assert answer(server.serve("/a", "endless", head=(405, {})), timeout_s=5).state == "ok"


def test_a_head_with_a_body_without_end_is_an_answer(server: LinkServer) -> None:
    assert answer(server.serve("/a", "endless"), timeout_s=5).state == "ok"


def test_the_server_learns_who_asks_and_nothing_else(server: LinkServer) -> None:
    server.serve("/b")
    server.serve("/a", redirect(302, server.url("/b").replace("://", "://eve:secret@")))
    login = server.url("/a").replace("://", "://ada:secret@")
    assert answer(login + "#part").state == "ok"
    assert server.requests == ["HEAD /a", "HEAD /b"]  # the fragment stays here
    for headers in server.headers:
        assert headers["User-Agent"].startswith("newsletter (checks the links")
        assert set(map(str.lower, headers)) == {"host", "user-agent", "accept", "accept-encoding"}


# --- redirects ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "state", "leads_to"),
    [
        ([301], "moved", 1),
        ([308], "moved", 1),
        ([302], "ok", None),
        ([303], "ok", None),
        ([307], "ok", None),
        ([301, 308], "moved", 2),
        ([301, 302], "moved", 1),
        ([302, 301], "ok", None),
    ],
)
def test_only_permanent_redirects_from_the_start_are_a_move(
    server: LinkServer, codes: list[int], state: str, leads_to: int | None
) -> None:
    for number, code in enumerate(codes):
        server.serve(f"/{number}", redirect(code, f"/{number + 1}"))
    server.serve(f"/{len(codes)}")
    found = answer(server.url("/0"))
    assert (found.state, found.leads_to) == (state, "" if leads_to is None else server.url(f"/{leads_to}"))
    assert (found.code, found.what) == (200, "the server answers 200 OK")


def test_a_redirect_into_nothing_is_dead(server: LinkServer) -> None:
    assert answer(server.serve("/a", redirect(301, "/gone"))) == LinkAnswer(
        server.url("/a"), "dead", 404, "the server answers 404 Not Found"
    )


@pytest.mark.parametrize("codes", [(301, 301), (302, 302)])
def test_a_circle_is_named(server: LinkServer, codes: tuple[int, int]) -> None:
    server.serve("/b", redirect(codes[1], "/a"))
    assert answer(server.serve("/a", redirect(codes[0], "/b#again"))) == LinkAnswer(
        server.url("/a"), "unsure", codes[1], "it redirects in a circle"
    )
    assert server.requests == ["HEAD /a", "HEAD /b"]


def test_a_long_chain_is_left(server: LinkServer) -> None:
    for number in range(20):
        server.serve(f"/{number}", redirect(302, f"/{number - 1}"))
    server.serve("/0")
    world = World()
    found = world.checker().check([server.url("/10"), server.url("/11")])
    assert [each.state for each in found.values()] == ["ok", "unsure"]
    assert found[server.url("/11")].what == "it redirects more than 10 times"


def test_a_place_in_the_page_goes_along(server: LinkServer) -> None:
    server.serve("/new")
    server.serve("/old", redirect(301, "/new"))
    server.serve("/older", redirect(301, "/new#top"))
    urls = [server.url(path) for path in ("/old", "/old#part", "/older#part")]
    found = World().checker().check(urls)
    assert [each.leads_to for each in found.values()] == [
        server.url(path) for path in ("/new", "/new#part", "/new#top")
    ]
    assert [each.url for each in found.values()] == urls
    assert sorted(server.requests) == ["HEAD /new", "HEAD /new", "HEAD /old", "HEAD /older"]


def test_a_redirect_of_endless_length_is_no_address_to_write(server: LinkServer) -> None:
    target = "/new?" + "x" * 3000
    server.serve(target)
    assert answer(server.serve("/old", redirect(301, target))).state == "ok"


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("weixin://dl/business", NO_ADDRESS),
        ("file:///etc/passwd", NO_ADDRESS),
        ("http://10.0.0.1/", "it is on a private address (10.0.0.1 is 10.0.0.1), which is not asked"),
        (
            "http://169.254.169.254/",
            "it is on a private address (169.254.169.254 is 169.254.169.254), which is not asked",
        ),
    ],
)
def test_a_redirect_passes_the_same_gate(server: LinkServer, target: str, what: str) -> None:
    assert answer(server.serve("/a", redirect(302, target))) == LinkAnswer(server.url("/a"), "unsure", 302, what)


# --- no answer at all -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "state", "what"),
    [
        ("http://nobody.test/", "dead", "the host nobody.test is not known"),
        (
            "http://offline.test/",
            "unsure",
            "the host offline.test is not known just now: the name service does not answer",
        ),
        (
            "http://inside.test/",
            "unsure",
            "it is on a private address (inside.test is 192.168.1.1), which is not asked",
        ),
        ("http://", "dead", NO_ADDRESS),
        ("https://[", "dead", NO_ADDRESS),
        ("HTTP://a b/", "dead", NO_ADDRESS),
        ("http://" + "a" * 70 + ".test/", "dead", "the host " + "a" * 70 + ".test is not known"),
        ("http://\ud800/", "dead", NO_ADDRESS),
        ("http://xn--zz.test/", "dead", NO_ADDRESS),
    ],
)
def test_an_address_that_leads_nowhere(url: str, state: str, what: str) -> None:
    assert answer(url, World(inside_test=["192.168.1.1"], offline_test=[])) == LinkAnswer(url, state, 0, what)  # type: ignore[arg-type]


def test_a_machine_without_a_network_finds_no_link_dead() -> None:
    """Such a machine may say of every host that it does not exist."""
    urls = ["http://one.test/", "http://zwei.例子/a", "http://zwei.例子/b", "http://["]
    found = World().checker().check(urls)
    assert [each.state for each in found.values()] == ["unsure", "unsure", "unsure", "dead"]
    assert found[urls[0]].what == "the host one.test is not known, nor is any other: this machine seems to be offline"


def test_a_host_that_nobody_knows_is_dead_where_others_are_known(server: LinkServer) -> None:
    urls = [server.serve("/a", host="known.test"), "http://one.test/", "http://two.test/"]
    assert [each.state for each in World(known_test=["127.0.0.1"]).checker().check(urls).values()] == [
        "ok",
        "dead",
        "dead",
    ]


def test_a_port_where_nobody_listens() -> None:
    (port,) = free_ports(1)
    assert answer(f"http://127.0.0.1:{port}/").what == "the server cannot be reached"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1"])
def test_without_a_test_no_private_address_is_reached(server: LinkServer, host: str) -> None:
    url = server.url("/", host)
    found = LinkChecker().check([url])[url]
    assert found.state == "unsure"
    assert "private address" in found.what
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["mailto:a@example.com", "tel:+491234", "#part", "/about", "//a.test/", "ftp://a.test/", ""]
)
def test_what_is_no_web_link_is_not_asked(url: str, no_network: None) -> None:
    assert World().checker().check([url]) == {}


# --- a server that is busy ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [
        ("2", 2.0),
        ("0", 0.0),
        (format_datetime(NOON + timedelta(seconds=3), usegmt=True), 3.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
    ],
)
def test_a_short_wait_is_heeded(server: LinkServer, code: int, retry_after: str, waited: float) -> None:
    world = World()
    url = server.serve("/a", (code, {"Retry-After": retry_after}), OK)
    assert answer(url, world, pause_s=0.125).state == "ok"
    assert world.pauses == [waited, 0.125]
    assert server.requests == ["HEAD /a", "HEAD /a"]


@pytest.mark.parametrize(
    "retry_after", ["6", "99999999999999999999", "soon", "-1", "٣", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 99 Foo 2026"]
)
def test_a_long_wait_or_a_strange_one_is_an_answer(server: LinkServer, retry_after: str) -> None:
    world = World()
    said = (429, {"Retry-After": retry_after.encode().decode("latin-1")})
    assert answer(server.serve("/a", said, OK), world).state == "unsure"
    assert world.pauses == []
    assert server.requests == ["HEAD /a"]


def test_a_wait_is_heeded_once(server: LinkServer) -> None:
    world = World()
    assert (
        answer(server.serve("/a", (503, {"Retry-After": "1"})), world).what
        == "the server answers 503 Service Unavailable"
    )
    assert server.requests == ["HEAD /a", "HEAD /a"]


@pytest.mark.parametrize(
    ("fault", "what", "timeout_s"),
    [
        ((429, {}), "the server answers 429 Too Many Requests", 10),
        ("silent", "the server takes longer than 0.3 s", 0.3),
    ],
)
def test_a_host_that_has_had_enough_is_left_alone(
    server: LinkServer, fault: Answer | str, what: str, timeout_s: float
) -> None:
    urls = [server.serve(f"/{number}", fault, host="busy.test") for number in range(20)]
    found = World(busy_test=["127.0.0.1"]).checker(timeout_s=timeout_s).check(urls)
    assert {each.state for each in found.values()} == {"unsure"}
    assert found[urls[0]].what == what
    assert found[urls[-1]].what == f"not asked, since other links of busy.test fared badly: {what}"
    assert len(server.requests) <= 4  # two slots: another two may be on their way when the second answer comes


def test_a_host_that_has_had_enough_is_no_other_host(server: LinkServer) -> None:
    busy = [server.serve(f"/{number}", (429, {}), host="busy.test") for number in range(9)]
    fine = [server.serve(f"/fine/{number}", host="fine.test") for number in range(9)]
    found = World(busy_test=["127.0.0.1"], fine_test=["127.0.0.1"]).checker().check([*busy, *fine])
    assert {found[url].state for url in fine} == {"ok"}


def test_a_host_that_answers_in_between_is_asked_on(server: LinkServer) -> None:
    urls = [server.serve(f"/{number}", (429, {}) if number % 2 else OK) for number in range(10)]
    found = World().checker(at_once_per_host=1).check(urls)
    assert [each.state for each in found.values()] == ["ok", "unsure"] * 5
    assert len(server.requests) == 10


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def context_for(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def test_a_certificate_is_checked(authority: trustme.CA) -> None:
    world = World(good_test=["127.0.0.1"], other_test=["127.0.0.1"]).trusting(authority)
    with serving(context_for(authority, "good.test")) as server:
        server.serve("/a")
        assert answer(server.url("/a", "good.test"), world).state == "ok"
        wrong = answer(server.url("/a", "other.test"), world)
    assert wrong.state == "unsure"
    assert wrong.what.startswith("its certificate is not trusted: Hostname mismatch")
    with serving(context_for(trustme.CA(), "good.test")) as server:
        unknown = answer(server.url("/a", "good.test"), world)
        assert server.requests == []
    assert unknown.state == "unsure"
    assert unknown.what.startswith("its certificate is not trusted: ")


def test_a_server_without_tls_behind_https(server: LinkServer) -> None:
    found = answer(server.url("/a").replace("http:", "https:"))
    assert (found.state, found.what) == ("unsure", "it makes no secure connection with us")


def test_https_is_offered_where_the_whole_way_has_it(authority: trustme.CA, server: LinkServer) -> None:
    world = World(both_test=["127.0.0.1"]).trusting(authority)
    with serving(context_for(authority, "both.test")) as secure:
        secure.serve("/page")
        secure.serve("/moved", redirect(301, "/page"))
        secure.serve("/back", redirect(302, server.serve("/page", host="both.test")))
        secure.serve("/private", (403, {}))
        asked = {
            path: f"http://both.test:{secure.port}{path}" for path in ("/page#a", "/moved", "/back", "/private", "/no")
        }
        found = world.checker().upgrades([*asked.values(), secure.url("/page", "both.test"), "mailto:a@b.test"])
    assert found == {
        asked["/page#a"]: True,
        asked["/moved"]: True,
        asked["/back"]: False,
        asked["/private"]: False,
        asked["/no"]: False,
    }


def test_https_is_not_offered_where_nobody_speaks_it(server: LinkServer) -> None:
    url = server.serve("/a")
    assert World().checker().upgrades([url, "http://nobody.test/", "http://["]) == {
        url: False,
        "http://nobody.test/": False,
        "http://[": False,
    }
    assert World().checker().upgrades([]) == {}


@pytest.mark.parametrize("url", ["http://a.test:80/b?c=d:80", "HTTP://a.test/b?c=d:80"])
def test_the_port_of_http_is_not_that_of_https(url: str) -> None:
    asked: list[tuple[str, int]] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        raise OSError

    assert LinkChecker(allow=allow_here, resolve=resolve).upgrades([url]) == {url: False}
    assert asked == [("a.test", 443)]


# --- many at once ---------------------------------------------------------------------------------------------------


def test_each_is_asked_once_and_progress_is_told(server: LinkServer) -> None:
    urls = [server.serve(f"/{number}") for number in range(30)]
    steps: list[tuple[int, int]] = []
    world = World()
    found = world.checker(pause_s=0.5).check([*urls, urls[0], urls[1] + "#a"], lambda *step: steps.append(step))
    assert list(found) == [*urls, urls[1] + "#a"]
    assert {each.state for each in found.values()} == {"ok"}
    assert len(server.requests) == 30
    assert steps == [(number, 30) for number in range(1, 31)]
    assert world.pauses == [0.5] * 29  # before each further request to the host


def test_a_host_is_asked_for_two_at_a_time(server: LinkServer) -> None:
    urls = [server.serve(f"/{number}") for number in range(12)]
    server.gather = threading.Barrier(2)  # each request waits for another one, so two must be open at once
    assert {each.state for each in World().checker().check(urls).values()} == {"ok"}
    assert server.most_at_once == 2


def test_eight_at_once_in_all(server: LinkServer) -> None:
    names = [f"host{number}_test" for number in range(16)]
    server.gather = threading.Barrier(8)
    urls = [server.serve("/a", host=name.replace("_", ".")) for name in names]
    world = World(**{name: ["127.0.0.1"] for name in names})
    assert {each.state for each in world.checker().check(urls).values()} == {"ok"}
    assert server.most_at_once == 8


# --- the cache ------------------------------------------------------------------------------------------------------


def test_what_is_known_is_not_asked_again(server: LinkServer, tmp_path: Path) -> None:
    cache = LinkCache(tmp_path / ".newsletter" / "links.json")
    world = World()
    server.serve("/new")
    server.serve("/old", redirect(301, "/new"))
    server.serve("/busy", (503, {}))
    urls = [server.url(path) for path in ("/new#a", "/old", "/gone", "/busy")]
    first = world.checker(cache).check(urls)
    assert [each.state for each in first.values()] == ["ok", "moved", "dead", "unsure"]
    server.requests.clear()
    steps: list[tuple[int, int]] = []
    assert world.checker(cache).check(urls, lambda *step: steps.append(step)) == first
    assert server.requests == ["HEAD /busy"]
    assert steps == [(1, 1)]
    server.requests.clear()
    world.now += timedelta(minutes=10)
    world.checker(cache).check(urls)
    assert sorted(set(server.requests)) == ["GET /gone", "HEAD /busy", "HEAD /gone"]


def test_a_login_is_not_kept(server: LinkServer, tmp_path: Path) -> None:
    cache = LinkCache(tmp_path / "links.json")
    World().checker(cache).check([server.serve("/a").replace("://", "://ada:secret@")])
    assert "secret" not in cache.path.read_text()
    assert list(cache.read(NOON)) == [server.url("/a")]


def test_a_cache_that_cannot_be_written_is_said_and_costs_nothing(server: LinkServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    checker = World().checker(LinkCache(tmp_path / "file" / "links.json"))
    url = server.serve("/a")
    assert checker.check([url])[url].state == "ok"
    (finding,) = checker.findings
    assert (finding.code, finding.severity) == ("link-cache", "hint")
    assert finding.what.startswith("links are asked anew each time: ")
    assert "links.json: cannot be written" in finding.what
