"""The frame of a mail of the sign-up pages: its button, why the reader gets it, and headers without a list.

In preview, in a test and to readers it is the same, but for the button's address.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from newsletter.config.config import Config
from newsletter.files import package_folder
from newsletter.frozen import frozen
from newsletter.model.delivery import Sender
from newsletter.model.issue import FieldRef, Issue, Link, Paragraph, Text
from newsletter.model.letter_kind import LetterKind
from newsletter.model.rendered_email import Masthead
from newsletter.pipeline.own_folders import LETTERS_FOLDER, is_in
from newsletter.render.wording import choose_labels

BUTTON_FIELD = "button_url"
BUTTON_LABELS: Mapping[LetterKind, str] = {
    "confirm": "mail_confirm_button",
    "already": "choose",
    "goodbye": "undo_button",
}
OWN_LETTERS: Mapping[str, LetterKind] = {"confirm": "confirm", "welcome": "welcome", "goodbye": "goodbye"}
"""What a letter of the author's own may be called, with `.md`, or with a language before that: `welcome.zh.md`."""


@cache
def letter_words() -> Mapping[str, Mapping[str, Any]]:
    """The labels of the sign-up pages and of their mails, by language."""
    return tomllib.loads((package_folder("templates", "web") / "labels.toml").read_text("utf-8"))


def letter_masthead(masthead: Masthead, kind: LetterKind, name: str, words: Mapping[str, Any]) -> Masthead:
    """Only a welcome goes to a reader of the list, and has the list's own footer."""
    if kind == "welcome":
        return masthead
    why = words["mail_goodbye_why" if kind == "goodbye" else "mail_why"].replace("{name}", name)
    return Masthead("", masthead.postal_address, False, {**masthead.labels, "why_unnamed": why})


def letter_sender(sender: Sender, kind: LetterKind) -> Sender:
    """Without a bounce address, which identifies an issue of the ledger, and only a welcome with its list."""
    sender = replace(sender, bounce_address="", feedback_id="")
    if kind == "welcome":
        return sender
    return replace(sender, unsubscribe_url="", unsubscribe_mailto="", list_id="", list_help="")


@frozen
class LetterFrame:
    """What surrounds a letter of the author's own. `sample_url` is the button's address where no reader is meant."""

    kind: LetterKind
    name: str
    sample_url: str

    @classmethod
    def of(cls, post: str, folder: Path, config: Config) -> LetterFrame | None:
        """The frame of this post, if it is such a letter."""
        kind = OWN_LETTERS.get(Path(post).name.partition(".")[0])
        if kind is None or not is_in(folder, config.root, LETTERS_FOLDER):
            return None
        pages = config.settings.serve.url.rstrip("/") or "https://example.com"
        return cls(kind, config.settings.newsletter.name, f"{pages}/join")

    @property
    def has_button(self) -> bool:
        return self.kind in BUTTON_LABELS

    def masthead(self, masthead: Masthead, lang: str) -> Masthead:
        return letter_masthead(masthead, self.kind, self.name, choose_labels(letter_words(), lang, {}))

    def issue(self, issue: Issue) -> Issue:
        """The letter with the button at its end, and our words behind it."""
        if not self.has_button:
            return issue
        words = choose_labels(letter_words(), issue.lang, {})
        place = f"{issue.mark}{len(issue.fields)}z"
        button = Paragraph((Link(place, (Text(words[BUTTON_LABELS[self.kind]]),)),), role="button")
        after = Paragraph((Text(words[f"mail_{self.kind}_not"]),))
        field = FieldRef(BUTTON_FIELD, self.sample_url)
        return replace(issue, blocks=(*issue.blocks, button, after), fields=(*issue.fields, field))
