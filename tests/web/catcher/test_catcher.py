"""The mail catcher over its real front doors: SMTP by smtplib, the page by http.client, the mail in Chromium."""

from __future__ import annotations

import http.client
import json
import mailbox
import os
import signal
import smtplib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import CHROMIUM, RequireProgram, examples

from newsletter.errors import ConfigError
from newsletter.web.catcher.export import write_maildir, write_mbox
from newsletter.web.catcher.server import MAX_MESSAGE_BYTES, Catcher
from newsletter.web.catcher.store import Caught
from newsletter.web.mail_view import framed_html, read_mail, summarise

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d4944415478da63fccff0bf1e0006830280a3d3c26b0000000049454e44ae426082"
)


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    with Catcher(clock=lambda: NOON) as running:
        yield running


@pytest.fixture
def chromium(require_program: RequireProgram) -> str:
    return require_program(*CHROMIUM)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(catcher: Catcher, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", catcher.web_port, timeout=600)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def send(catcher: Catcher, data: bytes, *, to: tuple[str, ...] = ("you@example.com",)) -> None:
    with smtplib.SMTP(catcher.relay.host, catcher.relay.port, timeout=600) as smtp:
        smtp.sendmail("me@example.com", list(to), data)


def digest() -> bytes:
    """A Chinese multipart/alternative whose HTML shows an image that travels with it."""
    message = EmailMessage()
    message["Subject"] = "每日简报 · 三月一日"
    message["From"] = "每日简报 <daily@example.com>"
    message["To"] = "林小雨 <lin@example.com>"
    message.set_content("今天的七条新闻。\n")
    message.add_alternative(
        "<!doctype html><html><head><title>x</title></head><body><h1>今天的新闻</h1>"
        '<img src="cid:hero@x"><img src="cid:unknown"></body></html>',
        subtype="html",
    )
    html = message.get_payload()[1]
    html.add_related(PNG, "image", "png", cid="<hero@x>", filename="封面.png")
    return message.as_bytes(policy=policy.SMTP)


# --- SMTP -----------------------------------------------------------------------------------------------------------


def test_a_message_arrives_as_it_was_sent(catcher: Catcher) -> None:
    data = b"Subject: dots\r\n\r\n.one\r\n..two\r\n\r\nend\r\n"
    send(catcher, data, to=("a@example.com", "b@example.com"))
    assert catcher.wait_for(1, 10) == catcher.messages()
    assert catcher.messages() == (Caught(1, NOON, "me@example.com", ("a@example.com", "b@example.com"), data),)


def test_null_sender_utf8_addresses_and_any_login_are_taken(catcher: Catcher) -> None:
    with smtplib.SMTP(catcher.relay.host, catcher.relay.port, timeout=600) as smtp:
        smtp.ehlo()
        smtp.login("anyone", "anything")
        smtp.sendmail("<>", ["林@例子.example"], b"\r\n", mail_options=["SMTPUTF8"])
    (caught,) = catcher.messages()
    assert (caught.mail_from, caught.rcpt_to) == ("", ("林@例子.example",))


def test_size_is_announced_and_enforced(catcher: Catcher) -> None:
    with smtplib.SMTP(catcher.relay.host, catcher.relay.port, timeout=600) as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == str(MAX_MESSAGE_BYTES)
        code, _ = smtp.mail("me@example.com", [f"SIZE={MAX_MESSAGE_BYTES + 1}"])
    assert code == 552


def test_eight_senders_at_once_lose_nothing(catcher: Catcher) -> None:
    def send_all(sender: int) -> None:
        with smtplib.SMTP(catcher.relay.host, catcher.relay.port, timeout=600) as smtp:
            for number in range(25):
                smtp.sendmail(
                    "me@example.com", [f"r{sender}-{number}@example.com"], f"Subject: {sender}-{number}\r\n\r\nx\r\n"
                )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send_all, range(8)))
    messages = catcher.wait_for(200, 60)
    assert [m.number for m in messages] == list(range(1, 201))
    assert {m.rcpt_to[0] for m in messages} == {f"r{s}-{n}@example.com" for s in range(8) for n in range(25)}
    assert all(m.data.startswith(f"Subject: {m.rcpt_to[0][1:-12]}\r\n".encode()) for m in messages)


def test_wait_for_wakes_on_arrival_and_says_what_is_missing(catcher: Catcher) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(catcher.wait_for, 1, 60)
        send(catcher, b"Subject: x\r\n\r\n")
        assert len(waiting.result()) == 1
    with pytest.raises(TimeoutError, match=r"1 of 2 messages arrived within 0\.01 s"):
        catcher.wait_for(2, 0.01)


@pytest.mark.parametrize("caps", [{"max_messages": 3}, {"max_bytes": 100}], ids=["messages", "bytes"])
def test_past_the_cap_the_oldest_are_dropped_and_the_page_says_so(caps: dict[str, int]) -> None:
    with Catcher(**caps) as catcher:  # type: ignore[arg-type]
        for number in range(5):
            send(catcher, f"Subject: number {number}\r\n\r\n1234567890\r\n".encode())
        assert [m.number for m in catcher.wait_for(5, 10)] == [3, 4, 5]
        page = ask(catcher, "/").text
        assert "the oldest 2 messages were dropped" in page
        assert "number 1" not in page
        assert ask(catcher, "/messages/1").status == 404


def test_a_message_larger_than_the_cap_is_still_kept() -> None:
    with Catcher(max_bytes=10) as catcher:
        send(catcher, b"Subject: larger than ten bytes\r\n\r\n")
        assert len(catcher.messages()) == 1


# --- start and stop -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--smtp-port", "--web-port"])
def test_a_busy_port_is_a_sentence_and_leaves_nothing_running(option: str) -> None:
    threads = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        catcher = Catcher(**{option[2:].replace("-", "_"): port})
        with pytest.raises(ConfigError, match=rf"^port {port} on 127\.0\.0\.1 is taken .* `{option} N`"):
            catcher.start()
        assert threading.active_count() == threads
        catcher.stop()
    catcher.start()
    catcher.stop()


def test_a_port_or_host_that_cannot_be_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="port 70000 does not exist; write `--smtp-port N`"):
        Catcher(smtp_port=70_000).start()
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1: .*; use 127\.0\.0\.1"):
        Catcher(host="192.0.2.1").start()


def test_stop_ends_open_connections_and_can_be_repeated() -> None:
    catcher = Catcher()
    catcher.start()
    smtp = smtplib.SMTP(catcher.relay.host, catcher.relay.port, timeout=600)
    page = http.client.HTTPConnection("127.0.0.1", catcher.web_port, timeout=600)
    page.request("GET", "/events")
    live = page.getresponse()
    assert live.readline().startswith(b"data: ")
    send(catcher, b"Subject: kept\r\n\r\n")
    catcher.stop()
    catcher.stop()
    assert live.read().endswith(b"\n\n")
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        smtp.noop()
    smtp.close()
    page.close()
    assert len(catcher.messages()) == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", catcher.smtp_port), timeout=600)


def test_it_starts_again_on_the_same_ports_with_its_mail() -> None:
    with Catcher() as catcher:
        send(catcher, b"Subject: one\r\n\r\n")
        ports = catcher.smtp_port, catcher.web_port
    catcher.start()
    try:
        send(catcher, b"Subject: two\r\n\r\n")
        assert (catcher.smtp_port, catcher.web_port) == ports
        assert [m.number for m in catcher.wait_for(2, 10)] == [1, 2]
    finally:
        catcher.stop()


def test_a_running_catcher_does_not_start_twice(catcher: Catcher) -> None:
    with pytest.raises(RuntimeError, match="already running"):
        catcher.start()


# --- the page -------------------------------------------------------------------------------------------------------


def test_empty_inbox_tells_where_to_send(catcher: Catcher) -> None:
    page = ask(catcher, "/").text
    assert f"curl smtp://127.0.0.1:{catcher.smtp_port} -T -" in page
    assert catcher.inbox_url == f"http://127.0.0.1:{catcher.web_port}/"


def test_the_inbox_lists_names_subjects_and_recipients_escaped(catcher: Catcher) -> None:
    send(catcher, digest())
    send(catcher, b"Subject: <script>alert(1)</script>\r\nFrom: <b>Eve</b> <eve@example.com>\r\n\r\n")
    page = ask(catcher, "/").text
    assert "每日简报 · 三月一日" in page
    assert "to you@example.com" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert page.index("alert(1)") < page.index("三月一日"), "the newest comes first"


def test_opening_a_message_marks_it_read(catcher: Catcher) -> None:
    send(catcher, digest())
    assert "row unread" in ask(catcher, "/list").text
    ask(catcher, "/messages/1")
    assert "row unread" not in ask(catcher, "/list").text


def test_the_filter_looks_at_names_addresses_and_subjects(catcher: Catcher) -> None:
    send(catcher, digest())
    send(catcher, b"Subject: Lunch\r\nFrom: Bo <bo@example.com>\r\n\r\n", to=("team@example.com",))
    for search, found in {
        "lunch": "2",
        "BO%20lunch": "2",
        "TEAM": "2",
        "%E7%AE%80%E6%8A%A5": "1",
        "nobody": "",
    }.items():
        page = ask(catcher, f"/list?q={search}").text
        assert [n for n in "12" if f'href="/messages/{n}?' in page] == list(found), search


def test_long_inboxes_come_in_pages(catcher: Catcher) -> None:
    with smtplib.SMTP(catcher.relay.host, catcher.relay.port, timeout=600) as smtp:
        for number in range(1, 122):
            smtp.sendmail("me@example.com", ["you@example.com"], f"Subject: n{number}.\r\n\r\n")
    first, second, on_message = (ask(catcher, path).text for path in ("/", "/?page=2", "/messages/1"))
    assert ("n121." in first, "n22." in first, "n21." in first) == (True, True, False)
    assert ("n22." in second, "n21." in second, "n1." in second) == (False, True, True)
    assert 'aria-current="true"' in on_message, "the page of the list is the one that holds the open message"


def test_every_view_of_a_message_shows(catcher: Catcher) -> None:
    send(catcher, digest())
    expected = {
        "html": '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox"',
        "text": "今天的七条新闻。",
        "headers": "林小雨 &lt;lin@example.com&gt;",
        "source": "Content-Type: multipart/alternative",
        "parts": "封面.png",
    }
    for view, text in expected.items():
        answer = ask(catcher, f"/messages/1?view={view}")
        assert answer.status == 200
        assert text in answer.text, view
    assert expected["html"] in ask(catcher, "/messages/1").text, "HTML is the first view where there is some"
    assert ask(catcher, "/messages/1/text").text.rstrip() == "今天的七条新闻。"
    assert ask(catcher, "/messages/1/raw").body == catcher.messages()[0].data
    assert ask(catcher, "/messages/1/raw").headers.get_content_type() == "text/plain"
    download = ask(catcher, "/messages/1.eml")
    assert download.body == catcher.messages()[0].data
    assert download.headers.get_content_disposition() == "attachment"


def test_cid_images_lead_to_the_parts(catcher: Catcher) -> None:
    send(catcher, digest())
    html = ask(catcher, "/messages/1/html").text
    assert '<img src="/messages/1/parts/2">' in html
    assert '<img src="cid:unknown">' in html
    assert '<head><base target="_blank">' in html
    image = ask(catcher, "/messages/1/parts/2")
    assert image.body == PNG
    assert image.headers["content-type"] == "image/png"
    assert image.headers["content-disposition"] == "inline; filename*=UTF-8''%E5%B0%81%E9%9D%A2.png"
    assert image.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("html", "framed"),
    [
        ("<img src='cid:a%40b'>", "<img src='/p/0'>"),
        ("<img src=cid:a@b>", "<img src=/p/0>"),
        ('<td background="CID:a@b">', '<td background="/p/0">'),
        ("url(cid:a@b)", "url(/p/0)"),
        ("<p>cid:a@b is text</p>", "<p>cid:a@b is text</p>"),
        ("<head lang=en>", '<head lang=en><base target="_blank">'),
        ("<head <head x>", '<head <head x><base target="_blank">'),
    ],
)
def test_cid_references_in_every_spelling(html: str, framed: str) -> None:
    assert framed_html(html, {"a@b": "/p/0"}) == framed


def test_only_images_show_inline_and_svg_never(catcher: Catcher) -> None:
    message = EmailMessage()
    message.set_content("x")
    message.add_attachment(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image", "svg+xml", disposition="inline")
    message.add_attachment(b"<script>1</script>", "text", "html", disposition="inline", filename='a"b;.html')
    send(catcher, message.as_bytes(policy=policy.SMTP))
    svg, page = (ask(catcher, f"/messages/1/parts/{index}") for index in (1, 2))
    assert svg.headers.get_content_disposition() == page.headers.get_content_disposition() == "attachment"
    assert page.headers["content-type"] == "application/octet-stream"
    assert "default-src 'none'" in svg.headers["content-security-policy"]


def test_json_lists_messages_and_their_parts(catcher: Catcher) -> None:
    send(catcher, digest())
    listing = json.loads(ask(catcher, "/api/messages").body)
    assert (listing["arrived"], listing["dropped"]) == (1, 0)
    assert listing["messages"][0]["subject"] == "每日简报 · 三月一日"
    assert listing["messages"][0]["received"] == "2026-03-01T12:00:00+00:00"
    message = json.loads(ask(catcher, "/api/messages/1").body)
    assert message["text"].strip() == "今天的七条新闻。"
    assert [part["media_type"] for part in message["parts"]] == ["text/plain", "text/html", "image/png"]
    assert ask(catcher, "/api/messages/2").status == 404
    assert "row unread" in ask(catcher, "/list").text, "programs reading mail leave it unread"


def test_live_pages_hear_of_new_mail(catcher: Catcher) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", catcher.web_port, timeout=600)
    connection.request("GET", "/events")
    stream = connection.getresponse()
    assert stream.headers.get_content_type() == "text/event-stream"
    before = stream.readline()
    stream.readline()
    send(catcher, digest())
    assert stream.readline() not in (before, b"\n", b"")
    connection.close()


# --- who may ask ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/messages/1", "/messages/9", "/assets/style.css", "/api/messages", "/none"])
def test_every_response_carries_the_security_headers(catcher: Catcher, path: str) -> None:
    send(catcher, digest())
    headers = ask(catcher, path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_framed_mail_has_a_strict_policy_of_its_own(catcher: Catcher) -> None:
    send(catcher, digest())
    headers = ask(catcher, "/messages/1/html").headers
    directives = [d.strip() for d in headers["content-security-policy"].split(";")]
    assert {"default-src 'none'", "script-src 'none'", "form-action 'none'", "frame-ancestors 'self'"} <= set(
        directives
    )
    (sandbox,) = (d for d in directives if d.startswith("sandbox"))
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox
    assert "x-frame-options" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("[::1]:1080", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("192.168.1.5", 421),
        ("[", 421),
        ("x@localhost", 421),
        ("127.0.0.1/../x", 421),
        ("localhost:", 421),
        ("localhost?x", 421),
        ("[::1]x", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_are_answered(catcher: Catcher, host: str, status: int) -> None:
    answer = ask(catcher, "/api/messages", headers={"Host": host})
    assert answer.status == status
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_only_the_page_itself_may_empty_the_inbox(catcher: Catcher) -> None:
    send(catcher, digest())
    here = f"127.0.0.1:{catcher.web_port}"
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"https://{here}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": f"http://{here}", "Sec-Fetch-Site": "same-site"},
    ):
        assert ask(catcher, "/api/messages", "DELETE", headers).status == 403, headers
    assert (
        ask(catcher, "/api/messages", "DELETE", {"Origin": "http://evil.example", "Host": "evil.example"}).status == 421
    )
    assert len(catcher.messages()) == 1
    answer = ask(catcher, "/api/messages", "DELETE", {"Origin": f"http://{here}", "Sec-Fetch-Site": "same-origin"})
    assert json.loads(answer.body) == {"deleted": 1}
    assert catcher.messages() == ()
    send(catcher, digest())
    assert catcher.messages()[0].number == 2, "a number is never used again"


@pytest.mark.parametrize(
    "path", ["/messages/0", "/messages/x", "/messages/-1", f"/messages/{'9' * 5000}", "/messages/1/parts/9", "/none"]
)
def test_what_is_not_there_is_not_found(catcher: Catcher, path: str) -> None:
    send(catcher, digest())
    assert ask(catcher, path).status == 404


def test_scripts_in_a_mail_do_not_run(catcher: Catcher, chromium: str, tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "hostile"
    message.set_content(
        "<html><head><title>quiet</title></head><body><p id=p>before</p>"
        "<img src=x onerror=\"document.getElementById('p').textContent='ra'+'n!'\">"
        "<script>document.getElementById('p').textContent=parent.document.title='ra'+'n!'</script></body></html>",
        subtype="html",
    )
    send(catcher, message.as_bytes(policy=policy.SMTP))
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    command += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path}"]
    for path, expected in {"messages/1/html": "before", "messages/1": "hostile"}.items():
        run = subprocess.run(
            [*command, "--dump-dom", f"{catcher.inbox_url}{path}"],
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
        assert expected in run.stdout
        assert "ran!" not in run.stdout, path


# --- broken mail ----------------------------------------------------------------------------------------------------

BROKEN = {
    "nothing at all": b"",
    "one empty line": b"\r\n",
    "no content type": b"Subject: plain\r\n\r\nhello\r\n",
    "only a body": b"this is no header\r\nnor this\r\n",
    "unknown charset": b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla'\r\n",
    "codec that is not a charset": b"Content-Type: text/html; charset=rot13\r\n\r\n<p>hello\r\n",
    "charset with a null": b'Content-Type: text/html; charset="a\0b"\r\n\r\n<p>\xe4\r\n',
    "eight-bit headers": b"Subject: \xff\xfe \xe4\xbd\xa0\r\nFrom: \xe9\xe9 <\xff@x>\r\nTo: \xff\r\n\r\n\xff\r\n",
    "header parser traps": b'To: (((((\r\nFrom: "\r\nMessage-ID: <[\r\nContent-Type: ;\r\nReply-To: ,;:@\r\n\r\n',
    "bad encoded words": b"Subject: =?utf-8?b?a?= =?x?q?=\xff?= =?utf-8?q?=ED=A0=80?=\r\n\r\n",
    "multipart without a boundary": b"Content-Type: multipart/mixed\r\n\r\nlost\r\n",
    "bad base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n",
    "uuencode": b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin\r\n\xff\r\n",
    "deep comments": b"From: " + b"(" * 900 + b"\r\n\r\n",
    "nested a thousand deep": b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(1000)
    )
    + b"Content-Type: text/html\r\n\r\n<p>deep\r\n",
    "forwarded a thousand deep": b"Content-Type: message/rfc822\r\n\r\n" * 1000,
    "raw utf-8": "Subject: 你好\r\nFrom: 林 <lin@例子.example>\r\n\r\n正文\r\n".encode(),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_broken_mail_is_listed_and_shown(catcher: Catcher, data: bytes) -> None:
    with smtplib.SMTP(catcher.relay.host, catcher.relay.port, timeout=600) as smtp:
        smtp.sendmail("me@example.com", ["you@example.com"], data)
    views = [f"/messages/1?view={view}" for view in ("html", "text", "headers", "source", "parts")]
    for path in ("/", "/list?q=x", "/messages/1", *views, "/messages/1/raw", "/messages/1.eml", "/api/messages/1"):
        assert ask(catcher, path).status == 200, path
    for path in ("/messages/1/html", "/messages/1/text", "/messages/1/parts/0"):
        assert ask(catcher, path).status in (200, 404), path


def test_raw_utf8_headers_are_read_as_utf8(catcher: Catcher) -> None:
    send(catcher, BROKEN["raw utf-8"])
    summary = summarise(catcher.messages()[0])
    assert (summary.subject, summary.sender) == ("你好", "林")


def test_a_forwarded_message_is_a_part_not_the_body() -> None:
    inner = EmailMessage()
    inner.set_content("<p>inner</p>", subtype="html")
    outer = EmailMessage()
    outer.set_content("outer")
    outer.add_attachment(inner)
    mail = read_mail(outer.as_bytes())
    assert mail.html is None
    assert [part.media_type for part in mail.parts] == ["text/plain", "message/rfc822"]


FRAGMENTS = (
    b"Content-Type: |multipart/mixed; boundary=b|text/html; charset=|Content-Disposition: |filename|idna|*0*=|"
    b"Subject: |From: |To: |Message-ID: |=?utf-8?b?|?=|Content-Transfer-Encoding: |x-uuencode|\r\n|--b\r\n|--b--\r\n|"
    b'(|"|<|@|;|=|\0|\xff|a'
).split(b"|")


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join))
@settings(max_examples=examples(200), deadline=None)
def test_no_bytes_make_reading_fail(data: bytes) -> None:
    mail = read_mail(data)
    summarise(Caught(1, NOON, "", (), data))
    text = "".join([h.name + h.value + h.raw for h in mail.headers] + [p.text or p.filename for p in mail.parts])
    assert text.encode().decode() == text


# --- to disk --------------------------------------------------------------------------------------------------------

TRICKY = (
    digest(),
    b"Subject: from\r\n\r\nFrom here on\r\n\r\nFrom there\r\n>From quoted\r\n",
    b"From nowhere\r\nSubject: starts with it\r\n\r\nx\r\n",
    b"Subject: no newline at the end\r\n\r\nx",
    b"",
)


def caught(*bodies: bytes) -> list[Caught]:
    return [Caught(n, NOON, "me@example.com", ("you@example.com",), data) for n, data in enumerate(bodies, 1)]


def test_mbox_reads_back_message_for_message(tmp_path: Path) -> None:
    path = tmp_path / "mail.mbox"
    write_mbox(path, caught(*TRICKY))
    box = mailbox.mbox(path, create=False)
    try:
        read = [box.get_bytes(key) for key in box.iterkeys()]
        first_line = box.get_string(0, from_=True).splitlines()[0]
    finally:
        box.close()
    expected = [data.replace(b"\r\n", b"\n") for data in TRICKY]
    expected[1] = b"Subject: from\n\n>From here on\n\n>From there\n>From quoted\n"
    expected[2] = b">" + expected[2]
    expected[3] += b"\n"
    assert read == expected
    assert first_line == "From me@example.com Sun Mar  1 12:00:00 2026"


def test_mbox_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "mail.mbox"
    path.write_bytes(b"before")

    def failing() -> Iterator[Caught]:
        yield from caught(b"Subject: one\r\n\r\n")
        raise OSError(28, "No space left on device")

    with pytest.raises(ConfigError, match=r"mail\.mbox: cannot be written"):
        write_mbox(path, failing())
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("sender", ["", '"a b"@example.com', "林@example.com"])
def test_mbox_sender_never_breaks_the_from_line(tmp_path: Path, sender: str) -> None:
    path = tmp_path / "mail.mbox"
    write_mbox(path, [Caught(1, NOON, sender, (), b"Subject: x\r\n\r\n")])
    first = path.read_text().splitlines()[0]
    assert first.split(" ", 2)[2] == "Sun Mar  1 12:00:00 2026"
    assert len(first.split(" ", 2)[1]) > 0


def test_maildir_reads_back_message_for_message(tmp_path: Path) -> None:
    write_maildir(tmp_path / "mail", caught(*TRICKY))
    box = mailbox.Maildir(tmp_path / "mail", create=False)
    assert sorted(box.get_bytes(key) for key in box.iterkeys()) == sorted(d.replace(b"\r\n", b"\n") for d in TRICKY)


@pytest.mark.parametrize("write", [write_mbox, write_maildir])
def test_what_was_caught_over_smtp_reads_back_from_disk(
    catcher: Catcher, tmp_path: Path, write: Callable[[Path, tuple[Caught, ...]], None]
) -> None:
    send(catcher, digest())
    write(tmp_path / "mail", catcher.messages())
    box = mailbox.mbox(tmp_path / "mail") if write is write_mbox else mailbox.Maildir(tmp_path / "mail")
    try:
        (message,) = box
    finally:
        box.close()
    assert str(read_mail(message.as_bytes()).text) == str(read_mail(catcher.messages()[0].data).text)


def test_the_first_ctrl_c_ends_a_catcher_that_is_still_starting() -> None:
    class Interrupted(Catcher):
        async def _serve(self, *given: Any) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            await super()._serve(*given)

    with pytest.raises(KeyboardInterrupt):
        Interrupted().start()
    assert not [thread for thread in threading.enumerate() if thread.name == "mail catcher"]


@pytest.mark.parametrize("command", [b"MAIL FROM:<", b'MAIL FROM:<"', b"RCPT TO:<", b"RCPT TO:<a@[", b'RCPT TO:<"\\'])
def test_an_address_that_no_parser_survives_leaves_no_traceback(
    command: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with Catcher() as catcher, socket.create_connection(("127.0.0.1", catcher.relay.port), timeout=30) as connection:
        answers = connection.makefile("rb")
        answers.readline()
        for line in (b"HELO x", *((b"MAIL FROM:<a@b.example>",) if command.startswith(b"RCPT") else ()), command):
            connection.sendall(line + b"\r\n")
            answer = answers.readline()
        assert answer, "it hung up"
        connection.sendall(b"NOOP\r\n")
        assert answers.readline().startswith(b"250")
    assert "Traceback" not in caplog.text
