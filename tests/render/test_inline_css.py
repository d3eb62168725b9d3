"""Inlining: what it must not read, whatever stands in a template."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.render.inline_css import inline_css


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("tag", ["<style>", '<style type="text/css">', "<STYLE>", '<style id="a" >'])
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_style_block_of_a_template_is_not_followed(tmp_path: Path, tag: str, scheme: str) -> None:
    sheet = tmp_path / "other.css"
    sheet.write_text("p{margin:7px}")
    address = sheet.as_uri() if scheme == "file" else "http://127.0.0.1:9/other.css"
    page = f'<html><head>{tag}@import "{address}";</style></head><body><p class="a">x</p></body></html>'
    html = inline_css(page, "p{color:red}", "")
    assert "7px" not in html
    assert 'style="color:red"' in html
    assert f'@import "{address}"' in html
