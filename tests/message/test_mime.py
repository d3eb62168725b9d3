"""Splicing: a body with values spliced in is the body that Python's `email` builds of the filled texts."""

from __future__ import annotations

import base64
import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.message.mime import Base64Text, Text, build_body, encode_attachment, encode_lines, encode_text
from newsletter.model.rendered_email import Attachment

PICTURES = (
    Attachment("1@newsletter", "image/png", "chart.png", bytes(range(256)) * 9),
    Attachment("2@newsletter", "image/svg+xml", "图 2.svg", b"<svg/>"),
)

VALUES = 4
long_texts = st.builds(
    lambda text, count, end: text * count + end,
    st.text("a€😀é\r\n.=-", min_size=1, max_size=8),
    st.integers(100, 700),
    st.text(max_size=3),
)
# A carriage return at the end of a piece and a line feed at the start of the next are one line end or two, depending
# on the value between them.
pieces = st.one_of(st.text(max_size=20), long_texts).map(lambda text: text.rstrip("\r"))
texts = st.lists(st.one_of(pieces, st.integers(0, VALUES - 1)), max_size=9)
one_line_values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=90)
all_values = st.lists(one_line_values, min_size=VALUES, max_size=VALUES)

LONG = "日a😀" * 300


def filled(text: Text, values: list[str]) -> str:
    return "".join(part if isinstance(part, str) else values[part] for part in text)


def rebuilt(text: str, html: str, attachments: tuple[Attachment, ...]) -> EmailMessage:
    """The same message by Python's `email`, read back from its bytes."""
    mail = EmailMessage(policy=policy.SMTP)
    mail.set_content(text, cte="base64")
    mail.add_alternative(html, subtype="html", cte="base64")
    page = mail.get_payload(1)
    assert isinstance(page, EmailMessage)
    for attachment in attachments:
        main, _, sub = attachment.media_type.partition("/")
        name, cid = attachment.filename, f"<{attachment.content_id}>"
        page.add_related(attachment.data, main, sub, cid=cid, filename=name, disposition="inline")
    return read(bytes(mail))


def spliced(text: Text, html: Text, values: list[str], attachments: tuple[Attachment, ...]) -> bytes:
    body = build_body(text, html, [encode_attachment(each) for each in attachments], issue="2026-03-02")
    return b"".join(body.pieces(values))


def read(data: bytes) -> EmailMessage:
    mail = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(mail, EmailMessage)
    return mail


def meaning(mail: EmailMessage) -> list[tuple[object, ...]]:
    """What a reader gets: each part's type, charset, names, and its decoded bytes."""
    found: list[tuple[object, ...]] = []
    for part in mail.walk():
        assert part.defects == []
        content = b"" if part.is_multipart() else part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_content_maintype() == "text":
            assert content.endswith(b"\r\n")
            content = content.rstrip(b"\r\n")  # `email` adds a line end to an empty last line, we do or do not
        found.append(
            (
                part.get_content_type(),
                part.get_content_charset(),
                part["Content-ID"],
                part.get_content_disposition(),
                part.get_filename(),
                content,
            )
        )
    return found


def assert_on_the_wire(data: bytes) -> None:
    assert data.isascii()
    assert b"\0" not in data
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", data) is None
    assert data.endswith(b"\r\n")
    lines = data.split(b"\r\n")
    assert not any(line.startswith(b".") for line in lines)
    assert max(map(len, lines)) <= 76 + len('Content-Type: multipart/alternative; boundary=""')
    assert all(len(line) <= 76 for line in lines if re.fullmatch(rb"[A-Za-z0-9+/=]+", line))


@settings(deadline=None)
@given(text=texts, html=texts, values=all_values, pictures=st.sampled_from([(), PICTURES]))
@example(text=[0, 1], html=[0, LONG, 0, LONG, 0], values=["", "x", "xx", "日"], pictures=())
@example(text=[], html=[""], values=["", "", "", ""], pictures=PICTURES)
@example(text=[LONG, 1, "\n.\n", 1, LONG], html=[LONG, LONG], values=["", "é", "", ""], pictures=())
def test_splicing_is_rebuilding(
    text: list[str | int], html: list[str | int], values: list[str], pictures: tuple[Attachment, ...]
) -> None:
    data = spliced(text, html, values, pictures)
    assert_on_the_wire(data)
    assert meaning(read(data)) == meaning(rebuilt(filled(text, values), filled(html, values), pictures))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("<p>words</p>\n" * 99, "quoted-printable"), (LONG, "base64"), ("", "base64"), ("Привет, " * 9, "base64")],
)
def test_the_smaller_encoding_is_sent(text: str, encoding: str) -> None:
    data = spliced(["t"], [text], [], ())
    (page,) = [part for part in read(data).walk() if part.get_content_type() == "text/html"]
    assert page["Content-Transfer-Encoding"] == encoding
    assert page.get_content().replace("\r\n", "\n") == (text if text.endswith("\n") else f"{text}\n")


def test_a_value_in_quoted_printable_is_encoded_too() -> None:
    data = spliced(["t"], ["a" * 200, 0, ". b" * 40, 0], ["=é. \u2028" * 30], ())
    assert_on_the_wire(data)
    (page,) = [part for part in read(data).walk() if part.get_content_type() == "text/html"]
    value = "=é. \u2028" * 30
    assert page.get_content().rstrip("\r\n") == "a" * 200 + value + ". b" * 40 + value


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_each_alignment_is_spliced_from_what_was_prepared(shift: int) -> None:
    """Were the long pieces encoded again, it would go unnoticed but for the time it takes."""
    prepared = encode_text([0, LONG, 0, LONG])
    assert [len(piece) for piece in prepared.pieces] == [3, 3]
    lines = list(prepared.lines(["x" * shift]))
    assert lines[1] is prepared.pieces[0][shift].lines
    assert len(lines[1]) > len(LONG.encode())
    assert base64.b64decode(b"".join(lines)).decode() == f"{'x' * shift}{LONG}" * 2 + "\r\n"


def test_what_differs_is_all_that_is_encoded_for_each() -> None:
    prepared = encode_text(["Dear ", 0, ",", 1, LONG, 1, "\n"])
    assert prepared.runs == (("Dear ", 0, ",", 1), (1, "\r\n"))


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ([], (("\r\n",),)),
        (["a"], (("a\r\n",),)),
        (["a\n"], (("a\r\n",),)),
        (["a\r\rb\r\n", "\n"], (("a\r\n\r\nb\r\n\r\n",),)),
        (["", 0, ""], ((0, "\r\n"),)),
        (["a\r", "\nb", 1, 0, "c\n"], (("a\r\nb", 1, 0, "c\r\n"),)),
    ],
)
def test_line_ends_are_crlf_and_the_last_is_there(text: Text, runs: tuple[Text, ...]) -> None:
    assert encode_text(text) == Base64Text(runs, ())


@given(data=st.binary(max_size=400))
def test_lines_of_base64_are_those_of_the_library(data: bytes) -> None:
    assert encode_lines(data) == base64.encodebytes(data).replace(b"\n", b"\r\n")


def test_a_boundary_is_of_the_issue() -> None:
    def boundaries(issue: str) -> list[str | None]:
        data = b"".join(build_body(["a"], ["b"], [encode_attachment(PICTURES[0])], issue=issue).pieces([]))
        return [part.get_boundary() for part in read(data).walk() if part.is_multipart()]

    assert boundaries("one") == boundaries("one")
    assert len({*boundaries("one"), *boundaries("two")}) == 4
    assert all(boundary and boundary.startswith("=_") for boundary in boundaries("one"))


@given(filename=st.text(st.characters(exclude_categories=["Cs"]), max_size=120))
@example(filename="=?utf-8?q?=0D=0ABcc=3A_eve?=")
@example(filename='a"b\\c.png')
@example(filename="a\r\nBcc: eve@example.net")
def test_a_picture_of_any_name_adds_no_header(filename: str) -> None:
    data = encode_attachment(Attachment("x@newsletter", "image/png", filename, b"png"))
    part = read(data)
    assert part.keys() == ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"]
    assert part.get_payload(decode=True) == b"png"
    assert max(map(len, data.split(b"\r\n"))) <= 998
