"""The pages of the archive out of entries: an issue in its frame, a month, the front. Pure: templates come in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from newsletter.archive.entry import Entry, Publication
from newsletter.archive.linked_data import linked_data
from newsletter.frozen import frozen
from newsletter.model.archive_address import address_of, month_path
from newsletter.model.languages import choose_language
from newsletter.render.direction import is_rtl_language
from newsletter.render.themes.project_pages import ProjectPages
from newsletter.render.wording import choose_labels, count_label, monogram, written_date, written_day

RECENT = 9
"""Issues on the front page beneath the latest."""

MIN_MINUTES = 2


@frozen
class Month:
    """A month with issues. `words` name it in the archive's language."""

    first: date
    path: str
    words: str
    count: int = 0

    @property
    def name(self) -> str:
        return self.words


class PageMaker:
    """Draws pages. `words` are the frame's own, by language; `fingerprint` changes with all that a frame is made of."""

    def __init__(
        self,
        templates: ProjectPages,
        site: Publication,
        words: Mapping[str, Mapping[str, Any]],
        *,
        icon: str,
        flat: bool,
        sources: str = "",
    ) -> None:
        self.site = site
        self._templates = templates
        self._words = words
        self._icon = icon
        self._flat = flat
        self._labels: dict[str, Mapping[str, Any]] = {}
        templates.filters.update(
            href=lambda path: quote(path),
            under=lambda path, root: path if "://" in path else f"{root}{quote(path)}",
            day=lambda entry: written_date(entry.day, self.labels(entry.lang)),
        )
        known = repr((site, sorted(words.items()), icon, flat, sources))
        self.fingerprint = hashlib.sha256(known.encode()).hexdigest()

    def labels(self, lang: str) -> Mapping[str, Any]:
        """The words of the email's frame and of the archive's, in the language or as near to it as there is."""
        if lang not in self._labels:
            found = choose_language([lang], self._words, "en")
            of_email = choose_labels(self.site.labels, lang, self.site.overrides)
            self._labels[lang] = {**self._words["en"], **self._words[found], **of_email}
        return self._labels[lang]

    # --- pages --------------------------------------------------------------------------------------------------------

    def issue(
        self, entry: Entry, contents: Markup, text: Markup, older: Entry | None, newer: Entry | None, card: str = ""
    ) -> str:
        """`card` is the path of the picture that is shown where the page is shared; empty for the issue's own."""
        labels = self.labels(entry.lang)
        url = address_of(self.site.url, entry.path)
        shared = self._shared_picture(card or entry.picture)
        corrected = (
            labels["corrected"].format(date=written_date(entry.corrected.date(), labels)) if entry.corrected else ""
        )
        return self._render(
            "issue.html.j2",
            kind="article",
            lang=entry.lang,
            direction=entry.direction,
            root="../",
            url=url,
            title=_joined(entry.headline, self.site.name),
            description=entry.description,
            entry=entry,
            day=written_day(entry.day, labels),
            facts=_facts(entry, labels),
            notes=[note for note in (labels[f"ai_{entry.ai}"] if entry.ai else "", corrected) if note],
            contents=contents,
            text=text,
            older=older,
            newer=newer,
            shared_picture=shared,
            card=bool(card),
            linked_data=linked_data(entry, self.site, url, shared),
        )

    def month(self, month: Month, entries: Sequence[Entry], older: Month | None, newer: Month | None) -> str:
        return self._render(
            "month.html.j2",
            kind="month",
            root="../",
            url=address_of(self.site.url, month.path),
            title=_joined(month.words, self.site.name),
            month=month,
            entries=tuple(reversed(entries)),
            older=older,
            newer=newer,
        )

    def front(self, entries: Sequence[Entry], searched: Sequence[tuple[str, str]]) -> str:
        """`entries` from the oldest to the newest; `searched` has the years of the search, and their versions."""
        newest = tuple(reversed(entries))
        labels = self.labels(self.site.lang)
        words = {name: labels[name] for name in ("searching", "found", "found_none")}
        years = [
            (year, tuple(months))
            for year, months in groupby(reversed(self.months(entries)), key=lambda month: month.first.year)
        ]
        return self._render(
            "front.html.j2",
            kind="front",
            root="",
            url=address_of(self.site.url, ""),
            title=self.site.name,
            latest=newest[0] if newest else None,
            recent=newest[1 : 1 + RECENT],
            count=len(newest),
            years=years,
            words=words,
            searched=searched,
        )

    def months(self, entries: Sequence[Entry]) -> tuple[Month, ...]:
        """The months that have issues, the oldest first."""
        labels = self.labels(self.site.lang)
        counts: dict[date, int] = {}
        for entry in entries:
            first = entry.day.replace(day=1)
            counts[first] = counts.get(first, 0) + 1
        return tuple(
            Month(first, month_path(first), _month_words(first, labels), counts[first]) for first in sorted(counts)
        )

    # --- inside -------------------------------------------------------------------------------------------------------

    def _render(self, template: str, *, lang: str = "", direction: str = "", **values: Any) -> str:
        lang = lang or self.site.lang or "en"  # of a newsletter that has sent nothing, and names no language
        direction = direction or ("rtl" if is_rtl_language(lang) else "ltr")
        back, onward = ("→", "←") if direction == "rtl" else ("←", "→")
        common: dict[str, Any] = {
            "site": self.site,
            "labels": self.labels(lang),
            "lang": lang,
            "direction": direction,
            "back": back,
            "onward": onward,
            "description": "",
            "icon": self._icon,
            "flat": self._flat,
            "cjk": lang.partition("-")[0] in ("zh", "ja", "ko"),
            "monogram": monogram(self.site.name),
        }
        return self._templates.render(template, common | values)

    def _shared_picture(self, picture: str) -> str:
        """A picture's whole address: services that show a page's picture take no relative one. Empty without."""
        return picture if "://" in picture else address_of(self.site.url, picture) if picture else ""


def _facts(entry: Entry, labels: Mapping[str, Any]) -> list[str]:
    """What stands behind the date: number, author, stories, reading time; each where it says something."""
    facts = [labels["number"].format(number=entry.number) if entry.number else "", entry.author]
    facts.append(count_label(labels, "stories", entry.stories))
    facts.append(labels["reading_time"].format(minutes=entry.minutes) if entry.minutes >= MIN_MINUTES else "")
    return [fact for fact in facts if fact]


def _month_words(first: date, labels: Mapping[str, Any]) -> str:
    if labels["date"] == "{iso}":
        return f"{first:%Y-%m}"
    months = labels["months"]
    name = months[first.month - 1] if months else ""
    return str(labels["month"].format(year=first.year, month=first.month, month_name=name))


def _joined(words: str, name: str) -> str:
    return words if words.startswith(name) else f"{words} · {name}"
