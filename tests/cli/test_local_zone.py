"""A zone of the machine that is none is told once, and not by whatever first asks for the local time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import newsletter


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reads no TZ")
@pytest.mark.parametrize("words", [("check", "2026-03-01-p.md"), ("status",), ("doctor", "--offline")])
def test_a_zone_of_99_hours_is_a_sentence(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "2026-03-01-p.md").write_text("---\ntitle: T\n---\n\nWords.\n")
    run = newsletter(*words, cwd=tmp_path, TZ="UTC+99")
    assert (run.code, run.err) == (2, "TZ is UTC+99, more than a day from UTC; write TZ=Europe/Berlin\n")


def test_a_zone_that_is_unknown_is_utc(tmp_path: Path) -> None:
    (tmp_path / "2026-03-01-p.md").write_text("---\ntitle: T\n---\n\nWords.\n")
    assert newsletter("check", "2026-03-01-p.md", cwd=tmp_path, TZ="Nowhere/Land").code in (0, 1)
