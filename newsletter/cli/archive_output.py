"""A build of the archive, as `archive` and `publish` tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newsletter.text import counted, printable

if TYPE_CHECKING:
    from newsletter.archive.build import ArchiveReport


def described_archive(report: ArchiveReport) -> dict[str, Any]:
    """A build for a program."""
    return {
        "folder": str(report.folder),
        "url": report.url,
        "issues": report.issues,
        "written": list(report.written),
        "removed": list(report.removed),
        "left_out": list(report.left_out),
        "warnings": list(report.warnings),
        "dry_run": report.dry,
    }


def archive_lines(report: ArchiveReport) -> list[str]:
    """A build in a few lines."""
    would = "would be " if report.dry else ""
    lines = [f"left out  {printable(each)}" for each in report.left_out]
    if not (report.written or report.removed):
        return [*lines, f"{printable(str(report.folder))}: {counted(report.issues, 'issue')}, nothing has changed."]
    removed = f", {len(report.removed):,} {would}removed" if report.removed else ""
    done = f"{counted(len(report.written), 'file')} {would}written{removed}"
    return [*lines, f"{printable(str(report.folder / 'index.html'))}: {counted(report.issues, 'issue')}; {done}."]
