"""Combine front matter and file name: the meaning of each key, and the defaults of missing ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.model.digest_kinds import DIGESTS
from newsletter.model.findings import Finding
from newsletter.model.issue import AI_NOTICES, Image, Site
from newsletter.model.issue_name import name_of_file
from newsletter.model.send_window import window_of
from newsletter.post.front_keys import canonical, written_under
from newsletter.post.front_matter import FrontMatter
from newsletter.post.markdown.link_targets import SCHEMES
from newsletter.post.own_keys import own_entries, own_time
from newsletter.post.permalink import web_path
from newsletter.post.post_dates import begins_like_a_date, named_day, read_date
from newsletter.post.publication import DRAFTS, Publication, read_publication
from newsletter.post.titles import plain_words, title_of_name
from newsletter.text import valid_unicode
from newsletter.toml_file.fault_messages import nearest

_KNOWN = frozenset(
    {
        *("title", "author", "date", "image", "description", "summary", "tags", "categories", "category"),
        *("lang", "layout", "published", "newsletter", "permalink"),
    }
)
_OWN_TEXTS = frozenset(
    {"issue", "subject", "preheader", "template", "headline", "number", "send_at", "latest", "digest"}
)
_OWN_SWITCHES = frozenset({"smart_punctuation", "stories", "archive"})
_OWN_KEYS = _OWN_TEXTS | _OWN_SWITCHES


@frozen
class Metadata:
    """A post's metadata before its text is parsed. Missing texts are empty.

    `own` has the texts beneath `newsletter:`; `page` has the values of Liquid's `page.…`; `url` is the post's address
    on the site; `name_as_title` the file's name in words. The hero's alternative text is the author's, not the title.
    """

    title: str
    description: str
    lang: str
    author: str
    day: date | None
    hero: Image | None
    tags: tuple[str, ...]
    categories: tuple[str, ...]
    layout: str
    number: str
    ai: str
    own: Mapping[str, str]
    smart_punctuation: bool
    stories: bool
    archive: bool | None
    publication: Publication
    is_in_drafts: bool
    page: Mapping[str, Any]
    url: str
    file_name: str
    name_as_title: str
    extra: Mapping[str, Any]
    findings: tuple[Finding, ...]


def read_metadata(front: FrontMatter, site: Site, *, path: str, folder: tuple[str, ...] = ()) -> Metadata:
    """Read the keys that have a meaning here; a value of the wrong type is a finding.

    `folder` has the names of the post's parent folders; by default they come from `path`.
    """
    path = valid_unicode(path)
    folder = tuple(map(valid_unicode, folder or PurePath(path).parent.parts))
    stem = PurePath(path).stem if path not in ("-", "<stdin>") else ""
    file_name = name_of_file(path, folder[-1] if folder else "") if stem else ""
    keys = _Keys(front)
    smart_punctuation = keys.switch("smart_punctuation", site.smart_punctuation)
    stories = keys.switch("stories", True)
    title = plain_words(keys.text("title"))
    own = keys.own()
    day = keys.day(file_name)
    web = web_path(front.values, stem, site)
    if "{" in (template := str(keys.values.get("permalink") or "")):
        keys.note_unrendered(template)
    url = site.base + web.lstrip("/") if site.base and web and keys.values.get("published") is not False else ""
    return Metadata(
        title=title,
        description=plain_words(keys.text("description")),
        lang=keys.text("lang").replace("_", "-"),
        author=plain_words(keys.text("author")),
        day=day,
        hero=keys.hero(),
        tags=keys.words("tags"),
        categories=keys.words("categories") or keys.words("category"),
        layout=keys.text("layout"),
        number=own.get("number", "") or keys.text("issue_number"),
        ai=keys.ai(),
        own=own,
        smart_punctuation=smart_punctuation,
        stories=stories,
        archive=keys.switch("archive", True) if keys.has_own("archive") else None,
        publication=read_publication(keys.values, keys.texts),
        is_in_drafts=any(part.lower() == DRAFTS for part in folder),
        # Jekyll prints a date without its time.
        page={**front.values, "date": day.isoformat() if day else "", "url": web},
        url=url,
        file_name=file_name,
        name_as_title=title_of_name(PurePath(path).parent.name if stem in ("index", "_index") else stem),
        extra={key: value for key, value in keys.values.items() if key not in _KNOWN},
        findings=(*front.findings, *keys.findings),
    )


class _Keys:
    """The front matter's values by their canonical names, with a finding for each of the wrong type."""

    def __init__(self, front: FrontMatter) -> None:
        self.values = canonical(front.values)
        self.texts = canonical(front.texts)
        self.findings: list[Finding] = []
        self._written = front.values
        self._lines = canonical(front.key_lines)
        self._own_entries = own_entries(front)

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if value is None:
            return ""
        if isinstance(value, list | dict):
            self._note(key, f"`{key}` is not text", f"write {key}: one line of text")
            return ""
        return _one_line(self.texts.get(key, str(value)))

    def note_unrendered(self, template: str) -> None:
        what = (
            f"`permalink` is “{template[:50]}”, which only the site can fill in, so that there is no “view in browser”"
        )
        self._note("permalink", what, "write the path as it is on the site")

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words as in Jekyll: a YAML list, or one text separated by spaces."""
        value = self.values.get(key)
        if value is None:
            return ()
        items = value if isinstance(value, list) else str(value).split()
        return tuple(_one_line(str(item)) for item in items if item is not None)

    def hero(self) -> Image | None:
        value = self.values.get("image")
        if isinstance(value, dict):  # jekyll-seo-tag's form: image: {path: …, alt: …}
            source, alt = str(value.get("path") or ""), str(value.get("alt") or "")
        else:
            source, alt = self.text("image"), ""
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):", source)
        if scheme and scheme[1].lower() not in SCHEMES["image"]:
            self._note("image", f"`image` begins with “{scheme[1]}:” and is left out", "use an https address or a file")
            return None
        return Image(source, alt, line=self._lines.get("image")) if source else None

    def day(self, file_name: str) -> date | None:
        """The date as the author wrote it, in the author's own zone; by default the file name's."""
        value = self.values.get("date")
        if value is None:
            day = named_day(file_name)
            if day is None and begins_like_a_date(file_name):
                what = f"the file name begins with {file_name[:10]}, which is no day"
                self.findings.append(Finding("date-name", what, "rename the file"))
            return day
        day = read_date(value)
        if day is None:
            written = " ".join(str(value).split())[:40]
            key = written_under(self._written, "date")
            self._note("date", f"`{key}` is '{written}', not a date, and is left out", "write 2026-03-01")
            return named_day(file_name)
        return day

    def ai(self) -> str:
        """How the text was made with AI: one of `AI_NOTICES`, `none` to say nothing, empty if not disclosed."""
        value = self.text("ai").lower()
        if value in ("", *AI_NOTICES, "none"):
            return value
        if value in ("false", "no", "off"):
            return "none"
        what = f"`ai` is '{value[:40]}', which is no notice we know"
        self._note("ai", what, f"write one of {', '.join(AI_NOTICES)}, none")
        return ""

    def own(self) -> Mapping[str, str]:
        """The texts beneath `newsletter:`."""
        value = self.values.get("newsletter")
        if value is None:
            return {}
        known = ", ".join(sorted(_OWN_KEYS))
        if not isinstance(value, dict):
            what = "`newsletter` is not a group of keys, and is not read"
            self._note("newsletter", what, f"indent {known} beneath it")
            return {}
        for key in map(str, value):
            if key not in _OWN_KEYS:
                self._note_own(key, f"`newsletter.{key}` is not a key we know", nearest(key, sorted(_OWN_KEYS)))
        if value.get("digest") is not None and value["digest"] not in DIGESTS:
            self._note_own("digest", "`newsletter.digest` is no digest we know", f"write one of {', '.join(DIGESTS)}")
        for key in ("send_at", "latest"):
            written = own_time(value, self._own_entries, key)
            try:
                window_of(written if key == "send_at" else None, written if key == "latest" else None, None)
            except InvalidValueError as fault:
                self._note_own(key, f"`newsletter.{key}`{fault.what.removeprefix(key)}", fault.remedy)
        return {key: _one_line(str(item)) for key, item in value.items() if key in _OWN_TEXTS and item is not None}

    def switch(self, key: str, default: bool) -> bool:
        """A boolean key beneath `newsletter:`."""
        own = self.values.get("newsletter")
        value = own.get(key) if isinstance(own, dict) else None
        if isinstance(value, bool) or value is None:
            return default if value is None else value
        self._note_own(key, f"`newsletter.{key}` is neither true nor false", f"write {key}: false")
        return default

    def has_own(self, key: str) -> bool:
        own = self.values.get("newsletter")
        return isinstance(own, dict) and own.get(key) is not None

    def _note_own(self, key: str, what: str, remedy: str) -> None:
        """A finding about a key beneath `newsletter:`, with its own line if that is known."""
        entry = self._own_entries.get(key)
        line = entry.line if entry else self._lines.get("newsletter")
        self.findings.append(Finding("front-matter-newsletter", what, remedy, line))

    def _note(self, key: str, what: str, remedy: str) -> None:
        self.findings.append(Finding(f"front-matter-{key}", what, remedy, self._lines.get(key)))


def _one_line(text: str) -> str:
    """Replace control characters, which have no place in a subject or a title and could inject a header."""
    return " ".join("".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text).split())
