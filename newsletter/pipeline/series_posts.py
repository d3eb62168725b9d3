"""The posts of the series: the folder `series` beside newsletter.toml, each with `after:` in its front matter."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.config.config import Config
from newsletter.errors import ContentError, located
from newsletter.files import is_folder
from newsletter.frozen import frozen
from newsletter.message.compose import Composer
from newsletter.message.variants import Variants, answers
from newsletter.model.age import parse_age
from newsletter.model.delivery import Message
from newsletter.model.findings import Finding
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.own_folders import SERIES_FOLDER
from newsletter.pipeline.plan_send import signer_of
from newsletter.pipeline.read_post_file import open_post
from newsletter.pipeline.render_post import Rendering, render_post
from newsletter.post.front_matter import read_front_matter
from newsletter.post.parse import decode_post
from newsletter.post.templating.conditions import Condition
from newsletter.text import shown

_LANGUAGE = re.compile(r"\.[a-z]{2,3}(?:-[a-z0-9]{2,8})*$", re.IGNORECASE | re.ASCII)
"""What stands before `.md` of a post in one language: `01-hello.zh.md`."""


@frozen
class StepPosts:
    """A step: its name, its days, and its posts by language, "" for all others."""

    name: str
    after: timedelta
    posts: tuple[tuple[str, Path], ...]

    def post_for(self, lang: str) -> Path | None:
        """The post for a reader of this language; None where there is none for it."""
        own = dict(self.posts)
        language = lang.lower()
        return next((own[each] for each in (language, language.partition("-")[0], "") if each in own), None)


def read_steps(config: Config) -> tuple[StepPosts, ...]:
    """The steps of the series, drafts left out. Raises ContentError, with file and line."""
    posts: dict[str, list[tuple[str, Path]]] = {}
    afters: dict[str, tuple[timedelta, Path]] = {}
    for path in _files(config):
        after = _after(path)
        if after is None:
            continue
        language = _LANGUAGE.search(path.stem)
        name = path.stem[: language.start()] if language else path.stem
        posts.setdefault(name, []).append((language[0][1:].lower() if language else "", path))
        if name in afters and afters[name][0] != after:
            what = f"`after` is another one than in {afters[name][1].name}"
            raise ContentError(located(str(path), None, what, "give the languages of a step the same one"))
        afters[name] = (after, path)
    steps = [StepPosts(name, afters[name][0], tuple(found)) for name, found in posts.items()]
    return tuple(sorted(steps, key=lambda step: (step.after, step.name)))


def _files(config: Config) -> Iterator[Path]:
    folder = config.root / SERIES_FOLDER
    if is_folder(folder):
        yield from sorted(path for path in folder.glob("*.md") if not path.name.startswith((".", "_")))


def _after(path: Path) -> timedelta | None:
    """The step's days after joining; None for a draft."""
    name, data, _ = open_post(str(path), io.BytesIO())
    front = read_front_matter(decode_post(data, name), name)
    if _is_held(front.values):
        return None
    written = front.texts.get("after", front.values.get("after"))
    line = front.key_lines.get("after")
    if written is None:
        raise ContentError(located(name, None, "has no `after`", "write after: 3d, the days after joining"))
    text = str(written).strip()
    after = timedelta(0) if text in ("0", "0d", "0h") else parse_age(text)
    if after is None:
        raise ContentError(located(name, line, f"`after` is {shown(text)}, no age", "write after: 3d, 12h or 2w"))
    return after


def _is_held(values: object) -> bool:
    front = values if isinstance(values, dict) else {}
    return bool(front.get("draft")) or front.get("published") is False


class SeriesMails:
    """Makes the mails of the series; each post is rendered once, and again when its file has changed.

    Raises ConfigError, as a send does, if a key or the sender is at fault.
    """

    def __init__(self, config: Config, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._clock = clock
        self._signer = signer_of(config)
        # An envelope's bounce address identifies an issue of the ledger, which this mail is not.
        self._sender = replace(config.sender, bounce_address="", feedback_id="")
        self._rendered: dict[Path, tuple[tuple[int, int], Rendering]] = {}

    def check(self, steps: Sequence[StepPosts]) -> tuple[tuple[Path, Finding], ...]:
        """Render every post. Raises ContentError or ConfigError, so that no reader meets the fault."""
        found: list[tuple[Path, Finding]] = []
        for step in steps:
            for _, path in step.posts:
                found += [(path, finding) for finding in self._render(path, None).findings]
        return tuple(found)

    def message(self, path: Path, step: str, subscriber: Subscriber) -> Message:
        rendering = self._render(path, subscriber)
        composer = Composer(
            rendering.variants,
            self._sender,
            issue=f"{SERIES_FOLDER}/{step}",
            when=self._clock(),
            signer=self._signer,
            automatic=True,
        )
        return composer.compose(subscriber)

    def _render(self, path: Path, subscriber: Subscriber | None) -> Rendering:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        known = self._rendered.get(path)
        if known is not None and known[0] == stamp and (subscriber is None or _has(known[1].variants, subscriber)):
            return known[1]
        before = known[1].variants.emails if known is not None and known[0] == stamp else {}

        def choose(conditions: Sequence[Condition]) -> Iterator[tuple[bool, ...]]:
            if subscriber is not None:
                yield answers(conditions, subscriber)

        rendering = render_post(str(path), self._config, choose=choose)
        emails = {**before, **rendering.variants.emails}
        rendering = replace(rendering, variants=Variants(rendering.variants.conditions, emails))
        self._rendered[path] = (stamp, rendering)
        return rendering


def _has(variants: Variants, subscriber: Subscriber) -> bool:
    return answers(variants.conditions, subscriber) in variants.emails
