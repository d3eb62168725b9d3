"""Files and payloads from outside cost no more than their length: lists, TOML, themes, webhooks, mail, and the check.

As `test_growth.py`, which has the other ways in.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from growth import MARKS, SHARES, dear
from reports import BOUNCES, dsn, letter
from webhook_payloads import BASIC, SECRETS, mailgun, postmark, sendgrid
from webhook_samples import NOW, SAMPLES

from newsletter.audience.list_tools.convert import convert_list
from newsletter.audience.list_tools.survey import survey_list
from newsletter.audience.read_audience import read_audience
from newsletter.bounces.message_kind import read_message
from newsletter.bounces.webhooks.read import Provider, WebhookError, read_webhook
from newsletter.check.check_post import findings_of
from newsletter.check.fix_post import fixed_text
from newsletter.check.source.source_rules import source_findings
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.config.settings import Settings
from newsletter.errors import NewsletterError
from newsletter.pipeline.render_post import render_post
from newsletter.post.parse import parse_post
from newsletter.render.themes.copy_theme import new_theme
from newsletter.render.themes.load import load_theme

Work = Callable[[Path, str], object]


# --- lists ------------------------------------------------------------------------------------------------------------


def listed(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_bytes(text.encode())
    return path


def cells(folder: Path, text: str) -> None:
    survey_list(listed(folder, f"email,name,plan\nada@example.org,Ada,pro\n{text}"))


def addresses(folder: Path, text: str) -> None:
    rows = "".join(f"{line},Ada\n" for line in text.split("\n"))
    survey_list(listed(folder, f"email,name\n{rows}"), named=None)


def columns(folder: Path, text: str) -> None:
    survey_list(listed(folder, f"email,{text}\nada@example.org,Ada\n".replace("\n", " ", text.count("\n"))))


def segments(folder: Path, text: str) -> None:
    rows = "".join(f"b{n}@example.org,{line[:40]},{line[:9]}\n" for n, line in enumerate(text.split("\n")))
    people = listed(folder, f"email,name,tier\nada@example.org,Ada,gold\n{rows}")
    read_audience(people, where="name has 'a'").close()


def converted(folder: Path, text: str) -> None:
    convert_list(listed(folder, f"email;name\nada@example.org;Ada\n{text}"), folder / "out.csv")


# --- TOML and themes --------------------------------------------------------------------------------------------------

TOML_MARKS = (
    *("[a]\n", "[[a]]\n", "[[relays]]\n", "a = 1\n", "a.b = 1\n", "[a.b.c]\n", "a = [\n", "a = {", '"a" = ""\n'),
    *('"""\n', "'''", "# a\n", "[newsletter]\n", "= ", "[", "]", "{ a = ", "1", "1_", "\\u0041", "0x", "2026-01-01"),
)


def numbered(text: str) -> str:
    """A name of its own in each line, or the second would be a fault and the last that is read."""
    return "".join(f"{line.replace('a', f'a{n}')}\n" for n, line in enumerate(text.split("\n")))


def settings(folder: Path, text: str) -> None:
    path = folder / "newsletter.toml"
    path.write_text(f'[newsletter]\nname = "x"\n{numbered(text)}')
    load_config(path, {}, folder)


def values(folder: Path, text: str) -> None:
    path = folder / "newsletter.toml"
    value = json.dumps(text)
    keys = "".join(f"{key} = {value}\n" for key in ("name", "from", "feedback_id", "subscribe_url", "language"))
    path.write_text(f"[newsletter]\n{keys}[relay]\nurl = {json.dumps('smtp://' + text)}\n")
    load_config(path, {}, folder)


def theme_file(name: str) -> Work:
    def work(folder: Path, text: str) -> None:
        theme = folder / "templates" / "mine"
        if not theme.exists():
            new_theme("mine", "classic", folder)
        whole = (theme / name).read_text("utf-8")
        try:
            (theme / name).write_text(whole + (numbered(text) if name.endswith(".toml") else text), "utf-8")
            load_theme("mine", folder)
        finally:
            (theme / name).write_text(whole, "utf-8")

    return work


# --- webhooks ---------------------------------------------------------------------------------------------------------


def post(provider: str, headers: dict[str, str], body: bytes, **secret: str) -> None:
    assert provider in get_args(Provider)
    with suppress(WebhookError):
        read_webhook(provider, headers, body, replace(SECRETS, **secret), NOW, lambda url: b"")  # type: ignore[arg-type]


def within(value: Any, text: str) -> Any:
    match value:
        case dict():
            return {key: within(each, text) for key, each in value.items()}
        case list():
            return [within(each, text) for each in value]
        case str():
            return value.replace("User unknown", text)
    return value


def events(_: Path, text: str) -> None:
    """The words of each provider's event; several events where it sends a list."""
    for sample in SAMPLES:
        made = within(sample.make("dead", NOW), text)
        body = json.dumps(made * 4 if isinstance(made, list) else made).encode()
        post(sample.provider, sample.sign(body, sample.secret, NOW), body, **{sample.provider: sample.secret})
    post("postmark", BASIC, postmark(Description=text, Details=text))
    status = {"code": 550, "message": text}
    post("mailgun", {}, mailgun(event="failed", severity="permanent", **{"delivery-status": status}))
    body, headers = sendgrid(*[{"event": "bounce", "reason": text[:40]}] * (len(text) // 40))
    post("sendgrid", headers, body)


def bodies(_: Path, text: str) -> None:
    for sample in SAMPLES:
        body = text.encode()
        post(sample.provider, sample.sign(body, sample.secret, NOW), body, **{sample.provider: sample.secret})


# --- mail that came back ----------------------------------------------------------------------------------------------

FAILED = ("Action: failed", "Status: 5.1.1")
DAEMON = b"From: MAILER-DAEMON@mx.example\r\nSubject: failed\r\nMIME-Version: 1.0\r\n"


def folded(text: str) -> str:
    return text.replace("\n", "\r\n ")


def report_words(_: Path, text: str) -> None:
    words = f"Diagnostic-Code: smtp; 550 {folded(text)}"
    read_message(dsn(*FAILED, words, to="bounce+abc@example.com", returned=f"To: a@b.example\nX-A: {text}"), BOUNCES)


def report_recipients(_: Path, text: str) -> None:
    more = [
        field
        for number in range(len(text) // 16)
        for field in ("", f"Final-Recipient: rfc822; u{number}@example.net", *FAILED, f"X-A: {text[:9].strip()}")
    ]
    read_message(dsn(*FAILED, *more), BOUNCES)


def parts(_: Path, text: str) -> None:
    kinds = ("plain", "html")
    each = "".join(f"--b\r\nContent-Type: text/{kinds[n % 2]}\r\n\r\n{text[:16]}\r\n" for n in range(len(text) // 16))
    read_message(DAEMON + f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{each}--b--\r\n".encode(), BOUNCES)


def nested_parts(_: Path, text: str) -> None:
    heads = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(len(text) // 16))
    read_message(DAEMON + f"{heads}Content-Type: text/plain\r\n\r\n{text[:16]}".encode(), BOUNCES)


def headers(_: Path, text: str) -> None:
    more = "".join(f"X-{n}: {line}\r\n" for n, line in enumerate(text.split("\n")))
    read_message(
        f"From: a@b.example\r\nSubject: {folded(text)}\r\nTo: {folded(text)}\r\n{more}\r\nx\r\n".encode(), BOUNCES
    )


def page(_: Path, text: str) -> None:
    read_message(DAEMON + b"Content-Type: text/html\r\n\r\n" + text.encode(), BOUNCES)


def encoded(_: Path, text: str) -> None:
    data = base64.encodebytes(text.encode())
    head = b"Subject: =?utf-8?b?" + base64.b64encode(text.encode()) + b"?=\r\nContent-Transfer-Encoding: base64\r\n"
    read_message(
        b"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n" + head + b"\r\n" + data, BOUNCES
    )


def wish(_: Path, text: str) -> None:
    read_message(letter("unsubscribe", text), BOUNCES)
    read_message(letter(folded(text), "unsubscribe"), BOUNCES)


# --- check and check --fix --------------------------------------------------------------------------------------------

FEW_MARKS = (
    *("[a](http://a.b/a) ", "**a** ", "- a\n", "1. **a** b\n", "|a|b|\n|-|-|\n", "`a` ", "![](a.png) ", "a: b\n"),
    *("[^a]", "# a\n", "“", "http://a.b/ ", "< ", "**中", "<b>", "{% if subscriber.a %}b{% endif %}"),
)
"""Each of these is rendered, checked and read again: some seconds a mark."""


def front(folder: Path, text: str) -> None:
    fixed_text(f"---\ntitle: T\n{text}\n---\n\nWords.\n", "p.md", folder, Config(folder, None, Settings()))


def source(_: Path, text: str) -> None:
    whole = f"---\ntitle: T\n---\n\nWords.\n\n{text}\n"
    source_findings(parse_post(whole, path="p.md").issue, whole, ())


def check(folder: Path, text: str) -> None:
    path = folder / "2026-03-01-p.md"
    path.write_text(f"---\ntitle: T\ndescription: d\n---\n\nWords.\n\n{text}\n", "utf-8")
    config = Config(folder, None, Settings())
    findings_of(render_post(str(path), config), config, datetime(2026, 3, 1, tzinfo=UTC))


def fix(folder: Path, text: str) -> None:
    fixed_text(f"---\ntitle: T\n---\n\nWords.\n\n{text}\n", "p.md", folder, Config(folder, None, Settings()))


def ways_in() -> Iterator[tuple[str, Work, tuple[str, ...]]]:
    for work in (cells, addresses, columns, segments, converted):
        yield work.__name__, work, MARKS
    for work in (settings, values):
        yield work.__name__, work, TOML_MARKS
    for name in ("theme.toml", "style.css", "issue.mjml.j2"):
        yield name, theme_file(name), TOML_MARKS if name.endswith(".toml") else MARKS
    for work in (events, bodies, report_words, report_recipients, parts, nested_parts, headers, page, encoded, wish):
        yield work.__name__, work, MARKS
    for work in (front, source):
        yield work.__name__, work, MARKS
    for work in (check, fix):
        yield work.__name__, work, FEW_MARKS


WAYS_IN = tuple(ways_in())


@SHARES
@pytest.mark.parametrize(("name", "work", "marks"), WAYS_IN, ids=[way[0] for way in WAYS_IN])
def test_twice_the_file_is_twice_the_work(
    name: str, work: Work, marks: tuple[str, ...], share: float, tmp_path: Path
) -> None:
    def read(text: str) -> None:
        work(tmp_path, text)

    with suppress(NewsletterError, ValueError):
        read("a: b")  # what is made at the first call, and kept
    assert dear(read, marks, name=name, share=share) == {}


def test_each_way_in_reads_what_it_is_given(tmp_path: Path) -> None:
    """One that fails at once costs nothing, and would hide what follows."""
    cells(tmp_path, "bob@example.org,Bob,free\n")
    addresses(tmp_path, "bob@example.org")
    segments(tmp_path, "a")
    converted(tmp_path, "bob@example.org;Bob\n")
    settings(tmp_path, "")
    theme_file("style.css")(tmp_path, "\na { color: red }\n")
    theme_file("issue.mjml.j2")(tmp_path, "{# words #}")
    front(tmp_path, "date: 2026-03-01")
    check(tmp_path, "Words.")
