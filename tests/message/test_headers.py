"""Header fields: what each writes, and that no value of a list breaks out of it."""

from __future__ import annotations

import re
from email import policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser, Parser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.message.headers import (
    feedback_id,
    is_language,
    mailbox_field,
    one_line,
    safe_uri,
    text_field,
    uri_field,
    wire_address,
)

anything = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="\r\n\0\t \"\\<>@,;:=?_&'()[].q日é\u202e\u2028😀", max_size=200),
    st.lists(st.sampled_from([" ", "  ", "x" * 80, "word", "日报", "=?utf-8?q?=0D=0A?=", '"', "\\"]), max_size=30).map(
        "".join
    ),
)


def read(field: str) -> EmailMessage:
    mail = BytesParser(policy=policy.default).parsebytes(f"{field}\r\nX-After: here\r\n\r\n".encode())
    assert isinstance(mail, EmailMessage)
    return mail


def assert_well_formed(field: str) -> None:
    """One field, folded as RFC 5322, 2.2.3 says, with no line of blanks alone, within the lengths of 2.1.1."""
    name, *more = field.split("\r\n")
    assert re.match(r"[A-Za-z-]+: ", name)
    assert all(line.startswith((" ", "\t")) and line.strip() for line in more)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", field)
    assert not re.search("\r(?!\n)|(?<!\r)\n", field)
    assert max(len(line.encode()) for line in (name, *more)) <= 998
    for line in (name, *more):
        if "=?" in line:
            assert len(line) <= 76
            assert all(len(word) <= 75 for word in re.findall(r"=\?utf-8\?[^ ]*", line))


def decoded(field: str) -> str:
    """What the field says, by the older of Python's two readers, which joins encoded-words as RFC 2047, 6.2 asks."""
    value = re.sub(r"\r\n([ \t])", r"\1", field.partition(": ")[2])
    return str(make_header(decode_header(value)))


# --- texts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("News of today", "Subject: News of today"),
        ("  News \r\n of today\t", "Subject: News   of today"),
        ("今日要闻", "Subject: =?utf-8?b?5LuK5pel6KaB6Ze7?="),
        ("Zoé's news of today", "Subject: =?utf-8?q?Zo=C3=A9=27s_news_of_today?="),
        ("=?utf-8?q?x?=", "Subject: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?="),
        ("x" * 67, "Subject: " + "x" * 67),
        ("", "Subject: "),
    ],
)
def test_a_text_is_written_as_rfc_2047_says(value: str, written: str) -> None:
    assert text_field("Subject", value) == written


@given(value=anything)
@example(value="日" * 13)
@example(value="日" * 14)
@example(value="a" + " " * 1000 + "b")
@example(value="😀" * 100)
@example(value="x" * 68)
def test_a_text_reads_back_as_itself(value: str) -> None:
    field = text_field("Subject", value)
    assert_well_formed(field)
    assert field.isascii()
    assert decoded(field) == one_line(value).strip()
    mail = read(field)
    assert mail.keys() == ["Subject", "X-After"]
    assert mail["Subject"] == one_line(value).strip()
    assert mail["Subject"].defects == ()


@pytest.mark.parametrize("value", ["日" * 200, "😀" * 99, "é日😀" * 40, "Ωμέγα" * 40])
def test_encoded_words_fill_their_lines_and_cut_no_character(value: str) -> None:
    words = re.findall(r"=\?utf-8\?b\?[^?]*\?=", text_field("Subject", value))
    assert len(words) <= -(-len(value) // 10) + 1
    for word in words:
        assert "\ufffd" not in str(make_header(decode_header(word)))


# --- mailboxes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("Ada Lovelace", "Ada Lovelace <ada@example.com>"),
        ("", "ada@example.com"),
        (" \t ", "ada@example.com"),
        ("Whitfield, Margaret", '"Whitfield, Margaret" <ada@example.com>'),
        ('Ada "Lady" L\\', '"Ada \\"Lady\\" L\\\\" <ada@example.com>'),
        ("Seán O'Brien", "=?utf-8?q?Se=C3=A1n_O=27Brien?= <ada@example.com>"),
        ("林文静", "=?utf-8?b?5p6X5paH6Z2Z?= <ada@example.com>"),
        ("Ada\r\nBcc: eve@example.net", '"Ada Bcc: eve@example.net" <ada@example.com>'),
    ],
)
def test_a_name_is_written_as_rfc_5322_and_rfc_2047_say(name: str, raw: str) -> None:
    assert mailbox_field("To", name, "ada@example.com") == f"To: {raw}"


@given(name=anything)
@example(name="x" * 71)
@example(name="x" * 72)
@example(name='"' * 40)
@example(name="林" * 13)
def test_a_name_reads_back_and_adds_no_address(name: str) -> None:
    field = mailbox_field("To", name, "ada@example.com")
    assert_well_formed(field)
    assert max(map(len, field.split("\r\n"))) <= 76
    mail = read(field)
    assert mail.keys() == ["To", "X-After"]
    assert [(each.username, each.domain) for each in mail["To"].addresses] == [("ada", "example.com")]
    shown = one_line(name).strip()
    if "=?" in field:
        assert decoded(field) == f"{shown} <ada@example.com>"
    else:
        assert mail["To"].addresses[0].display_name == shown


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@example.com\r\nBcc: eve@example.net",
        "ada\n@example.com",
        "ada\0@example.com",
        "ada\x7f@example.com",
        "ada @example.com",
        "ada@exa mple.com",
        "ada>,<eve@example.com",
        "ada@example.com,eve@example.net",
        "ada@example.com> SIZE=1",
        '"ada"@example.com',
        "ada@example.com＞，eve@example.net",
        "ada@¨.example",
    ],
)
def test_what_would_end_an_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        wire_address(address)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ada+b=c?d&e%f{token}@example.com", "ada+b=c?d&e%f{token}@example.com"),
        ("o'brien@bücher.example", "o'brien@xn--bcher-kva.example"),
        ("größe@example.com", "größe@example.com"),
        ("newsletter@localhost", "newsletter@localhost"),
    ],
)
def test_a_domain_is_written_in_idna(address: str, written: str) -> None:
    assert wire_address(address) == written


@given(address=st.text(max_size=60))
def test_an_address_is_safe_or_refused(address: str) -> None:
    try:
        written = wire_address(address)
    except ValueError:
        return
    assert not re.search("[\x00-\x20\x7f<>,;]", written)
    assert read(f"To: {written}").keys() == ["To", "X-After"]


def test_an_address_of_any_script_is_read_as_it_is() -> None:
    mail = Parser(policy=policy.SMTPUTF8).parsestr(mailbox_field("To", "Größe", "größe@example.com"))
    assert mail["To"].addresses == (Address("Größe", "größe", "example.com"),)


# --- addresses of the web -------------------------------------------------------------------------------------------


def test_uris_stand_in_brackets_a_line_each() -> None:
    """RFC 2369, 2: separated by commas; RFC 8058, 3.1: as they are, however long."""
    long = "https://example.com/" + "x" * 400
    assert uri_field("List-Unsubscribe", long, "mailto:a@b") == f"List-Unsubscribe: <{long}>,\r\n <mailto:a@b>"


@given(text=anything)
def test_no_uri_ends_its_brackets(text: str) -> None:
    uri = safe_uri(text)
    assert not re.search('[^!-~]|[<>"]', uri)
    assert safe_uri(uri) == uri


def test_a_uri_of_every_legal_letter_stays() -> None:
    uri = "https://example.com:8443/a-b_c.d~e/%E6%97%A5;x=1,2?q=a+b&c=!$'()*@#f[]"
    assert safe_uri(uri) == uri


# --- values of their own form ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issue", "written"),
    [
        ("2026-03-02-ai-daily", "2026-03-02-ai-daily:news:example"),
        ("2026-03-02-日报", "2026-03-02:news:example"),
        ("a:b\r\nc", "a-b-c:news:example"),
    ],
)
def test_a_feedback_id_names_the_issue_in_ascii(issue: str, written: str) -> None:
    assert feedback_id("{issue}:news:example", issue) == written


def test_issues_without_ascii_are_told_apart() -> None:
    made = {feedback_id("{issue}:news:example", issue) for issue in ("日报", "周报")}
    assert len(made) == 2
    assert all(re.fullmatch("[0-9a-f]{12}:news:example", each) for each in made)


@pytest.mark.parametrize("tag", ["zh", "zh-CN", "sr-Latn-RS"])
def test_a_language_tag_is_one(tag: str) -> None:
    assert is_language(tag)


@pytest.mark.parametrize("tag", ["", "中文", "en\r\nBcc: eve@example.net", "en; q=1", "en\n"])
def test_a_language_that_is_none_is_known(tag: str) -> None:
    assert not is_language(tag)
