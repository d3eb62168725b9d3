"""A packed issue composes the same messages on another machine, and holds no secret."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

import pytest

from newsletter.message.compose import Composer
from newsletter.message.packed_issue import pack, unpack, used_columns
from newsletter.message.variants import Variants
from newsletter.model.delivery import Sender
from newsletter.model.rendered_email import Attachment, Email, Slot, Template
from newsletter.model.subscriber import Subscriber
from newsletter.post.templating.conditions import parse_condition

WHEN = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SECRET = "not in any database, please"
PICTURE = Attachment("one@issue", "image/png", "雪.png", b"\x89PNG\r\n\x1a\n\x00")


def email(words: str, *files: Attachment) -> Email:
    return Email(
        subject=Template((f"{words} for ", Slot("city", "header", "you"))),
        preheader="",
        html=Template(
            ("<html><p>Ä 雪 ", Slot("name", "html"), '</p><a href="', Slot("unsubscribe_url", "href"), '">x</a></html>')
        ),
        text=Template((f"{words} 雪\n", Slot("link", "text"), "\n")),
        mjml="<mjml/>",
        lang="zh-CN",
        attachments=files,
        archived_at="https://example.com/1",
    )


def composer(secret: str = SECRET) -> Composer:
    sender = Sender(
        "The Daily",
        "daily@example.com",
        reply_to="editor@example.com",
        unsubscribe_url="https://example.com/u/{token}",
        list_id="daily.example.com",
        bounce_address="b+{token}@example.com",
        secret=secret,
    )
    condition = parse_condition('subscriber.plan == "pro"', 3, "post.md")
    variants = Variants((condition,), {(False,): email("Plain"), (True,): email("Pro", PICTURE)})
    return Composer(variants, sender, issue="2026-03-01-hello", when=WHEN, prefix="")


@pytest.mark.parametrize("plan", ["pro", "", "basic"])
def test_the_same_messages_are_composed(plan: str) -> None:
    here = composer()
    there = unpack(pack(here), secret=SECRET, signer=None, when=WHEN)
    reader = Subscriber(
        "Ada@example.org", {"email": "Ada@example.org", "name": "Ada <b>", "plan": plan, "city": "Köln"}
    )
    assert there.compose(reader) == here.compose(reader)


def test_the_columns_that_are_read_are_known() -> None:
    assert used_columns(composer()) == {"name", "city", "link", "plan"}


def test_no_secret_is_in_it() -> None:
    assert SECRET.encode() not in zlib.decompress(pack(composer()))
    assert pack(composer()) == pack(composer("another one"))
