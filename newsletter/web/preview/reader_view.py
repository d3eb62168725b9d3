"""One reader's copy of the email: HTML frame, text, sources, headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from newsletter.audience.audience import Audience
from newsletter.check.clients.forced_dark import forced_dark
from newsletter.check.clients.outlook_word import as_word
from newsletter.check.clients.views import GMAIL_CLIP, clipped, is_clipped, without_styles
from newsletter.config.config import Config
from newsletter.message.compose import Composer
from newsletter.message.fill_slots import fill, slot_values
from newsletter.message.variants import answers
from newsletter.model.delivery import Sender
from newsletter.model.rendered_email import Email
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.output_files import html_sizes
from newsletter.pipeline.render_post import SAMPLE, Rendering
from newsletter.render.size_budget import sent_size
from newsletter.web.mail_view import Header, framed_html, read_mail
from newsletter.web.preview.live_rendering import Answers, LiveRendering, Snapshot

VIEWS: Mapping[str, Callable[[str], str]] = {
    "email": lambda html: html,
    "clipped": clipped,
    "plain": without_styles,
    "word": as_word,
}
"""The content of the frame, by name in its URL."""


@dataclass(frozen=True)
class ReaderView:
    """A reader and the variant shown.

    `number` is the position on the list, 0 without one; `own` are the reader's own condition results.
    """

    rendering: Rendering
    config: Config
    audience: Audience | None
    subscriber: Subscriber
    number: int
    own: Answers
    chosen: Answers
    email: Email

    @cached_property
    def sender(self) -> Sender:
        return self.rendering.sender(self.config.sample_sender)

    @cached_property
    def _values(self) -> Mapping[str, str]:
        return slot_values(self.sender, self.subscriber)

    @cached_property
    def html(self) -> str:
        return fill(self.email.html, self._values)

    @property
    def text(self) -> str:
        return fill(self.email.text, self._values)

    @property
    def subject(self) -> str:
        return fill(self.email.subject, self._values)

    def framed(self, view: str, base: str = "", *, forced: bool = False) -> str:
        """The HTML for the frame: embedded pictures are served by us, links open a new tab.

        `forced`: dark, as Gmail's app makes it.
        """
        cids = {a.content_id: f"{base}/pictures/{quote(a.content_id, safe='')}" for a in self.email.attachments}
        shown = VIEWS[view](self.html)
        return framed_html(forced_dark(shown) if forced else shown, cids)

    def composed(self, when: datetime) -> bytes:
        """The real message as sent to the relay, but for a signature."""
        issue = self.rendering.issue.slug
        is_letter = self.rendering.letter is not None
        made = Composer(self.email, self.sender, issue=issue, when=when, automatic=is_letter)
        return made.compose(self.subscriber).data

    def headers(self, when: datetime) -> tuple[Header, ...]:
        return read_mail(self.composed(when)).headers

    def facts(self, when: datetime) -> dict[str, Any]:
        """The facts beside the frame."""
        sender = self.sender
        decoded = len(self.html.encode())
        return {
            "subject": self.subject,
            "preheader": self.email.preheader,
            "from": {"name": sender.name, "address": sender.address},
            "issue": self.rendering.issue.slug,
            "reader": {
                "number": self.number,
                "total": len(self.audience) if self.audience is not None else 0,
                "email": self.subscriber.email,
                "name": self.subscriber.name,
                "columns": [
                    [name, value] for name, value in self.subscriber.fields.items() if name not in ("email", "name")
                ],
            },
            "conditions": [
                {"source": " ".join(condition.source.split()), "line": condition.line, "holds": holds}
                for condition, holds in zip(self.rendering.variants.conditions, self.chosen, strict=True)
            ],
            "answers": written(self.chosen) if self.chosen != self.own else "",
            "sizes": {
                "decoded": decoded,
                "encoded": sent_size(self.html.encode()),
                "sections": html_sizes(self.email)["sections"],
                "message": len(self.composed(when)),
                "limit": GMAIL_CLIP,
                "clipped": is_clipped(self.html),
                "pictures": len(self.email.attachments),
            },
        }


def read(live: LiveRendering, snapshot: Snapshot, number: str, chosen: str) -> ReaderView | None:
    """The copy of the reader at a position of the list; `chosen`, such as "10", replaces the condition results.

    None without a rendering. An invalid position or choice gives the first reader's own copy. Raises ContentError or
    ConfigError as rendering does.
    """
    rendering, config, audience = snapshot.rendering, snapshot.config, snapshot.audience
    if rendering is None or config is None:
        return None
    conditions = rendering.variants.conditions
    place, subscriber = 0, SAMPLE
    if audience is not None:
        place = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 1
        found = audience.at(place)
        if found is None:
            place, found = 1, audience.at(1)
        place, subscriber = (place, found) if found else (0, SAMPLE)
    own = answers(conditions, subscriber)
    picked = own
    if len(chosen) == len(conditions) and not set(chosen) - {"0", "1"}:
        picked = tuple(answer == "1" for answer in chosen)
    email = live.email_for(snapshot, picked)
    return ReaderView(rendering, config, audience, subscriber, place, own, picked, email)


def written(chosen: Answers) -> str:
    return "".join(str(int(answer)) for answer in chosen)
