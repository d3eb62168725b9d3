"""Several issues as one post: its stories regrouped, each told once, and a table of the days."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, tzinfo
from pathlib import Path
from types import MappingProxyType

import yaml

from newsletter.config.config import Config
from newsletter.errors import ConfigError, ContentError
from newsletter.frozen import frozen
from newsletter.model.issue import (
    Block,
    Blocks,
    Footnotes,
    Heading,
    Issue,
    Link,
    Table,
    Text,
    images_of,
    plain_text,
    walk,
)
from newsletter.model.transform import links_of, words_of
from newsletter.pipeline.find_due import post_files
from newsletter.pipeline.read_post_file import open_post
from newsletter.pipeline.regroup_stories import Regrouped, Section, Source, regroup
from newsletter.pipeline.render_post import parse_in_place
from newsletter.pipeline.template_sentences import is_untouched
from newsletter.post.parse import decode_post, parse_post
from newsletter.post.publication import due_moment
from newsletter.post.templating.placeholders import unmark
from newsletter.post.write_markdown import MarkdownWriter

WORDS: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        "en": ("The days", "Day", "Issue", "Stories"),
        "zh": ("每日目录", "日期", "标题", "条数"),
        "zh-hant": ("每日目錄", "日期", "標題", "則數"),
        "ja": ("日ごとの号", "日付", "号", "本数"),
        "ko": ("날짜별", "날짜", "호", "건수"),
        "de": ("Die Tage", "Tag", "Ausgabe", "Meldungen"),
        "fr": ("Les jours", "Jour", "Numéro", "Sujets"),
        "es": ("Los días", "Día", "Edición", "Noticias"),
        "pt": ("Os dias", "Dia", "Edição", "Notícias"),
        "it": ("I giorni", "Giorno", "Numero", "Notizie"),
    }
)
"""The heading of the table of days and its columns, by language; the author may edit them."""

OWN_KEY = "digest"
"""Beneath `newsletter:`, it says that a post is made of others: a digest is not made of digests."""


@frozen
class Digest:
    """A post that is made of others. `text` is its Markdown; `findings` say what has no place in it, or changed."""

    text: str
    sources: tuple[Source, ...]
    stories: int
    sections: tuple[str, ...]
    retold: int
    findings: tuple[str, ...] = ()


def find_sources(folder: Path, config: Config, zone: tzinfo | None, since: date, until: date) -> list[Source]:
    """The published posts of these days, the first first. Raises ContentError for one that cannot be read."""
    found = []
    for path in post_files(folder):
        name = str(path)
        _, data, place = open_post(name, io.BytesIO())
        text = decode_post(data, name)
        issue = parse_in_place(text, name, place, config).issue
        due = due_moment(issue, zone)
        if due is None or issue.draft or not issue.published or is_digest(issue) or is_untouched(text):
            continue
        day = due.astimezone(zone).date()
        if since <= day <= until:
            found.append((due, Source(issue, day, name)))
    return [source for _, source in sorted(found, key=lambda each: (each[0], each[1].path))]


def is_digest(issue: Issue) -> bool:
    return bool(issue.digest)


def require_digest(path: Path) -> None:
    """Raises ConfigError for a file that is no digest: it would be overwritten."""
    name = str(path)
    try:
        _, data, _ = open_post(name, io.BytesIO())
        if is_digest(parse_post(decode_post(data, name), path=name).issue):
            return
    except ContentError:
        pass
    raise ConfigError("this is no digest, and would be overwritten", "choose another file", path=name)


def make_digest(
    sources: Sequence[Source],
    *,
    name: str,
    day: date,
    kind: str = "weekly",
    title: str = "",
    days: tuple[date, date] | None = None,
) -> Digest:
    """The digest of these issues, dated `day`. `kind` stands in its front matter: who it is for.

    `days` are the first and the last that its title names; without them, those of its issues.

    Raises ContentError where there is nothing to tell. What would not be read back as it was is named in `findings`.
    """
    grouped = regroup(sources)
    if not grouped.sections:
        raise ContentError(
            "there is no issue with anything to tell in these days", "name other days with --since and --until"
        )
    lang = sources[-1].issue.lang
    writer = _Writer(sources)
    titles = _first_titles(grouped, sources)
    # The theme would show the first story's words above a title that only says the days.
    headline = {"headline": titles[0]} if titles and not title else {}
    summary = ("；" if lang.startswith(("zh", "ja")) else "; ").join(titles[len(headline) :][:3])
    first, last = days or (sources[0].day, sources[-1].day)
    front = {
        "title": title or (f"{name}: {first} – {last}" if first != last else f"{name}: {first}"),
        "date": day,
        "lang": lang,
        **({"description": summary} if summary else {}),
        "newsletter": {OWN_KEY: kind, **headline},
    }
    parts = [writer.section(section) for section in grouped.sections]
    if len(sources) > 1:
        parts.append(writer.days(grouped, lang))
    parts += writer.notes()
    head = yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=1_000)
    text = f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"
    return Digest(
        text,
        tuple(sources),
        sum(len(section.items) for section in grouped.sections),
        tuple(section.title for section in grouped.sections),
        len(grouped.retold),
        (*_told(grouped, sources), *_changed(text, grouped, sources)),
    )


def _first_titles(grouped: Regrouped, sources: Sequence[Source]) -> list[str]:
    """The titles of the first stories that have one, for the headline and the inbox."""
    items = [item for section in grouped.sections for item in section.items]
    leads = [(item.block.lead, sources[item.source].issue) for item in items if item.block is not None]
    return [title for lead, issue in leads if (title := unmark(plain_text(lead).strip(), issue))][:4]


# --- writing ----------------------------------------------------------------------------------------------------------


class _Writer:
    """Writes items of several issues, footnotes numbered through."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._notes: dict[tuple[int, int], int] = {}
        self._writers = [
            MarkdownWriter(source.issue.mark, source.issue.fields, self._numbered(number))
            for number, source in enumerate(sources)
        ]

    def _numbered(self, source: int) -> Callable[[int], int]:
        return lambda note: self._notes.setdefault((source, note), len(self._notes) + 1)

    def section(self, section: Section) -> str:
        written = [f"## {MarkdownWriter().text(section.title)}"] if section.title else []
        number = 0
        for item in section.items:
            writer = self._writers[item.source]
            if item.block is None:
                written.append(writer.blocks(tuple(_lowered(block) for block in item.passage)))
                number = 0
            else:
                number += 1
                written.append(writer.story(item.block, number))
        return "\n\n".join(written)

    def days(self, grouped: Regrouped, lang: str) -> str:
        heading, day, issue, stories = WORDS.get(lang.lower(), WORDS.get(lang.partition("-")[0], WORDS["en"]))
        told = [item.source for section in grouped.sections for item in section.items]
        rows = []
        for number, source in enumerate(self._sources):
            title = unmark(source.issue.title, source.issue)
            words = Link(source.issue.url, (Text(title),)) if source.issue.url else Text(title)
            rows.append(((Text(f"{source.day}"),), (words,), (Text(str(told.count(number))),)))
        header = ((Text(day),), (Text(issue),), (Text(stories),))
        table = Table(header, tuple(rows), ("", "", "right"))
        return f"## {heading}\n\n{MarkdownWriter().block(table)}"

    def notes(self) -> Iterator[str]:
        """The footnotes that are referred to; one may refer to the next."""
        done: set[tuple[int, int]] = set()
        while waiting := [key for key in self._notes if key not in done]:
            for source, note in waiting:
                done.add((source, note))
                blocks = _note(self._sources[source].issue, note)
                body = self._writers[source].blocks(blocks).replace("\n", "\n    ")
                yield f"[^{self._notes[source, note]}]: {body}"


def _lowered(block: Block) -> Block:
    """A passage's heading below that of its section."""
    return replace(block, level=3) if isinstance(block, Heading) else block


def _note(issue: Issue, number: int) -> Blocks:
    notes = [note for block in walk(issue.blocks) if isinstance(block, Footnotes) for note in block.items]
    return notes[number - 1] if 0 < number <= len(notes) else ()


# --- what there is to say ---------------------------------------------------------------------------------------------


def _told(grouped: Regrouped, sources: Sequence[Source]) -> Iterator[str]:
    for retold in grouped.retold:
        kept = retold.kept
        other = f"{sources[kept.source].path}:{kept.line or 1}"
        yield f"{sources[retold.item.source].path}:{retold.item.line or 1}: told once, as {other} tells it"
    for number, block in grouped.dropped:
        what = f"{type(block).__name__.lower()} left out: it belongs to its day, and to no story"
        yield f"{sources[number].path}:{block.line or 1}: {what}"


def _changed(text: str, grouped: Regrouped, sources: Sequence[Source]) -> Iterator[str]:
    """Items of which our own parser does not read back every word, link and picture in one block."""
    read = parse_post(text, path="digest.md").issue
    blocks = {_holds((block,), read) for block in walk(read.blocks)}
    for item in (item for section in grouped.sections for item in section.items):
        issue = sources[item.source].issue
        if not all(_holds((block,), issue) in blocks for block in ((item.block,) if item.block else item.passage)):
            yield f"{sources[item.source].path}:{item.line or 1}: reads otherwise in the digest; look at it there"


def _holds(blocks: Blocks, issue: Issue) -> tuple[str, ...]:
    """What a reader finds in blocks: the words, with a subscriber's columns by their names, the links, the pictures."""
    words = re.sub(r"\[\d+\]|\s+", "", "".join(words_of(blocks)))
    named = re.sub(f"{issue.mark}(\\d+)z", lambda found: _column(issue, int(found[1])), words)
    links = sorted(link.href for link in links_of(blocks))
    return (named, *links, *sorted(image.src for image in images_of(blocks)))


def _column(issue: Issue, number: int) -> str:
    field = issue.fields[number]
    return f"{field.name}|{field.default}"
