"""The numbers as tables for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from newsletter.stats.as_json import stats_json
from newsletter.stats.figures import REFUSALS, Stats
from newsletter.text import spreadsheet_cell

Table = Literal["issues", "months", "weeks", "domains", "languages", "links"]
TABLES: tuple[Table, ...] = ("issues", "months", "weeks", "domains", "languages", "links")


def stats_csv(stats: Stats, table: Table) -> str:
    """One table for a spreadsheet, its head in the first line."""
    data = stats_json(stats)
    match table:
        case "issues":
            rows = [
                {**row, "refused": sum(row["refused"].values()), **_kinds(row["refused"])} for row in data["issues"]
            ]
        case "months" | "weeks":
            rows = data["growth"][table]
        case "links":
            rows = data["links"]
        case "domains":
            rows = [*data["readers"]["domains"]]
            if stats.readers.others:
                rows.append({"domain": f"{stats.readers.other_domains} others", "readers": stats.readers.others})
        case "languages":
            rows = data["readers"]["languages"]
    return _written(rows, _HEADS[table])


_GROWTH_HEADS = ("start", "joined", "left", "bounced", "complained", "removed", "net")
_ISSUE_HEADS = (
    *("issue", "subject", "first_sent", "audience", "sent", "refused", *(f"refused_{kind}" for kind in REFUSALS)),
    *("waiting", "uncertain", "suppressed", "bounced", "complaints"),
    *("unsubscribed", "unsubscribed_within_a_day", "unsubscribed_within_a_week", "up", "down", "clicks"),
)
_HEADS: Mapping[Table, Sequence[str]] = {
    "issues": _ISSUE_HEADS,
    "months": _GROWTH_HEADS,
    "weeks": _GROWTH_HEADS,
    "domains": ("domain", "readers"),
    "languages": ("language", "readers"),
    "links": ("issue", "number", "section", "address", "clicks"),
}


def _kinds(refused: dict[str, int]) -> dict[str, int]:
    return {f"refused_{kind}": number for kind, number in refused.items()}


def _written(rows: Iterable[dict[str, Any]], heads: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow(list(_cells(row[name] for name in heads)))
    return out.getvalue()


def _cells(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield spreadsheet_cell(value) if isinstance(value, str) else "" if value is None else value
