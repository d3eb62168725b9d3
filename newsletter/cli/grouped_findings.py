"""Findings on a terminal: by file, then by rule, each remedy said once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import click

from newsletter.model.findings import Finding
from newsletter.text import printable
from newsletter.text_table import wrapped

_COLOURS = {"error": "red", "warning": "yellow", "hint": "cyan"}
_WORDS = tuple(_COLOURS)
"""What matters most comes first."""

_INDENT = "    "


def grouped_lines(
    path: str,
    findings: Iterable[Finding],
    kind_of: Callable[[Finding], str],
    shown: Mapping[str, int],
    width: int,
) -> Iterator[str]:
    """`kind_of` gives what is counted together, `shown` how many of a kind are printed; those of 0 are left out."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(kind_of(finding), []).append(finding)
    yield click.style(printable(path), bold=True)
    for kind, found in sorted(groups.items(), key=lambda group: _WORDS.index(group[1][0].severity)):
        if most := shown[kind]:
            yield from _group(kind, found, most, width)


def _group(kind: str, found: list[Finding], most: int, width: int) -> Iterator[str]:
    severity = found[0].severity
    count = f" {len(found):,}" if len(found) > 1 else ""
    yield f"  {click.style(severity, fg=_COLOURS[severity])}{count} {click.style(kind, dim=True)}"
    remedies = {finding.remedy for finding in found}
    common = found[0].remedy if len(remedies) == 1 else ""
    for finding in found[:most]:
        place = ":".join(str(part) for part in (finding.line, finding.column) if part)
        words = finding.what + (f"; {finding.remedy}" if finding.remedy and not common else "")
        yield from _paragraph(f"{place:<6} {words}" if place else words, width, " " * 7 if place else "  ")
    if len(found) > most:
        yield f"{_INDENT}… and {len(found) - most:,} more; --all names them"
    if common:
        yield from _paragraph(f"→ {common}", width)


def _paragraph(text: str, width: int, indent: str = "  ") -> Iterator[str]:
    """Set in below the group's head, its lines after the first by `indent` more."""
    for line in wrapped(printable(text), width - len(_INDENT), indent):
        yield _INDENT + line
