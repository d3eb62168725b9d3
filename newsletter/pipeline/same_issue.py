"""Check that a post is the issue that the ledger has under its name: two posts are never merged silently."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePath

from newsletter.config.config import Config
from newsletter.errors import ConfigError, ContentError, located
from newsletter.ledger.identity import Known
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.presence import is_current
from newsletter.message.compose import Composer
from newsletter.model.issue_name import Identity, differences, is_folder_page, name_of_file, slug_of
from newsletter.pipeline.plan_send import Sending
from newsletter.pipeline.read_post_file import STDIN, open_post
from newsletter.pipeline.render_post import Rendering
from newsletter.post.front_matter import read_front_matter
from newsletter.post.parse import decode_post
from newsletter.post.templating.placeholders import unmark


def identity_of(rendering: Rendering, config: Config) -> Identity:
    issue = rendering.issue
    return Identity(unmark(issue.title, issue), issue.date, issue.name, config.sample_sender.list_id)


def under_known_name(sending: Sending, ledger: Ledger) -> Sending:
    """The sending under the ledger's name for it: versions before 4 named a folder's page by its stem.

    What such a version sent as `index` stays sent, though the post is `hello` now.
    """
    rendering = sending.rendering
    path = PurePath(rendering.path)
    old = slug_of(path.stem)
    if rendering.path == STDIN or not is_folder_page(path.stem) or rendering.issue.slug == old:
        return sending
    if rendering.issue.name != _folder_name(rendering.path) or ledger.identity(rendering.issue.slug) is not None:
        return sending
    known = ledger.identity(old)
    if known is None or not known.is_old or not _is_same_file(known, rendering):
        return sending
    made = sending.composer
    return replace(
        sending,
        rendering=replace(rendering, issue=replace(rendering.issue, slug=old)),
        composer=Composer(
            made.variants,
            made.sender,
            issue=old,
            when=made.when,
            prefix=made.prefix,
            signer=made.signer,
            attempt=made.attempt,
        ),
    )


def may_be(rendering: Rendering, issue: str) -> bool:
    """Whether the ledger may have this post under that name."""
    stem = PurePath(rendering.path).stem
    return issue == rendering.issue.slug or (is_folder_page(stem) and issue == slug_of(stem))


def _folder_name(path: str) -> str:
    return name_of_file(path, Path(os.path.realpath(path)).parent.name)


def _is_same_file(known: Known, rendering: Rendering) -> bool:
    same_title = known.identity.title == unmark(rendering.issue.title, rendering.issue)
    if not known.post:
        return same_title
    there, here = Path(known.post), Path(os.path.realpath(rendering.path))
    # At another path, as on another CI runner, the folder and the title must match.
    return os.path.realpath(there) == str(here) or (there.parts[-2:] == here.parts[-2:] and same_title)


def require_same_issue(sending: Sending, ledger: Ledger, *, accepted: bool) -> Identity:
    """The identity to store for this post. Call it while holding the issue, before recipients are planned.

    Raises ConfigError if the ledger has another post under its name, unless the user `accepted` that. The title may
    change until a recipient has the issue.
    """
    rendering = sending.rendering
    mine = identity_of(rendering, sending.config)
    known = ledger.identity(rendering.issue.slug)
    if known is None or accepted:
        return mine
    found = differences(known.identity, mine)
    if not found and rendering.path == STDIN and known.reached and known.content_hash != sending.content_hash:
        what = f"{_difference(rendering, known.identity, mine)}, with another text"
        unnamed = "standard input has no name, so that nothing tells whether it is the same issue. Nobody was mailed"
        raise ConfigError(located(rendering.path, None, f"{what}; {unnamed}", _WAYS))
    if not found or (found == {"title"} and not known.reached):
        return mine
    what = f"{_difference(rendering, known.identity, mine)}. Nobody was mailed"
    raise ConfigError(located(rendering.path, None, what, _WAYS))


def rehearse(sending: Sending, place: Path | str) -> tuple[Sending, tuple[str, ...]]:
    """What `send` would do about the name: the sending under that name, and the error it would raise.

    Reads only an up-to-date ledger on this machine: a dry run does not connect.
    """
    if not isinstance(place, Path) or not is_current(place):
        return sending, ()
    with Ledger.open(place, lambda: sending.composer.now) as ledger:
        sending = under_known_name(sending, ledger)
        try:
            require_same_issue(sending, ledger, accepted=False)
        except ConfigError as error:
            return sending, (f"`send` would refuse: {error}",)
    return sending, ()


_WAYS = (
    "give it a name of its own (`newsletter:` and beneath it `issue: NAME` in the front matter, or another file name); "
    "or, where it is the same issue: --continue mails those who have nothing yet, --erratum those who have the old one"
)


def _difference(rendering: Rendering, known: Identity, mine: Identity) -> str:
    return (
        f"the ledger has the issue {rendering.issue.slug} as {_described(known, mine)}; this post is "
        f"{_described(mine, known)}"
    )


def _described(one: Identity, other: Identity) -> str:
    """Title and date, and what else distinguishes the two."""
    parts = [f"“{one.title}”" if one.title else "a post without a title"]
    parts += [f"of {_day(one.day)}"] if one.day or other.day else []
    if one.name is not None and other.name is not None and one.name != other.name:
        parts.append(f"named {one.name}" if one.name else "of standard input")
    if one.newsletter and other.newsletter and one.newsletter != other.newsletter:
        parts.append(f"from {one.newsletter}")
    return " ".join(parts)


def _day(day: date | None) -> str:
    return day.isoformat() if day else "no date"


def known_issue(ledger: Ledger, name: str) -> str:
    """The issue of this name, or of a post of this name. Raises ConfigError with the known names."""
    names = [row.issue for row in ledger.issues()]
    found = next((each for each in _names_for(name) if each in names), None)
    if found is None:
        raise ConfigError(
            f"the ledger has no issue '{name}'", f"write one of: {', '.join(names[-10:]) or '(it is empty)'}"
        )
    return found


def _names_for(name: str) -> tuple[str, ...]:
    """The ledger's possible names for an issue or post as the user wrote it, the most certain first."""
    path = PurePath(name)
    folder = Path(os.path.realpath(name)).parent.name
    of_file = slug_of(name_of_file(path, folder))
    own = _own_name(name) if path.suffix.lower() in (".md", ".markdown") else ""
    return (name, *filter(None, [own]), of_file, path.stem, slug_of(path.stem), slug_of(name))


def _own_name(path: str) -> str:
    """The name in a post's front matter; empty if it has none, or is unreadable."""
    try:
        name, data, _ = open_post(path, io.BytesIO())
        own = read_front_matter(decode_post(data, name), name).values.get("newsletter")
    except ContentError:
        return ""
    return slug_of(str(own["issue"])) if isinstance(own, dict) and own.get("issue") else ""
