"""The style sheet: fonts by language, colours that read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tinycss2
from archived import SETTINGS, Shelf


@pytest.mark.parametrize("theme", ["classic", "brief", "essay", "magazine", "mono"])
def test_a_sheet_is_valid_and_whole_for_every_theme(theme: str, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, settings=f'{SETTINGS}[theme]\nname = "{theme}"\n')
    shelf.build()
    (sheet,) = (shelf.site / "assets").glob("style-*.css")
    text = sheet.read_text("utf-8")
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    assert [rule for rule in rules if rule.type == "error"] == []
    assert "{sans}" not in text
    assert "{serif}" not in text
    assert "&#" not in text, "CSS is no HTML"
    used = set(re.findall(r"var\(--([\w-]+)", text))
    assert used <= set(re.findall(r"--([\w-]+):", text))


def test_each_language_has_its_own_fonts(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.build()
    (sheet,) = (shelf.site / "assets").glob("style-*.css")
    text = sheet.read_text("utf-8")
    assert re.search(r":lang\(ja\) \{ --text: [^;]*Hiragino", text)
    assert re.search(r":lang\(zh-TW\)[^{]*\{ --text: [^;]*PingFang TC", text)
    assert text.index(":lang(zh)") < text.index(":lang(zh-Hant)"), "the later counts"
