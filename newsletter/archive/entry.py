"""What lists, feeds and neighbours show of an issue, and of the newsletter itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Any, Literal

from newsletter.frozen import frozen


@frozen
class Entry:
    """An issue on the pages that name it. `path` is its page below the archive's folder; times are UTC.

    `picture` is the first picture: a path below the folder, or an address on the web. `wide` says that it is no icon.
    """

    name: str
    path: str
    title: str
    lang: str
    direction: Literal["ltr", "rtl"]
    day: date
    sent: datetime
    corrected: datetime | None = None
    headline: str = ""
    description: str = ""
    deck: str = ""
    author: str = ""
    number: str = ""
    minutes: int = 0
    stories: int = 0
    tags: tuple[str, ...] = ()
    ai: str = ""
    picture: str = ""

    @property
    def updated(self) -> datetime:
        return self.corrected or self.sent


@frozen
class Publication:
    """The newsletter as the archive's frame shows it. `url` is where the archive is published, empty where nowhere.

    `logo` and `logo_dark` are paths or addresses; `style` and `script` the paths of the sheet and of the search.
    """

    name: str
    lang: str
    url: str = ""
    site_url: str = ""
    subscribe_url: str = ""
    social: tuple[tuple[str, str], ...] = ()
    logo: str = ""
    logo_dark: str = ""
    logo_width: int = 120
    style: str = ""
    script: str = ""
    accent: str = "#000000"
    page: str = "#ffffff"
    dark_page: str = "#000000"
    labels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    overrides: Mapping[str, str] = field(default_factory=dict, repr=False)


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry as the manifest keeps it."""
    data: dict[str, Any] = {name: getattr(entry, name) for name in _FIELDS}
    return {
        **data,
        "day": entry.day.isoformat(),
        "sent": entry.sent.isoformat(),
        "corrected": entry.corrected.isoformat() if entry.corrected else None,
        "tags": list(entry.tags),
    }


def read_entry(data: Mapping[str, Any]) -> Entry:
    """The entry again. Raises ValueError, KeyError or TypeError where it is none."""
    values = {name: data[name] for name in _FIELDS}
    if not all(isinstance(values[name], str) for name in _TEXTS) or values["direction"] not in ("ltr", "rtl"):
        raise TypeError("an entry's texts are text")
    corrected = values["corrected"]
    return Entry(
        **{
            **values,
            "day": date.fromisoformat(values["day"]),
            "sent": datetime.fromisoformat(values["sent"]),
            "corrected": datetime.fromisoformat(corrected) if corrected else None,
            "minutes": int(values["minutes"]),
            "stories": int(values["stories"]),
            "tags": tuple(map(str, values["tags"])),
        }
    )


_FIELDS = tuple(Entry.__dataclass_fields__)
_TEXTS = ("name", "path", "title", "lang", "direction", "headline", "description", "deck", "author", "number", "ai")
