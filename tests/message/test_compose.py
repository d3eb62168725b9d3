"""Messages as the wire gets them: read back by Python's `email`, whatever a list or a post holds."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser, Parser
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html
from messages import BULK, HTML, ISSUE, NOON, PICTURE, PNG, SENDER, TEXT, compose, email, subscriber

from newsletter.errors import ConfigError
from newsletter.message.compose import Composer, message_id
from newsletter.message.fill_slots import escape_for, fill, slot_values
from newsletter.message.unsubscribe import unsubscribe_url, unsubscribe_urls
from newsletter.message.variants import Variants
from newsletter.model.delivery import Message, Sender
from newsletter.model.rendered_email import Attachment, Email, Slot, SlotContext, Template
from newsletter.model.subscriber import Subscriber
from newsletter.post.templating.conditions import parse_condition
from newsletter.tokens import Link, make_link, token

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
    "Content-Language",
    "MIME-Version",
    "Content-Type",
]


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
    lines = message.data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(line.startswith(b".") for line in lines)
    assert lines[-1] == b""
    assert not message.needs_stuffing
    assert all(len(line) <= 76 for line in lines[lines.index(b"") :])
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
    assert mail["Content-Language"] == "zh-CN"


@pytest.mark.parametrize("automatic", [False, True])
def test_what_a_person_wrote_is_no_automatic_mail(automatic: bool) -> None:
    """RFC 3834, 5: the field is for mail that nobody wrote; a letter to confirm is, an issue is not."""
    made = Composer(email(), SENDER, issue=ISSUE, when=NOON, automatic=automatic).compose(subscriber())
    assert read(made)["Auto-Submitted"] == ("auto-generated" if automatic else None)


def test_with_a_clock_each_message_has_the_date_at_which_it_was_made() -> None:
    times = iter([NOON, NOON + timedelta(hours=20)])
    composer = Composer(email(), SENDER, issue=ISSUE, when=lambda: next(times))
    dates = [parsedate_to_datetime(read(composer.compose(subscriber()))["Date"]) for _ in range(2)]
    assert dates == [NOON, NOON + timedelta(hours=20)]


def test_a_clock_that_stands_still_makes_the_same_bytes_as_a_date() -> None:
    made = [Composer(email(), SENDER, issue=ISSUE, when=when).compose(subscriber()) for when in (NOON, lambda: NOON)]
    assert made[0] == made[1]


def test_the_date_is_the_one_given() -> None:
    assert parsedate_to_datetime(read(compose())["Date"]) == NOON


def test_everything_configured_is_written_in_order() -> None:
    mail = assert_sound(compose(sender=BULK))
    after = HEADERS.index("List-Unsubscribe") + 1
    assert mail.keys() == [*HEADERS[:after], "List-Unsubscribe-Post", "List-Help", "Feedback-ID", *HEADERS[after:]]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Help"] == "<https://news.example.com/help>"
    assert mail["Feedback-ID"] == "2026-03-02-ai-daily:daily:news:example"


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


def test_one_click_is_one_https_uri_raw_and_before_the_mailto() -> None:
    """RFC 8058, 3.1; what is encoded is the person's, in a URI of 900 characters as in a short one."""
    person = subscriber(f"{'a+%' * 20}@{'d' * 63}.{'e' * 63}.{'f' * 50}.example")
    sender = replace(BULK, unsubscribe_url=f"{BULK.unsubscribe_url}&{'x' * 50}")
    message = compose(person, sender=sender)
    https, mailto = unsubscribe_urls(sender, person, ISSUE)
    assert f"\r\nList-Unsubscribe: <{https}>,\r\n <{mailto}>\r\n".encode() in message.data
    made = make_link(BULK.secret, Link("unsubscribe", person.email, ISSUE))
    assert https.startswith(f"https://news.example.com/leave/{made}?who=a%2B%25a%2B")
    assert re.fullmatch(r"https://[!-;=?-~]+", https)
    assert raw_header(message, "List-Unsubscribe").count("https:") == 1
    assert_sound(message)


@pytest.mark.parametrize(
    "url",
    [f"https://news.example.com/{{token}}/{'x' * 467}", f"https://a.example.com/{{token}}?{'x' * 70}&e={{email}}"],
)
def test_the_longest_address_and_template_keep_to_the_line(url: str) -> None:
    person = subscriber(f"{'%' * 64}@{'d' * 63}.{'e' * 63}.{'f' * 53}.example")
    assert len(person.email) == 254
    sender = replace(BULK, unsubscribe_url=url, unsubscribe_mailto="")
    assert_sound(compose(person, sender=sender))
    with pytest.raises(ConfigError, match="no web address of at most"):
        compose(person, sender=replace(sender, unsubscribe_url=f"{url}xx"))


def test_both_bodies_and_the_header_have_the_same_way_out() -> None:
    person = subscriber()
    url = unsubscribe_url(BULK, person, ISSUE)
    assert url.startswith("https://news.example.com/leave/")
    text = Template((Slot("unsubscribe_url", "text"),))
    page = Template(('<a href="', Slot("unsubscribe_url", "href"), '">x</a>'))
    mail = read(compose(person, replace(email(), text=text, html=page), sender=BULK))
    assert content(mail, "plain").strip() == url
    assert html.document_fromstring(content(mail, "html")).xpath("//a/@href") == [url]
    assert f"<{url}>," in str(mail["List-Unsubscribe"])


@pytest.mark.parametrize("sender", [SENDER, replace(BULK, unsubscribe_url="http://127.0.0.1:8080/{token}")])
def test_without_https_there_is_no_one_click(sender: Sender) -> None:
    assert "List-Unsubscribe-Post" not in assert_sound(compose(sender=sender))


def test_without_a_mailto_the_https_address_stands_alone() -> None:
    message = compose(sender=replace(BULK, unsubscribe_mailto=""))
    assert re.fullmatch(r"<https://[^<>, ]+>", raw_header(message, "List-Unsubscribe"))


def test_a_token_says_nothing_of_the_person() -> None:
    sender = replace(BULK, unsubscribe_url="https://news.example.com/leave/{token}", unsubscribe_mailto="")
    urls = {unsubscribe_url(sender, subscriber(address)) for address in ("ada@example.com", "ben@example.com")}
    assert len(urls) == 2
    assert not any("ada" in url or "example.com/leave/ben" in url for url in urls)


def test_without_a_secret_no_link_is_made_that_anybody_could_make() -> None:
    """`render` shows an email without one; what is sent has to have it."""
    sender = replace(BULK, secret="")
    assert unsubscribe_url(sender, subscriber()) == unsubscribe_url(SENDER, subscriber())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"secret": ""}, "unsubscribe_url has a {token}, and there is no secret"),
        ({"secret": "", "unsubscribe_url": ""}, "bounce_address has a {token}, and there is no secret"),
        ({"unsubscribe_url": "mailto:x@example.com"}, "unsubscribe_url is no web address"),
        ({"unsubscribe_url": "https://example.com/" + "x" * 500}, "at most 500 characters"),
        ({"bounce_address": "x" * 25 + "{token}@example.com"}, "65 characters before its @"),
    ],
)
def test_a_sender_that_cannot_be_written_is_refused_before_the_first_message(change: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        compose(sender=replace(BULK, **change))


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


@given(local=st.text(alphabet="ab0._~-+%=?&!#'/é日", min_size=1, max_size=12))
def test_an_address_in_a_link_is_percent_encoded_whatever_it_is_made_of(local: str) -> None:
    address = f"{local}@example.com"
    sender = Sender(
        "N", "d@example.com", unsubscribe_url="https://x.example/?e={email}", unsubscribe_mailto="l@x.example"
    )
    https, mailto = unsubscribe_urls(sender, Subscriber(address))
    assert https == f"https://x.example/?e={quote(address, safe='')}"
    assert mailto == f"mailto:l@x.example?subject=unsubscribe%20{quote(address, safe='')}"


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


@pytest.mark.parametrize("secret", ["", "one secret of both"])
def test_two_newsletters_have_message_ids_of_their_own(secret: str) -> None:
    """In two languages, say: their issues have one date, and some read both."""
    sender = replace(SENDER, secret=secret)
    other = replace(sender, list_id="ai-taeglich.example.com")
    assert len({message_id("2026-03-02-news", "ada@example.com", each) for each in (sender, other)}) == 2
    assert len({message_id("2026-03-02-news", "ada@example.com", each, "test 1") for each in (sender, other)}) == 2


def test_a_test_has_a_message_id_of_its_own_and_nothing_else() -> None:
    """Exchange and Gmail drop or hide the second message of one Message-ID: a second test, or the issue after it."""

    def made(attempt: str) -> Message:
        return Composer(email(), BULK, issue=ISSUE, when=NOON, attempt=attempt).compose(subscriber())

    issue, first, second = made(""), made("test 1"), made("test 2")
    assert len({message.message_id for message in (issue, first, second)}) == 3
    assert first == made("test 1")
    for message in (first, second):
        assert message.data.replace(message.message_id.encode(), issue.message_id.encode()) == issue.data
        assert message.envelope_from == issue.envelope_from


@pytest.mark.parametrize(
    "name", ["AI Daily", "AI 日报", 'Ann "the" <List>', "News, weekly", "=?utf-8?q?x?=", "长" * 60]
)
def test_a_list_is_named_for_people(name: str) -> None:
    mail = assert_sound(compose(sender=replace(SENDER, list_name=name)))
    assert mail["List-Id"].endswith("<ai-daily.example.com>")
    phrase = str(mail["List-Id"]).removesuffix("<ai-daily.example.com>").strip()
    assert re.sub(r"\\(.)", r"\1", phrase.removeprefix('"').removesuffix('"')) == name


def test_a_message_id_gives_no_address_away() -> None:
    assert "ada" not in message_id("issue-1", "ada@example.com", SENDER)


def test_with_a_secret_nobody_else_can_make_a_message_id() -> None:
    made = {message_id("i", "ada@example.com", replace(SENDER, secret=secret)) for secret in ("", "one", "two")}
    assert len(made) == 3


def test_a_bounce_address_tells_issue_and_recipient_apart_and_names_neither() -> None:
    def envelope(issue: str, address: str) -> str:
        return Composer(email(), BULK, issue=issue, when=NOON).compose(subscriber(address)).envelope_from

    one = envelope("one", "ada@example.com")
    assert one == f"bounce+{token(BULK.secret, 'bounce', 'ada@example.com', 'one')}@bounces.example.com"
    assert envelope("one", "Ada@example.com") == one
    assert len({one, envelope("two", "ada@example.com"), envelope("one", "ben@example.com")}) == 3
    assert compose(sender=SENDER).envelope_from == SENDER.address
    assert compose(sender=replace(BULK, bounce_address="bounces@example.com")).envelope_from == "bounces@example.com"


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
            assert part["Content-Transfer-Encoding"] in ("base64", "quoted-printable")
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
        ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"]
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


def test_attachments_are_encoded_once_whatever_the_number_of_people_and_variants() -> None:
    """The same bytes object in each body: a second encoding would be another."""
    one, two = email(), replace(email(), text=Template(("other",)))
    variants = Variants((parse_condition("subscriber.plan", 1, "post.md"),), {(True,): one, (False,): two})
    composer = Composer(variants, SENDER, issue="i", when=NOON)
    for plan in ("pro", ""):
        composer.compose(subscriber(plan=plan))
    bodies = [prepared.body for prepared in composer._prepared.values()]
    assert len(bodies) == 2
    assert bodies[0].closing[1] is bodies[1].closing[1]


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


@pytest.mark.parametrize(
    "address", ["ada@example.com\r\nRCPT TO:<eve@example.net>", "ada\0@example.com", "a>@b.example"]
)
def test_an_address_that_would_end_the_envelope_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        compose(subscriber(address))


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


# --- spliced or built whole -----------------------------------------------------------------------------------------

CONTEXTS: tuple[SlotContext, ...] = ("html", "url", "href", "text", "text_url", "header")
COLUMNS = ("name", "city", "email", "unsubscribe_url", "missing")
parts = st.one_of(
    st.text("a€😀\r\n.=-<", max_size=12).map(lambda text: text.rstrip("\r")),
    st.builds(lambda text, count: text * count, st.text("日a😀.\n", min_size=1, max_size=5), st.integers(300, 700)),
    st.builds(Slot, st.sampled_from(COLUMNS), st.sampled_from(CONTEXTS), st.sampled_from(["", "reader", "朋友"])),
)
templates = st.lists(parts, max_size=7).map(lambda parts: Template(tuple(parts)))
subjects = st.lists(
    st.one_of(st.text(max_size=30), st.builds(Slot, st.sampled_from(COLUMNS), st.just("header"))), max_size=4
).map(lambda parts: Template(tuple(parts)))


@settings(deadline=None)
@given(
    subject=subjects,
    text=templates,
    page=templates,
    name=values,
    city=values,
    sender=st.sampled_from([SENDER, BULK]),
    attached=st.booleans(),
)
@example(
    subject=Template((Slot("name", "header"),)),
    text=Template((Slot("name", "text"), Slot("city", "text"), "日a" * 400, Slot("name", "text_url"))),
    page=Template(("日a" * 400, Slot("name", "html"), "é" * 700, Slot("city", "href"), Slot("city", "url"))),
    name="日",
    city="",
    sender=BULK,
    attached=True,
)
def test_a_spliced_message_means_what_python_builds(
    subject: Template, text: Template, page: Template, name: str, city: str, sender: Sender, attached: bool
) -> None:
    person = subscriber(name=name, city=city)
    mail = Email(subject, "", page, text, "", "zh-CN", (PICTURE,) if attached else ())
    message = compose(person, mail, sender=sender)
    parsed = assert_sound(message)
    whole = rebuilt(mail, sender, person, message.message_id)
    assert sorted(parsed.keys()) == sorted(whole.keys())
    for key in set(whole.keys()) - {"Content-Type", "To"}:
        assert parsed[key] == whole[key], key
    # Before 3.12 Python reads two encoded-words of a name with a space between them; the spaces are left out here.
    shown, expected = (each["To"].addresses[0] for each in (parsed, whole))
    assert (shown.username, shown.domain) == (expected.username, expected.domain)
    assert "".join(shown.display_name.split()) == "".join(expected.display_name.split())
    assert [leaf(part) for part in parsed.walk()] == [leaf(part) for part in whole.walk()]


def rebuilt(mail: Email, sender: Sender, person: Subscriber, identity: str) -> EmailMessage:
    """The whole message by Python's `email`, its slots filled one by one; headers as they are before it writes them."""
    values = slot_values(sender, person, ISSUE)
    whole = EmailMessage(policy=policy.SMTP)
    whole["From"] = Address(sender.name, addr_spec=sender.address)
    whole["To"] = Address(expected_name(person.name), addr_spec=person.email)
    # As an encoded-word: given as it is, a subject that looks like one is read before it is written.
    whole["Subject"] = Header(expected_name(fill(mail.subject, values)), "utf-8").encode(maxlinelen=0)
    whole["Date"] = NOON
    whole["Message-ID"] = identity
    whole["Reply-To"] = sender.reply_to
    whole["List-Id"] = f"<{sender.list_id}>"
    whole["List-Unsubscribe"] = ", ".join(f"<{url}>" for url in unsubscribe_urls(sender, person, ISSUE))
    if sender is BULK:
        whole["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        whole["List-Help"] = f"<{sender.list_help}>"
        whole["Feedback-ID"] = sender.feedback_id.replace("{issue}", "2026-03-02-ai-daily")
    whole["Precedence"] = "bulk"
    whole.set_content(fill(mail.text, values), cte="base64")
    whole.add_alternative(fill(mail.html, values), subtype="html", cte="base64")
    page = whole.get_payload(1)
    assert isinstance(page, EmailMessage)
    for each in mail.attachments:
        main, _, sub = each.media_type.partition("/")
        cid = f"<{each.content_id}>"
        page.add_related(each.data, main, sub, cid=cid, filename=each.filename, disposition="inline")
    whole["Content-Language"] = mail.lang  # last: what begins with Content- goes into the first part otherwise
    return whole


def leaf(part: EmailMessage) -> tuple[object, ...]:
    """A part as a reader gets it. Its line ends are CRLF; one more or less at its end means nothing."""
    decoded = b"" if part.is_multipart() else part.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    if part.get_content_maintype() == "text":
        decoded = decoded.rstrip(b"\r\n")
    names = part["Content-ID"], part.get_content_disposition(), part.get_filename()
    return part.get_content_type(), part.get_content_charset(), names, decoded
