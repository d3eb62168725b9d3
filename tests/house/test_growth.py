"""What may come from outside costs no more than its length, loops and all: counted in calls, for each way in.

Each way in is given one mark after the other, over and over: alone, a line each, a paragraph each. Four times the
length may cost four times the calls, and some more. What one pattern costs by itself is in `test_cost.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from growth import GROWTH, SHARES, dear, growth

from newsletter.bounces.message_kind import read_message
from newsletter.model.languages import accepted_languages, choose_language
from newsletter.post.front_matter import read_front_matter
from newsletter.post.parse import parse_post
from newsletter.post.titles import plain_words
from newsletter.web.mail_view import framed_html, read_mail

MAIL = b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"


def post(text: str) -> None:
    parse_post(f"---\ntitle: T\n---\n\nWords.\n\n{text}", path="p.md")


def front_matter(text: str) -> None:
    read_front_matter(f"---\ntitle: a\n{text}\n---\n\nWords.\n", "p.md")


def bounce(text: str) -> None:
    read_message(MAIL + b"Content-Type: text/plain\r\n\r\n" + text.encode(), "bounce+{token}@example.com")


def bounce_head(text: str) -> None:
    folded = text.replace("\n", "\n ").encode()
    read_message(MAIL + b"X-Other: " + folded + b"\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nx")


def mail_view(text: str) -> None:
    read_mail(MAIL + b"Content-Type: text/html\r\n\r\n" + text.encode())
    framed_html(text, {"a": "b"})


def language(text: str) -> None:
    choose_language(accepted_languages(text), ["en", "zh", "de"], "en")


WAYS_IN: tuple[Callable[[str], object], ...] = (
    post,
    plain_words,
    front_matter,
    bounce,
    bounce_head,
    mail_view,
    language,
)


@SHARES
@pytest.mark.parametrize("work", WAYS_IN, ids=lambda work: work.__name__)
def test_twice_the_text_is_twice_the_work(work: Callable[[str], object], share: float) -> None:
    work("a: b")  # what is made at the first call, and kept
    assert dear(work, name=work.__name__, share=share) == {}


def test_the_count_tells_a_square_from_a_line() -> None:
    def square(text: str) -> None:
        for _ in text[::20]:
            for letter in text:
                letter.upper()

    assert growth(square, "x") > GROWTH
    assert growth(lambda text: [letter.upper() for letter in text], "x") <= GROWTH
