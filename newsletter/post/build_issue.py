"""Build the `Issue` from front matter and blocks: title, summary, date, language, slug."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

from newsletter.errors import ContentError, located
from newsletter.model.findings import Finding
from newsletter.model.issue import AI_NOTICES, Blocks, Heading, Image, Issue, Paragraph, Site, Summary, plain_text, walk
from newsletter.model.issue_name import name_of_file, slug_of
from newsletter.model.transform import links_of
from newsletter.post.detect_language import detect_language
from newsletter.post.front_keys import canonical, written_under
from newsletter.post.front_matter import FrontMatter
from newsletter.post.markdown.link_targets import SCHEMES
from newsletter.post.markdown.story import normalised
from newsletter.post.permalink import post_path
from newsletter.post.post_dates import day_on_site, read_date
from newsletter.post.publication import DRAFTS, read_publication
from newsletter.post.templating.placeholders import Marked
from newsletter.post.titles import highest_heading, plain_words, title_of_name

_DATED_NAME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-?(.*)")


_KNOWN = frozenset(
    {
        *("title", "author", "date", "image", "description", "summary", "tags", "categories", "category"),
        *("lang", "layout", "published", "newsletter", "permalink"),
    }
)


_OWN_KEYS = frozenset(
    {
        *("issue", "subject", "preheader", "template", "headline", "number"),
        *("smart_punctuation", "stories", "send_at", "latest"),
    }
)


class Assembler:
    """Front matter and file name against the body: what each key means, and what stands in for a missing one."""

    def __init__(self, front: FrontMatter, marked: Marked, site: Site, path: str, folder: tuple[str, ...] = ()) -> None:
        self.marked = marked
        self.site = site
        self.written = front.values
        self.values = canonical(front.values)
        self.texts = canonical(front.texts)
        self.path = path
        self.stem = PurePath(path).stem if path not in ("-", "<stdin>") else ""
        self.folder = folder or PurePath(path).parent.parts
        self.file_name = name_of_file(path, self.folder[-1] if self.folder else "") if self.stem else ""
        self.body_line = front.body_line
        self.findings: list[Finding] = list(front.findings)
        self.lines = canonical(front.key_lines)
        self.has_conditions = False

    @property
    def page(self) -> Mapping[str, Any]:
        """What `page.…` means in the text: the front matter, and the date as Jekyll prints it."""
        day = self._written_day()
        return {**self.written, "date": day.isoformat() if day else "", "url": self.path_on_site()}

    def url(self) -> str:
        """The post's address on the site: its own `permalink`, else the site's template; empty without either."""
        if not self.site.base or self.values.get("published") is False:
            return ""
        path = self.path_on_site()
        return self.site.base + path.lstrip("/") if path else ""

    def path_on_site(self) -> str:
        """The post's path below the site's base, as Jekyll's `page.url`; empty where nobody knows it."""
        return web_path(self.written, self.stem, self.site)

    def _written_day(self) -> date | None:
        try:
            return self.day(quiet=True)
        except ContentError:
            return None  # reported when the issue is put together

    def issue(self, blocks: Blocks, findings: tuple[Finding, ...], language: str, url: str) -> Issue:
        first = blocks[0] if blocks else None
        heading = plain_text(first.inlines) if isinstance(first, Heading) else ""
        title = plain_words(self.text("title")) or heading or self.title_elsewhere(blocks)
        if not title:
            raise ContentError(located(self.path, 1, "the post has no title", "write `title: …` in its front matter"))
        if isinstance(first, Heading) and heading and normalised(heading) == normalised(title):
            links = tuple(link for link in links_of((first,)) if link.href != url)
            if not url and len(first.inlines) == 1 and [link.href for link in links] and links[0].href[:4] == "http":
                url, links = links[0].href, links[1:]  # a headline that links to itself, on the web
            kept = tuple(Paragraph((link,), first.line) for link in links if link.children)
            blocks = (*kept, *blocks[1:])
        if not blocks:
            what, remedy = "the post has nothing beside its title", "write its text"
            if self.has_conditions:
                what = "some subscribers would get nothing beside the title, since no condition holds for them"
                remedy = "write something for everyone, or use {% else %}"
            raise ContentError(located(self.path, self.body_line, what, remedy))
        own = self.own_keys()
        summary = next((block for block in walk(blocks) if isinstance(block, Summary)), None)
        description = plain_words(self.text("description")) or " ".join(summary.lines if summary else ())
        day = self.day()
        words = " ".join((title, description, *(_words(block) for block in walk(blocks))))
        name = own.get("issue", "") or self.file_name
        publication = read_publication(self.values, self.texts)
        return Issue(
            slug=slug_of(name or re.sub(f"{self.marked.mark}\\d+z", "", title)),
            name=name,
            title=title,
            blocks=blocks,
            lang=self.text("lang").replace("_", "-") or language or detect_language(words),
            date=day,
            author=plain_words(self.text("author")),
            description=description,
            hero=self.hero(title),
            tags=self.words("tags"),
            categories=self.words("categories") or self.words("category"),
            layout=self.text("layout"),
            published=publication.published,
            draft=publication.draft or any(part.lower() == DRAFTS for part in self.folder),
            moment=publication.moment,
            subject=own.get("subject", ""),
            preheader=own.get("preheader", ""),
            template=own.get("template", ""),
            headline=own.get("headline", ""),
            number=own.get("number", "") or self.text("issue_number"),
            ai=self.ai(),
            url=url,
            mark=self.marked.mark,
            fields=self.marked.fields,
            extra={key: value for key, value in self.values.items() if key not in _KNOWN},
            findings=tuple(sorted((*self.findings, *findings), key=lambda finding: finding.line or 0)),
        )

    def title_elsewhere(self, blocks: Blocks) -> str:
        """A title from a heading further down, or from the file's name, with a warning."""
        found = highest_heading(blocks)
        stem = PurePath(self.path).parent.name if self.stem in ("index", "_index") else self.stem
        title = plain_text(found.inlines) if found else title_of_name(stem)
        if title:
            place = "a heading's words are" if found else "the file's name is"
            self.findings.append(
                Finding(
                    "title-missing", f"the post has no title, so {place} taken for it", f"write title: {title[:60]}", 1
                )
            )
        return title

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if value is None:
            return ""
        if isinstance(value, list | dict):
            self.note(key, f"`{key}` is not text", f"write {key}: one line of text")
            return ""
        return " ".join(_without_controls(self.texts.get(key, str(value))).split())

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words as Jekyll takes it: a YAML list, or one text with spaces between."""
        value = self.values.get(key)
        if value is None:
            return ()
        items = value if isinstance(value, list) else str(value).split()
        return tuple(" ".join(_without_controls(str(item)).split()) for item in items if item is not None)

    def hero(self, title: str) -> Image | None:
        value = self.values.get("image")
        if isinstance(value, dict):  # jekyll-seo-tag's form: image: {path: …, alt: …}
            source, alt = str(value.get("path") or ""), str(value.get("alt") or title)
        else:
            source, alt = self.text("image"), title
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):", source)
        if scheme and scheme[1].lower() not in SCHEMES["image"]:
            self.note("image", f"`image` begins with “{scheme[1]}:” and is left out", "use an https address or a file")
            return None
        return Image(source, alt, line=self.lines.get("image")) if source else None

    def day(self, *, quiet: bool = False) -> date | None:
        """The date as the author wrote it, in the author's own zone; without one, the file name's."""
        value = self.values.get("date")
        if value is None:
            day = named_day(self.file_name)
            if day is None and _DATED_NAME.match(self.file_name) and not quiet:
                what = f"the file name begins with {self.file_name[:10]}, which is no day"
                self.findings.append(Finding("date-name", what, "rename the file"))
            return day
        day = read_date(value)
        if day is None:
            if not quiet:
                written = " ".join(str(value).split())[:40]
                key = written_under(self.written, "date")
                self.note("date", f"`{key}` is '{written}', not a date, and is left out", "write 2026-03-01")
            return named_day(self.file_name)
        return day

    def ai(self) -> str:
        """How the text was made with AI: one of `AI_NOTICES`, `none` to say nothing, empty where nobody says so."""
        value = self.text("ai").lower()
        if value in ("", *AI_NOTICES, "none"):
            return value
        if value in ("false", "no", "off"):
            return "none"
        self.note(
            "ai", f"`ai` is '{value[:40]}', which is no notice we know", f"write one of {', '.join(AI_NOTICES)}, none"
        )
        return ""

    def own_keys(self) -> Mapping[str, str]:
        value = self.values.get("newsletter")
        if value is None:
            return {}
        known = ", ".join(sorted(_OWN_KEYS))
        if not isinstance(value, dict):
            raise ContentError(
                located(
                    self.path,
                    self.lines.get("newsletter"),
                    "`newsletter` is not a group of keys",
                    f"indent {known} beneath it",
                )
            )
        for key in value:
            if key not in _OWN_KEYS:
                self.note("newsletter", f"`newsletter.{key}` is not a key we know", f"use one of {known}")
        return {
            key: " ".join(_without_controls(str(item)).split())
            for key, item in value.items()
            if key in _OWN_KEYS - _SWITCHES and item is not None
        }

    def switch(self, key: str, default: bool) -> bool:
        """A key beneath `newsletter:` that is true or false."""
        own = self.values.get("newsletter")
        value = own.get(key) if isinstance(own, dict) else None
        if isinstance(value, bool) or value is None:
            return default if value is None else value
        self.note("newsletter", f"`newsletter.{key}` is neither true nor false", f"write {key}: false")
        return default

    def note(self, key: str, what: str, remedy: str) -> None:
        self.findings.append(Finding(f"front-matter-{key}", what, remedy, self.lines.get(key)))


def named_day(stem: str) -> date | None:
    """The day that a post's file name begins with, as Jekyll writes it: `2026-03-01-hello`."""
    named = _DATED_NAME.match(stem)
    try:
        return date(int(named[1]), int(named[2]), int(named[3])) if named else None
    except ValueError:
        return None


def _words(block: Any) -> str:
    match block:
        case Summary(lines):
            return " ".join(lines)
    return plain_text(getattr(block, "inlines", ()) or getattr(block, "lead", ()))


def _without_controls(text: str) -> str:
    """Control characters have no place in a subject or a title, and would let a header begin anew."""
    return "".join(char if unicodedata.category(char) not in ("Cc", "Zl", "Zp") else " " for char in text)


_SWITCHES = frozenset({"smart_punctuation", "stories"})


def web_path(written: Mapping[str, Any], stem: str, site: Site) -> str:
    """Where a site has a post of these front matter values and file name: a path, or nothing where nobody knows."""
    values = canonical(written)
    if values.get("permalink") is False:
        return ""
    template = str(values.get("permalink") or site.permalink)
    if not template:
        return ""
    named = _DATED_NAME.match(stem)
    categories = values.get("categories")
    words = categories if isinstance(categories, list) else str(categories or "").split()
    return post_path(
        template,
        title=named[4] if named else stem,
        slug=str(values.get("slug") or ""),
        day=day_on_site(values.get("date"), str(site.values.get("timezone") or "")) or named_day(stem),
        categories=tuple(str(word) for word in words),
    )
