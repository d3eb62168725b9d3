"""A theme's file is read anew whenever it changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import ConfigError
from newsletter.render.themes import read_file
from newsletter.render.themes.read_file import read_theme_file


def test_a_file_that_was_just_written_is_not_kept(tmp_path: Path) -> None:
    sheet = tmp_path / "style.css"
    for text in ("p{color:red}", "p{color:tan}"):  # of one size, within one tick of the system's clock
        sheet.write_text(text, "utf-8")
        assert read_theme_file(sheet) == text


@pytest.fixture
def everything_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_file, "_SETTLED_NS", -(10**18))


@pytest.mark.usefixtures("everything_is_settled")
def test_a_file_that_is_as_it_was_is_not_read_again(tmp_path: Path) -> None:
    sheet = tmp_path / "style.css"
    sheet.write_text("p{}", "utf-8")
    assert read_theme_file(sheet) is read_theme_file(sheet)


@pytest.mark.usefixtures("everything_is_settled")
def test_another_file_of_the_name_is_read(tmp_path: Path) -> None:
    sheet, other = tmp_path / "style.css", tmp_path / "other.css"
    sheet.write_text("p{color:red}", "utf-8")
    read_theme_file(sheet)
    other.write_text("p{color:tan}", "utf-8")
    other.replace(sheet)
    assert read_theme_file(sheet) == "p{color:tan}"


@pytest.mark.usefixtures("everything_is_settled")
def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    sheet = tmp_path / "style.css"
    sheet.write_text("p{}", "utf-8")
    read_theme_file(sheet)
    sheet.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        read_theme_file(sheet)
