"""Transactional mail of the public pages: confirm, already subscribed, welcome, goodbye.

Each is an issue created in code, rendered once per language like any issue, with the theme and the postal address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from newsletter.config.config import Config
from newsletter.errors import NewsletterError
from newsletter.frozen import frozen
from newsletter.message.compose import Composer
from newsletter.model.delivery import Message
from newsletter.model.issue import FieldRef, Issue, Link, Paragraph, Rule, Text
from newsletter.model.letter_kind import LetterKind
from newsletter.model.rendered_email import Email
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.choose_theme import theme_with_logo
from newsletter.pipeline.letter_frame import (
    BUTTON_FIELD,
    BUTTON_LABELS,
    OWN_LETTERS,
    letter_masthead,
    letter_sender,
)
from newsletter.pipeline.own_folders import LETTERS_FOLDER
from newsletter.pipeline.own_letters import own_letter, render_own_letter
from newsletter.pipeline.plan_send import signer_of
from newsletter.pipeline.render_post import Rendering, masthead_of, render_post
from newsletter.render.render_issue import render_issue
from newsletter.render.wording import choose_labels

_MARK = "nlfield0x"


@frozen
class Latest:
    """The last issue sent: its name in the ledger, and the path of its post."""

    issue: str
    post: str


class ConfirmationMails:
    """`words` are the labels of the web pages, by language. Safe for several threads.

    Raises ConfigError if the theme, the DKIM key or a sender's address is at fault.
    """

    def __init__(self, config: Config, words: Mapping[str, Mapping[str, Any]]) -> None:
        self._config = config
        self._words = words
        self._theme, self._logos = theme_with_logo(config.settings.theme.name, config)
        self._name = config.settings.newsletter.name
        self._masthead = masthead_of(config)
        self._sender = config.sender
        self._signer = signer_of(config)
        self._emails: dict[tuple[LetterKind, str], Email] = {}
        self._welcome: tuple[tuple[Latest | None, str], Email] | None = None

    def confirm(self, address: str, lang: str, url: str, when: datetime) -> Message:
        """Double opt-in: no newsletter is mailed before the button on the page at `url` was pressed."""
        return self._compose("confirm", address, lang, url, when)

    def already(self, address: str, lang: str, url: str, when: datetime) -> Message:
        return self._compose("already", address, lang, url, when)

    def goodbye(self, address: str, lang: str, url: str, when: datetime) -> Message:
        """Confirms an unsubscribe; `url` leads to a button that undoes it."""
        return self._compose("goodbye", address, lang, url, when)

    def welcome(self, subscriber: Subscriber, lang: str, latest: Latest | None, when: datetime) -> Message:
        """With the latest issue, if one can still be rendered. It has an unsubscribe link."""
        # Two threads may both render it: they get the same bytes.
        key = (latest, lang)
        if self._welcome is None or self._welcome[0] != key:
            self._welcome = (key, self._render_welcome(latest, lang))
        return self._message(self._welcome[1], "welcome", subscriber, when)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _compose(self, kind: LetterKind, address: str, lang: str, url: str, when: datetime) -> Message:
        if (kind, lang) not in self._emails:
            self._emails[kind, lang] = self._render(kind, lang)
        subscriber = Subscriber(address, MappingProxyType({"email": address, BUTTON_FIELD: url}))
        return self._message(self._emails[kind, lang], kind, subscriber, when)

    def _message(self, email: Email, kind: LetterKind, subscriber: Subscriber, when: datetime) -> Message:
        sender = letter_sender(self._sender, kind)
        issue = f"{kind}-{when:%Y%m%d%H%M%S%f}"  # unique per mail, so that no two have the same Message-ID
        composer = Composer(email, sender, issue=issue, when=when, signer=self._signer, automatic=True)
        return composer.compose(subscriber)

    def check_own(self) -> None:
        """Render every mail that the author wrote. Raises ContentError or ConfigError, so that no reader meets it."""
        for path in sorted((self._config.root / LETTERS_FOLDER).glob("*.md")):
            if path.name.partition(".")[0] in OWN_LETTERS:
                render_own_letter(path, self._config)

    def _own(self, kind: LetterKind, lang: str) -> Email | None:
        """The author's own post in place of our words; the button and the footer stay ours."""
        path = own_letter(self._config, kind, lang) if kind in OWN_LETTERS else None
        rendering = render_own_letter(path, self._config) if path else None
        return rendering.email if rendering else None

    def _render(self, kind: LetterKind, lang: str) -> Email:
        if (own := self._own(kind, lang)) is not None:
            return own
        words = choose_labels(self._words, lang, {})
        blocks = [_paragraph(words[f"mail_{kind}_text"].format(name=self._name))]
        if kind != "welcome":
            button = Link(f"{_MARK}0z", (Text(words[BUTTON_LABELS[kind]]),))
            blocks.append(Paragraph((button,), role="button"))
        if kind in ("confirm", "goodbye"):
            blocks.append(_paragraph(words[f"mail_{kind}_not"]))
        title = words[f"mail_{kind}_subject"].format(name=self._name)
        issue = Issue(kind, title, tuple(blocks), lang, mark=_MARK, fields=(FieldRef(BUTTON_FIELD),))
        masthead = letter_masthead(self._masthead, kind, self._name, words)
        return render_issue(issue, self._theme, masthead, self._logos)

    def _render_welcome(self, latest: Latest | None, lang: str) -> Email:
        if latest is None or own_letter(self._config, "welcome", lang):
            return self._render("welcome", lang)
        try:
            rendering = render_post(latest.post, self._config)
        except NewsletterError:
            # The post was moved, or a picture is missing: a welcome without it is better than none.
            return self._render("welcome", lang)
        return self._introduced(rendering, lang)

    def _introduced(self, rendering: Rendering, lang: str) -> Email:
        words = choose_labels(self._words, lang, {})
        issue = rendering.issue
        welcome = (_paragraph(words["mail_latest_text"]), Rule())
        subject = words["mail_welcome_subject"].format(name=self._name)
        letter = replace(issue, blocks=(*welcome, *issue.blocks), subject=subject, preheader="")
        theme, logos = theme_with_logo(issue.template or self._config.settings.theme.name, self._config)
        return render_issue(letter, theme, self._masthead, (*logos, *rendering.email.attachments))


def _paragraph(words: str) -> Paragraph:
    return Paragraph((Text(words),))
