"""A page with the author's post in every theme."""

from __future__ import annotations

import shutil
from pathlib import Path

import lxml.html
import pytest
from machine import CHECKOUT
from themes import THEMES

from newsletter.config.load import load_config
from newsletter.errors import ContentError
from newsletter.pipeline.theme_gallery import gallery_files, write_gallery

POST = "2026-03-07-tools-we-kept.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CHECKOUT / "examples", tmp_path / "posts")
    return tmp_path / "posts"


def test_every_theme_is_shown_in_both_colours(folder: Path) -> None:
    config = load_config(None, {}, folder)
    written = {file.path for file in write_gallery(str(folder / POST), config, folder / "themes")}
    assert set(gallery_files(config, folder / "themes")) <= written
    page = lxml.html.document_fromstring((folder / "themes" / "index.html").read_text("utf-8"))
    assert tuple(page.xpath("//section/@id")) == THEMES
    for section in page.xpath("//section"):
        frames = section.xpath(".//iframe")
        assert {frame.get("style") for frame in frames} == {"color-scheme:light", "color-scheme:dark"}
        assert all(frame.get("title") and "allow-scripts" not in frame.get("sandbox") for frame in frames)
        inside = lxml.html.document_fromstring(frames[0].get("srcdoc"))
        assert inside.xpath("//base/@href") == [f"{section.get('id')}/"]
        for source in inside.xpath("//img/@src[not(contains(., '://'))]"):
            assert (folder / "themes" / section.get("id") / source).is_file()


def test_a_theme_at_fault_is_named_and_the_others_shown(folder: Path) -> None:
    own = folder / "templates" / "mine"
    own.mkdir(parents=True)
    (own / "theme.toml").write_text('extends = "classic"\n[light]\nink = "red"\n')
    write_gallery(str(folder / POST), load_config(None, {}, folder), folder / "themes")
    page = lxml.html.document_fromstring((folder / "themes" / "index.html").read_text("utf-8"))
    assert "theme.toml:3: [light] ink is" in page.xpath("//section[@id='mine']")[0].text_content()
    assert len(page.xpath("//section[.//iframe]")) == len(THEMES)


def test_a_post_at_fault_leaves_no_page(folder: Path) -> None:
    (folder / "empty.md").write_text("")
    with pytest.raises(ContentError):
        write_gallery(str(folder / "empty.md"), load_config(None, {}, folder), folder / "themes")
    assert not (folder / "themes").exists()
