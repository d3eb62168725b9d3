"""Messages as the wire gets them: read back by Python's `email`, whatever a list or a post holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser, Parser
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import html

from newsletter.message import Composer, escape_for, fill, message_id, slot_values, unsubscribe_url
from newsletter.model import Attachment, Email, Message, Sender, Slot, Subscriber, Template

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SENDER = Sender(
    name="AI 日报",
    address="daily@example.com",
    reply_to="editor@example.com",
    unsubscribe_mailto="leave@example.com",
    list_id="ai-daily.example.com",
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
PICTURE = Attachment("0123456789abcdef@newsletter", "image/png", "chart.png", PNG)
SUBJECT = Template(("今日要闻",))
HTML = Template(
    (
        '<!doctype html><html><body><p title="',
        Slot("name", "html", "reader"),
        '">Dear ',
        Slot("name", "html", "reader"),
        " from ",
        Slot("city", "html"),
        '.</p><img src="cid:0123456789abcdef@newsletter"><a href="',
        Slot("unsubscribe_url", "html"),
        '">Leave</a></body></html>',
    )
)
TEXT = Template(
    ("Dear ", Slot("name", "text", "reader"), " from ", Slot("city", "text"), ".\n.\n..dots\nFrom here\n", "长" * 2000)
)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "List-Id",
    "List-Unsubscribe",
    "Precedence",
    "Auto-Submitted",
    "Content-Language",
    "MIME-Version",
    "Content-Type",
]


def email(
    *,
    subject: Template = SUBJECT,
    attachments: tuple[Attachment, ...] = (PICTURE,),
    lang: str = "zh-CN",
) -> Email:
    return Email(
        subject=subject, preheader="", html=HTML, text=TEXT, mjml="<mjml></mjml>", lang=lang, attachments=attachments
    )


def subscriber(address: str = "ada@example.com", **fields: str) -> Subscriber:
    return Subscriber(address, {"email": address, "name": "Ada Lovelace", "city": "London", **fields})


def compose(person: Subscriber | None = None, mail: Email | None = None, *, sender: Sender = SENDER) -> Message:
    return Composer(mail or email(), sender, issue="2026-03-02-ai-daily", when=NOON).compose(person or subscriber())


def read(message: Message) -> EmailMessage:
    mail = BytesParser(policy=policy.default).parsebytes(message.data)
    assert isinstance(mail, EmailMessage)
    return mail


def head(message: Message) -> bytes:
    return message.data.partition(b"\r\n\r\n")[0] + b"\r\n"


def raw_header(message: Message, name: str) -> str:
    """A header's value as it stands on the wire, unfolded (RFC 5322, 2.2.3)."""
    found = re.search(rf"(?m)^{name}: (.*\r\n(?:[ \t].*\r\n)*)", head(message).decode())
    assert found, f"no {name}"
    return found[1].replace("\r\n", "")


def content(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body(preferencelist=(kind,))
    assert isinstance(body, EmailMessage)
    text = body.get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")


def assert_sound(message: Message) -> EmailMessage:
    """What holds for every message: it reads without a defect, and obeys RFC 5322, 2.1.1 and 2.3."""
    mail = read(message)
    for part in mail.walk():
        assert part.defects == []
        for name, value in part.items():
            assert value.defects == (), (name, value.defects)
    assert message.data.isascii()
    assert b"\0" not in message.data
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", message.data) is None
    assert max(map(len, message.data.split(b"\r\n"))) <= 998
    return mail


# --- headers --------------------------------------------------------------------------------------------------------


def test_headers_are_the_promised_ones_in_order() -> None:
    mail = assert_sound(compose())
    assert mail.keys() == HEADERS
    assert mail["Subject"] == "今日要闻"
    assert mail["From"].addresses == (Address("AI 日报", "daily", "example.com"),)
    assert mail["To"].addresses == (Address("Ada Lovelace", "ada", "example.com"),)
    assert mail["Reply-To"] == "editor@example.com"
    assert mail["List-Id"] == "<ai-daily.example.com>"
    assert mail["Precedence"] == "bulk"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "zh-CN"


def test_the_date_is_the_one_given() -> None:
    assert parsedate_to_datetime(read(compose())["Date"]) == NOON


def test_headers_without_configuration_are_left_out() -> None:
    mail = read(compose(sender=Sender("", "daily@example.com")))
    assert mail.keys() == [name for name in HEADERS if name not in {"Reply-To", "List-Id", "List-Unsubscribe"}]
    assert mail["From"] == "daily@example.com"


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("Ada Lovelace", "Ada Lovelace <ada@example.com>"),
        ("", "ada@example.com"),
        ("Whitfield, Margaret", '"Whitfield, Margaret" <ada@example.com>'),
        ('Ada "Lady" L\\', '"Ada \\"Lady\\" L\\\\" <ada@example.com>'),
        ("Seán O'Brien", "=?utf-8?q?Se=C3=A1n_O=27Brien?= <ada@example.com>"),
    ],
)
def test_names_are_written_as_rfc_5322_and_rfc_2047_say(name: str, raw: str) -> None:
    assert raw_header(compose(subscriber(name=name)), "To") == raw


@pytest.mark.parametrize("name", ["田中 遥", "Zoé Beaumont", "林文静" * 30, "Whitfield, Margaret; " * 20, "x" * 400])
def test_encoded_words_keep_to_their_75_characters(name: str) -> None:
    message = compose(subscriber(name=name), email(subject=Template((name,))))
    words = re.findall(rb"=\?[^?]+\?.\?[^?]*\?=", head(message))
    assert words
    assert max(map(len, words)) <= 75
    assert max(len(line) for line in head(message).split(b"\r\n") if b"=?" in line) <= 76


def test_a_subject_that_looks_encoded_is_only_text() -> None:
    spelled = "=?utf-8?q?Hello=0D=0ABcc:_eve@example.net?="
    mail = assert_sound(compose(mail=email(subject=Template((spelled,)))))
    assert mail.keys() == HEADERS
    assert mail["Subject"] == spelled


def test_a_name_that_looks_encoded_is_only_text() -> None:
    """Python's own policy decodes it while writing, and makes the header that it spells."""
    spelled = "=?utf-8?q?a=0D=0ABcc:_eve@example.net?="
    message = compose(subscriber(name=spelled))
    mail = assert_sound(message)
    assert mail.keys() == HEADERS
    assert b"\r\nBcc" not in message.data
    assert mail["To"].addresses == (Address(spelled, "ada", "example.com"),)


def test_a_long_ascii_subject_is_folded_not_encoded() -> None:
    subject = "The quick brown fox jumps over the lazy dog, " * 5 + "and sleeps"
    message = compose(mail=email(subject=Template((subject,))))
    assert raw_header(message, "Subject") == subject
    assert read(message)["Subject"] == subject


def test_a_prefix_goes_before_the_subject() -> None:
    composer = Composer(email(), SENDER, issue="i", when=NOON, prefix="[Test] ")
    assert read(composer.compose(subscriber()))["Subject"] == "[Test] 今日要闻"


def test_a_subject_is_filled_for_each() -> None:
    mail = email(subject=Template(("For ", Slot("name", "header", "you"))))
    assert read(compose(mail=mail))["Subject"] == "For Ada Lovelace"
    assert read(compose(subscriber(name=""), mail))["Subject"] == "For you"


@pytest.mark.parametrize("lang", ["", "中文", "en\r\nBcc: eve@example.net", "en; q=1"])
def test_a_language_that_is_none_is_left_out(lang: str) -> None:
    assert assert_sound(compose(mail=email(lang=lang))).keys() == [h for h in HEADERS if h != "Content-Language"]


# --- the way out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("local", ["ada", "a" * 64, "a+b=c?d&e%f", "o'brien"])
def test_list_unsubscribe_is_one_raw_line(local: str) -> None:
    address = f"{local}@{'d' * 63}.{'e' * 63}.{'f' * 50}.example"
    message = compose(subscriber(address))
    lines = [line for line in head(message).split(b"\r\n") if line.startswith(b"List-Unsubscribe:")]
    assert len(lines) == 1
    assert re.fullmatch(rb"List-Unsubscribe: <mailto:leave@example\.com\?subject=unsubscribe%20[^\s<>]+>", lines[0])
    assert lines[0].decode() == f"List-Unsubscribe: <{unsubscribe_url(SENDER, subscriber(address))}>"
    assert_sound(message)


def test_the_unsubscribe_mailbox_is_escaped_as_a_mailto() -> None:
    """RFC 6068, 2: a `?` in the address would begin the headers."""
    sender = Sender("N", "daily@example.com", unsubscribe_mailto="größe?x&y@example.com")
    url = unsubscribe_url(sender, subscriber())
    assert url == "mailto:gr%C3%B6%C3%9Fe%3Fx%26y@example.com?subject=unsubscribe%20ada%40example.com"
    assert_sound(compose(sender=sender))


def test_a_list_column_cannot_stand_in_for_our_own_values() -> None:
    person = subscriber(unsubscribe_url="https://evil.example/", email="eve@example.net")
    values = slot_values(SENDER, person)
    assert values["email"] == "ada@example.com"
    assert values["unsubscribe_url"] == unsubscribe_url(SENDER, person)


# --- identity -------------------------------------------------------------------------------------------------------


def test_a_message_id_names_issue_and_recipient() -> None:
    one = message_id("issue-1", "ada@example.com", SENDER)
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.com>", one)
    assert message_id("issue-1", "ada@example.com", SENDER) == one
    assert message_id("issue-1", "ADA@example.com", SENDER) == one  # the same person to the ledger
    others = {
        message_id("issue-2", "ada@example.com", SENDER),
        message_id("issue-1", "ben@example.com", SENDER),
        message_id("issue-1", "ada@example.com", Sender("", "daily@example.com", list_id="other.example.com")),
    }
    assert len(others | {one}) == 4


def test_a_message_id_gives_no_address_away() -> None:
    assert "ada" not in message_id("issue-1", "ada@example.com", SENDER)


def test_the_message_id_is_in_the_message_as_it_is() -> None:
    message = compose()
    assert message.message_id == message_id("2026-03-02-ai-daily", "ada@example.com", SENDER)
    assert raw_header(message, "Message-ID") == message.message_id


def test_same_input_same_bytes() -> None:
    assert compose().data == compose().data
    assert compose(subscriber("ben@example.com")).data != compose().data


# --- parts ----------------------------------------------------------------------------------------------------------


def test_the_parts_hold_what_was_filled() -> None:
    person = subscriber()
    values = slot_values(SENDER, person)
    mail = assert_sound(compose(person))
    assert content(mail, "plain").rstrip("\n") == fill(TEXT, values).rstrip("\n")
    assert content(mail, "html").rstrip("\n") == fill(HTML, values)
    assert mail.get_content_type() == "multipart/alternative"
    parts = [part.get_content_type() for part in mail.iter_parts()]
    assert parts == ["text/plain", "multipart/related"]  # the better part last, RFC 2046, 5.1.4
    for part in mail.walk():
        if not part.is_multipart():
            assert part["Content-Transfer-Encoding"] == "base64"
        if part.get_content_maintype() == "text":
            assert part.get_content_charset() == "utf-8"


def test_without_pictures_the_alternatives_stand_alone() -> None:
    mail = assert_sound(compose(mail=email(attachments=())))
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_every_cid_in_the_html_resolves_to_its_picture() -> None:
    mail = assert_sound(compose())
    pictures = {part["Content-ID"]: part for part in mail.walk() if part.get_content_maintype() == "image"}
    cids = re.findall(r'src="cid:([^"]+)"', content(mail, "html"))
    assert cids == ["0123456789abcdef@newsletter"]
    picture = pictures[f"<{cids[0]}>"]
    assert picture.get_content() == PNG
    assert picture.get_content_type() == "image/png"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_filename() == "chart.png"


@pytest.mark.parametrize("filename", ["图.png", 'a"b.png', "a\r\nBcc: eve@example.net.png", "=?utf-8?q?=0D=0A?=.png"])
def test_a_picture_of_any_name_adds_no_header(filename: str) -> None:
    message = compose(mail=email(attachments=(Attachment("x@newsletter", "image/png", filename, PNG),)))
    mail = assert_sound(message)
    picture = next(part for part in mail.walk() if part.get_content_maintype() == "image")
    assert sorted(picture.keys()) == sorted(
        ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID", "MIME-Version"]
    )


def test_boundaries_differ_and_are_absent_from_the_content() -> None:
    message = compose(subscriber(name="=_ --=_"))
    mail = read(message)
    boundaries = [part.get_boundary() for part in mail.walk() if part.is_multipart()]
    assert len(set(boundaries)) == 2
    for boundary in boundaries:
        assert boundary is not None
        lines = [line for line in message.data.split(b"\r\n") if boundary.encode() in line]
        # The header that names it, once for each of its two parts, and the end.
        assert [line.removeprefix(b"--").removesuffix(b"--") for line in lines[1:]] == [boundary.encode()] * 3


# --- addresses ------------------------------------------------------------------------------------------------------


def test_a_domain_is_written_in_idna() -> None:
    message = compose(subscriber("ada@bücher.example"), sender=Sender("N", "daily@müller.example"))
    assert message.recipient == "ada@xn--bcher-kva.example"
    assert message.envelope_from == "daily@xn--mller-kva.example"
    assert raw_header(message, "To") == "Ada Lovelace <ada@xn--bcher-kva.example>"
    assert message.message_id.endswith("@xn--mller-kva.example>")
    assert message.data.isascii()


def test_a_local_part_beyond_ascii_is_utf8_as_rfc_6532_says() -> None:
    message = compose(subscriber("größe@example.com", name="Größe"))
    assert message.recipient == "größe@example.com"
    assert not message.data.isascii()
    assert raw_header(message, "To").endswith(" <größe@example.com>")
    mail = Parser(policy=policy.SMTPUTF8).parsestr(message.data.decode())
    assert mail["To"].addresses == (Address("Größe", "größe", "example.com"),)


# --- anything a list may hold ---------------------------------------------------------------------------------------

NASTY = [
    "a\r\nBcc: eve@example.net",
    "a\nb\0c\x7f\x85d\u2028e",
    "=?utf-8?q?a=0D=0ABcc:_eve@example.net?=",
    "=?utf-8?b?DQpCY2M6IGV2ZQ==?= =?x",
    'Eve" <eve@example.net>, "Ada',
    "Eve <eve@example.net>, Ben <ben@example.net>",
    "(comment) group: a@example.net;",
    "Whitfield, Margaret " * 20,
    "Zoë, Whitfield (née) " * 20,
    "\\" * 90 + '"' * 90,
    "\u202eevil\u202c \u2066x\u2069",
    '"><script>alert(1)</script><p title="',
    "'--><!--[if mso]><b>&amp;&lt;]]>",
    "{{ name }} {% x %}",
    " ",
    "\u3000",
    "👩‍👩‍👧‍👦" * 40,
    "x" * 2000,
]
values = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="\r\n\0\t \"\\<>@,;:=?_&'()[].q日é\u202e\u2028", max_size=120),
    st.sampled_from(NASTY),
    st.lists(st.sampled_from(NASTY), max_size=3).map("".join),
)


def expected_name(value: str) -> str:
    """Line ends and their like are blanks; a name has none around it."""
    return escape_for("header", value).strip()


@given(name=values, city=values)
@example(name=NASTY[0], city=NASTY[11])
@example(name=NASTY[2], city="")
@example(name=NASTY[7], city="")
def test_no_value_adds_a_header_breaks_the_html_or_fails_to_read(name: str, city: str) -> None:
    mail = email(subject=Template(("News for ", Slot("name", "header"))), attachments=())
    message = compose(subscriber(name=name, city=city), mail)
    parsed = assert_sound(message)
    assert parsed.keys() == HEADERS
    assert [(each.username, each.domain) for each in parsed["To"].addresses] == [("ada", "example.com")]
    # Before 3.12 Python reads two encoded-words of a name with a space between them; the spaces are left out here.
    shown = parsed["To"].addresses[0].display_name
    assert "".join(shown.split()) == "".join(expected_name(name).split())
    assert str(parsed["Subject"]) == f"News for {escape_for('header', name)}".strip()
    assert outline(content(parsed, "html")) == outline(fill(HTML, {"name": "A", "city": "B"}))


def outline(page: str) -> list[tuple[str, list[str]]]:
    """The elements of a page as a parser sees them, each with the names of its attributes."""
    return [(element.tag, sorted(element.keys())) for element in html.document_fromstring(page).iter()]


@given(value=values)
def test_an_html_value_reads_back_as_itself(value: str) -> None:
    for template in ("<p>{}</p>", '<p title="{}">x</p>', "<p title='{}'>x</p>"):
        paragraph = html.fragment_fromstring(template.format(escape_for("html", f"a{value}b")))
        got = paragraph.text if "title" not in template else paragraph.get("title")
        assert got == escape_for("header", f"a{value}b")


@given(value=values)
def test_a_value_in_plain_text_adds_no_line(value: str) -> None:
    filled = fill(Template(("Dear ", Slot("name", "text"), ",\nhello")), {"name": value})
    assert len(filled.splitlines()) == 2
