"""What strangers may try at the public pages, against the real server: each thing that they must withstand."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from time import monotonic

import pytest
from web_site import ADA, LISTS, NOW, SECRET, TOML, Site, button_of, running

from newsletter.audience.people.records import Preferences, Reason, SignUpState
from newsletter.pipeline.plan_send import plan_send
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
    with socket.create_connection(("127.0.0.1", site.port), timeout=600) as connection:
        connection.sendall(request)
        if not hold:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


# --- tokens ---------------------------------------------------------------------------------------------------------

PURPOSES = {"c": "confirm", "u": "unsubscribe", "r": "undo", "p": "preferences"}


@pytest.mark.parametrize("path", PURPOSES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_forged_truncated_and_swapped_tokens_change_nothing(shared: Site, path: str, method: str) -> None:
    before = shared.state()
    good = {purpose: shared.link(purpose, within_s=600) for purpose in PURPOSES.values()}  # type: ignore[arg-type]
    own = good[PURPOSES[path]]
    others = [token for purpose, token in good.items() if purpose != PURPOSES[path]]
    forged = make_link("another secret of theirs", Link(PURPOSES[path], ADA, "", None))  # type: ignore[arg-type]
    for token in (*others, forged, own[:-1], own[: len(own) // 2], own[::-1], own.swapcase(), own + "A", "e" * 5_000):
        answer = shared.ask(method, f"/{path}/{token}?lang=en", b"lists=ai&often=weekly")
        assert (answer.status, "This link does not work" in answer.text) == (404, True), token
        assert ADA not in answer.text
        shared.one_click(token)
    # Those for another purpose were good ones, and one of them is to leave.
    left = [row.reason for rows in shared.people.suppressions_of([ADA]).values() for row in rows]
    assert left == ([Reason.UNSUBSCRIBED] if path != "u" else [])
    shared.people.undo_leave(ADA, "test")
    assert shared.people.preferences(ADA) == Preferences()
    if path == "u":
        assert shared.state() == before


def test_replayed_tokens_do_once_what_they_do(site: Site) -> None:
    join(site)
    link = site.link("unsubscribe")
    for _ in range(3):
        assert site.one_click(link).status == 200
    assert [each.kind for each in site.people.history(ADA).consents] == ["asked", "confirmed", "withdrawn"]


def test_links_to_leave_work_for_years_and_those_to_join_do_not(site: Site) -> None:
    site.people.sign_up(ADA, source="test", wording="")
    leave, confirm, undo = site.link("unsubscribe"), site.link("confirm", within_s=60), site.link("undo", within_s=60)
    site.clock.forward(days=3_000)
    assert site.post(f"/c/{confirm}").status == site.post(f"/r/{undo}").status == 410
    person = site.people.person(ADA)
    assert person is None or person.state is SignUpState.PENDING  # who never confirmed may be tidied away by now
    assert site.one_click(leave).status == 200
    assert site.people.is_suppressed(ADA)


# --- links that are followed by scanners ----------------------------------------------------------------------------


def test_following_every_link_of_every_mail_changes_nothing(site: Site, tmp_path: Path) -> None:
    """An issue, the mail to confirm, that for who is subscribed, the welcome: all that a mail scanner gets to see."""
    (tmp_path / "post.md").write_text("---\ntitle: Hello\n---\n\nNews, see [here](https://example.com/story).\n")
    (tmp_path / "list.csv").write_text(f"email\n{ADA}\n")
    sending = plan_send(str(tmp_path / "post.md"), site.config, to=tmp_path / "list.csv", test=(), when=NOW)
    mails = [message_from_bytes(sending.sample.data, policy=policy.default)]
    site.join(ADA)
    mails.append(site.mail())
    site.people.confirm(ADA, source="test")
    site.join(ADA)
    mails.append(site.mail())
    site.people.sign_up("bo@example.com", source="test", wording="")
    site.post(f"/c/{site.link('confirm', 'bo@example.com', within_s=600)}")
    mails.append(site.mail())

    before = (site.state(), site.people.history("bo@example.com"))
    followed: set[str] = set()
    for mail in mails:
        text = str(mail["list-unsubscribe"]) + "".join(
            part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"
        )
        for path in re.findall(re.escape(site.url) + r"(/[^\s\"<>,]+)", text):
            followed.add(path[:3])
            for method in ("GET", "HEAD"):
                assert site.ask(method, path).status == 200
            for more in re.findall(r'href="(/[^"]+)"', site.get(path).text):
                assert site.get(more).status == 200
    assert followed == {"/c/", "/jo", "/p/", "/u/"}
    assert (site.state(), site.people.history("bo@example.com")) == before


# --- injection ------------------------------------------------------------------------------------------------------


def test_no_answer_reaches_a_header_or_the_markup_of_a_mail(site: Site) -> None:
    name = "Ada\r\nBcc: everyone@example.com\r\n\r\n" + XSS
    site.join(ADA, name=name)
    site.post(button_of(site.mail()))
    welcome = site.mail()
    assert welcome["bcc"] is None
    assert len(site.catcher.messages()[-1].rcpt_to) == 1
    assert "everyone@example.com" in welcome["to"], "it is a part of the name"
    assert "<script" not in welcome.get_body(("html",)).get_content()  # type: ignore[union-attr]
    kept = site.people.person(ADA).fields["name"]  # type: ignore[union-attr]
    assert not re.search(r"[\x00-\x1f]", kept)


@pytest.mark.parametrize(
    "address", ["ada@example.com\r\nBcc: x@example.com", "ada\0@example.com", XSS + "@example.com"]
)
def test_no_header_comes_with_an_address(shared: Site, address: str) -> None:
    answer = shared.join(address)
    assert answer.status == 422
    assert "<script" not in answer.text
    assert not shared.catcher.messages()


@pytest.mark.parametrize(
    "path", ["/join", "/join/form", "/", "/c/x", "/nowhere", "/u/x?page", "/join?lang=" + "%22%3E%3Cscript%3E"]
)
def test_nothing_of_a_request_becomes_markup(shared: Site, path: str) -> None:
    query = ("&" if "?" in path else "?") + "lang=%22%3E%3Cscript%3E&email=%3Cscript%3E&%3Cscript%3E=1"
    for method, body in (("GET", None), ("POST", b"email=%22%3E%3Cscript%3E&name=%3Cscript%3E&lists=%3Cscript%3E")):
        answer = shared.ask(
            method, path + query, body, {"Accept-Language": "<script>", "User-Agent": "<script>", "Referer": "<script>"}
        )
        assert b"<script" not in answer.body


def test_nothing_of_the_store_becomes_markup(tmp_path: Path) -> None:
    toml = f"{TOML}[serve]\nfields = ['name']\n[serve.lists]\nai = '''{XSS}'''\n".replace("AI Daily", "<script>A&I")
    with running(tmp_path, toml) as site:
        address = '"<script>x"@example.com'
        for path in ("/join", f"/p/{site.link('preferences', address)}", f"/u/{site.link('unsubscribe', address)}"):
            page = site.get(path).text
            assert "<script" not in page
            assert "onerror=&#39;" in page or "/u/" in path
            assert "&lt;script&gt;" in page


# --- other sites ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.example.com"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
def test_another_site_can_make_a_browser_do_nothing(site: Site, headers: dict[str, str]) -> None:
    page = site.get("/join").text
    stamp = page.partition('name="t" value="')[2].partition('"')[0]
    site.clock.forward(seconds=5)
    kind = {"content-type": "application/x-www-form-urlencoded", **headers}
    answer = site.ask("POST", "/join", f"email={ADA}&t={stamp}".encode(), kind)
    assert (answer.status, "came from another site" in answer.text) == (403, True)
    site.people.sign_up(ADA, source="test", wording="")
    site.ask("POST", f"/c/{site.link('confirm', within_s=60)}", b"", kind)
    assert site.people.person(ADA).state is SignUpState.PENDING  # type: ignore[union-attr]
    site.ask("POST", f"/p/{site.link('preferences')}", b"often=weekly", kind)
    assert site.people.preferences(ADA) == Preferences()
    site.people.leave(ADA, "test")
    site.ask("POST", f"/r/{site.link('undo', within_s=60)}", b"", kind)
    assert site.people.is_suppressed(ADA)


def test_a_form_that_is_none_of_ours_is_asked_for_again(site: Site) -> None:
    for stamp in ("", "0.0", "69a3e4e0." + "0" * 32, XSS):
        answer = site.post("/join", {"email": ADA, "t": stamp})
        assert (answer.status, "Please press the button once more" in answer.text) == (422, True)
    assert site.people.person(ADA) is None


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "/join/", "/%2F%2Fevil.example/..", "/join?next=https://evil.example"]
)
def test_nothing_leads_elsewhere(shared: Site, path: str) -> None:
    for method in ("GET", "POST"):
        answer = shared.ask(method, path, headers={"Host": "evil.example"})
        assert answer.status in (200, 404, 405, 422)
        assert "location" not in answer.headers
        assert b"evil.example" not in answer.body


def test_every_page_forbids_scripts_frames_and_what_is_elsewhere(shared: Site) -> None:
    tokens = {"c": "confirm", "u": "unsubscribe", "r": "undo", "p": "preferences"}
    paths = [f"/{path}/{shared.link(purpose, within_s=60)}" for path, purpose in tokens.items()]  # type: ignore[arg-type]
    for path in ("/", "/join", "/join/form", "/health", "/style.css", "/icon.svg", "/u/x", "/nowhere", *paths):
        answer = shared.get(path)
        policy = dict(each.strip().partition(" ")[::2] for each in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert "script-src" not in policy
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert (policy["form-action"], policy["base-uri"]) == ("'self'", "'none'")
        assert policy["frame-ancestors"] == "'none'"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        if "text/html" in answer.headers["content-type"]:
            assert answer.headers["cache-control"] == "no-store"
            assert ("noindex" in answer.headers.get("x-robots-tag", "")) == (path not in ("/", "/join"))
            assert not re.search(r"<script|\son\w+=|style=|javascript:|src=", answer.text)
            assert not re.findall(
                r'(?:href|action)="(?!/|https://example\.com/privacy|http://127\.0\.0\.1:\d+/join"|\?|")', answer.text
            )
        assert "set-cookie" not in answer.headers


# --- who is subscribed ----------------------------------------------------------------------------------------------


def test_nobody_learns_who_is_subscribed(tmp_path: Path) -> None:
    with running(tmp_path, TOML + "[serve]\nsignups_per_address = 2\nsignups_per_network = 1000\n") as site:
        join(site, "known@example.com")
        site.people.suppress("gone@example.com", Reason.HARD_BOUNCE)
        site.people.sign_up("asked@example.com", source="test", wording="")
        names = ("known", "gone", "asked", "never")
        answers = {}
        for name in names * 3:  # the third time beyond the limit of an address
            answer = site.join(f"{name}@example.com")
            headers = {key: value for key, value in answer.headers.items() if key not in ("date", "content-length")}
            answers[answer.status, answer.text.replace(f"{name}@", "X@"), str(headers)] = name
        assert len(answers) == 1
        assert len(site.catcher.wait_for(8, 30)) == 8, "each was mailed twice, whoever they are"


def test_an_answer_takes_as_long_whoever_it_is_about(tmp_path: Path) -> None:
    """At least: what the store does differs by less than the server waits."""
    from newsletter.web.public.join_pages import ANSWER_AFTER_S

    with running(tmp_path, answer_s=ANSWER_AFTER_S) as site:
        join(site, "known@example.com")
        for name in ("known", "never"):
            page = site.get("/join").text
            stamp = page.partition('name="t" value="')[2].partition('"')[0]
            site.clock.forward(seconds=5)
            started = monotonic()
            assert site.post("/join", {"email": f"{name}@example.com", "t": stamp}).status == 200
            assert monotonic() - started >= ANSWER_AFTER_S


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_network_may_ask_only_so_often(tmp_path: Path) -> None:
    with running(tmp_path, TOML + '[serve]\nsignups_per_network = 3\ntrusted_proxies = ["127.0.0.1"]\n') as site:

        def ask(number: int, forwarded: str) -> int:
            page = site.get("/join").text
            stamp = page.partition('name="t" value="')[2].partition('"')[0]
            site.clock.forward(seconds=3)
            fields = {"email": f"reader{number}@example.com", "t": stamp}
            return site.post("/join", fields, X_Forwarded_For=forwarded).status

        assert [ask(n, f"198.51.100.{n}") for n in range(4)] == [200, 200, 200, 429]
        assert ask(5, "198.51.101.1") == 200
        # What a client itself writes before the proxy's part does not count.
        assert ask(6, "203.0.113.9, 198.51.100.77") == 429
        assert ask(7, "2001:db8:1:2:3::1") == 200
        site.clock.forward(minutes=21)
        assert ask(8, "198.51.100.1") == 200


def test_forwarded_headers_of_strangers_are_not_read(tmp_path: Path) -> None:
    with running(tmp_path, TOML + "[serve]\nsignups_per_network = 1\n") as site:
        assert site.join("bo@example.com").status == 200
        page = site.get("/join").text
        stamp = page.partition('name="t" value="')[2].partition('"')[0]
        site.clock.forward(seconds=3)
        fields = {"email": ADA, "t": stamp}
        for name in ("X_Forwarded_For", "X_Real_IP", "Forwarded"):
            assert site.post("/join", fields, **{name: "203.0.113.9"}).status == 429


def test_an_address_is_mailed_only_so_often(tmp_path: Path) -> None:
    with running(tmp_path, TOML + "[serve]\nsignups_per_address = 2\n") as site:
        for spelling in ("ada", "ADA", "Ada", "aDa"):
            assert site.join(f"{spelling}@example.com").status == 200
        site.join("bo@example.com")
        assert [mail.rcpt_to[0].lower() for mail in site.catcher.wait_for(3, 30)] == [ADA, ADA, "bo@example.com"]


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/../newsletter.toml",
        "/..%2fnewsletter.db",
        "/style.css/../../newsletter.toml",
        "/u/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/hooks/..%2f..%2fnewsletter.toml",
        "/icon.svg%00.css",
    ],
)
def test_no_path_leads_to_a_file(shared: Site, path: str) -> None:
    for method in ("GET", "POST"):
        answer = raw(shared, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), hold=True)
        assert b"root:" not in answer
        assert b"[newsletter]" not in answer
        assert b"SQLite format" not in answer


# --- secrets --------------------------------------------------------------------------------------------------------


def test_no_secret_or_token_reaches_a_log_a_page_or_the_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="newsletter")
    pages: list[bytes] = []
    with running(tmp_path, TOML + LISTS) as site:
        pages.append(site.join(ADA, name="Ada").body)
        confirm = button_of(site.mail())
        pages += [site.get(confirm).body, site.post(confirm).body]
        site.mail()
        leave = site.link("unsubscribe")
        pages += [site.get(f"/u/{leave}").body, site.post(f"/u/{leave}?page").body, site.one_click(leave).body]
        pages += [site.get(f"/p/{site.link('preferences')}").body, site.get(f"/{leave}").body]
        pages.append(site.get(f"/join/{leave}?email={ADA}").body)
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("newsletter"))
    assert "POST /u/… 200" in logged
    for word in (SECRET, leave, leave[:20], confirm[3:23], ADA, "Ada", "ada%40"):
        assert word not in logged
    assert not any(SECRET.encode() in page for page in pages)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("newsletter.db*"))
    assert ADA.encode() in stored
    for word in (SECRET, leave, leave[:20], confirm[3:23]):
        assert word.encode() not in stored
