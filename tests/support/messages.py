"""An email, a sender and subscribers to compose messages of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from newsletter.message.compose import Composer
from newsletter.model.delivery import Message, Sender
from newsletter.model.rendered_email import Attachment, Email, Slot, Template
from newsletter.model.subscriber import Subscriber

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


SENDER = Sender(
    name="AI 日报",
    address="daily@example.com",
    reply_to="editor@example.com",
    unsubscribe_mailto="leave@example.com",
    list_id="ai-daily.example.com",
)


BULK = replace(
    SENDER,
    unsubscribe_url="https://news.example.com/leave/{token}?who={email}",
    list_help="https://news.example.com/help",
    feedback_id="{issue}:daily:news:example",
    bounce_address="bounce+{token}@bounces.example.com",
    secret="a secret of the operator",
)


ISSUE = "2026-03-02-ai-daily"


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
    return Composer(mail or email(), sender, issue=ISSUE, when=NOON).compose(person or subscriber())
