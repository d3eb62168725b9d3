"""Social cards: every issue has one whose letters are all there, drawn once, or none."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from archived import SETTINGS, Shelf
from PIL import Image, ImageFont

from newsletter.archive import card_fonts
from newsletter.archive.card_fonts import CardFont, CardFonts, can_shape, needs_shaping
from newsletter.archive.cards import SIZE, CardLook, CardMaker, CardWords
from newsletter.errors import ConfigError

LOOK = CardLook("The Daily Lamp", "#ffffff", "#111111", "#666666", "#b83c0a", "T")
DAY = "1 March 2026"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts: the one that comes with Pillow is there."""
    monkeypatch.setattr(card_fonts, "_installed", lambda lang: None)
    monkeypatch.setattr(card_fonts, "_PLACES", ())


def drawn(title: str, lang: str = "en", *, is_rtl: bool = False, look: CardLook = LOOK) -> Image.Image | None:
    maker = CardMaker(look, CardFonts())
    words = CardWords(title, DAY, lang, is_rtl)
    planned = maker.plan(words)
    if planned is None:
        return None
    data = maker.draw(words, planned[0])
    assert data == maker.draw(words, planned[0]), "the same bytes"
    return Image.open(io.BytesIO(data)).convert("RGB")


def inked(image: Image.Image) -> tuple[int, int, int, int]:
    """Where the card has anything but its ground, the bar at its foot apart."""
    box = image.crop((0, 0, SIZE[0], SIZE[1] - 20)).point(lambda value: 255 if value < 200 else 0).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize(
    "title",
    [
        "Go",
        "A title of some words that takes more than a line",
        "word " * 80,
        "https://example.com/" + "a" * 300,
        "(" * 60 + "!" * 60,
        "A\tB\u00a0C\u200bD",
    ],
)
@pytest.mark.usefixtures("bare")
def test_every_title_stays_inside(title: str) -> None:
    image = drawn(title)
    assert image is not None
    assert image.size == SIZE
    left, top, right, bottom = inked(image)
    assert 70 <= left < right <= SIZE[0] - 70
    assert 60 <= top < bottom < SIZE[1] - 20


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("title", ["大模型的价格战", "النماذج الصغيرة", "छोटे मॉडल", "A \u2a0d sign", "😀😀", ""])
def test_letters_without_a_font_make_no_card(title: str) -> None:
    assert drawn(title) is None


@pytest.mark.usefixtures("bare")
def test_emoji_are_left_out_and_the_words_kept() -> None:
    assert drawn("🎉 We shipped 🚀") == drawn("We shipped")


def test_chinese_breaks_between_letters_and_not_before_punctuation() -> None:
    lines = card_lines("小模型学会了计划，大模型学会了等待。" * 3, CardFont())
    assert len(lines) > 1
    assert not any(line.startswith(("，", "。")) for line in lines)


def card_lines(title: str, font: CardFont) -> list[str]:
    from newsletter.archive import cards

    pieces = cards._measured(cards._parts(title), font, 72, 1040)
    return cards._wrapped(pieces, 1040)


def test_what_needs_shaping_has_none_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert needs_shaping("النماذج")
    assert not needs_shaping("小模型 models")
    monkeypatch.setattr(card_fonts, "can_shape", lambda: False)
    assert CardFonts().font_for("النماذج", "ar") is None


@pytest.mark.skipif(not can_shape(), reason="Pillow has no raqm or no fribidi here")
def test_arabic_stands_at_the_right_edge() -> None:
    fonts = CardFonts()
    if fonts.font_for("النماذج الصغيرة", "ar") is None:
        pytest.skip("no font with Arabic letters is installed")
    look = CardLook("النشرة", "#ffffff", "#111111", "#666666", "#b83c0a", "ن")
    image = drawn("النماذج الصغيرة", "ar", is_rtl=True, look=look)
    assert image is not None
    left, _, right, _ = inked(image)
    assert right >= SIZE[0] - 90
    assert left > 400


# --- in the archive -------------------------------------------------------------------------------------------------


def test_a_page_names_its_card_and_the_second_build_draws_none(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.publish("2026-03-01-first", title="The first")
    shelf.publish("2026-03-02-second", title="The second")
    shelf.build()
    page = (shelf.site / "issues" / "2026-03-01-first.html").read_text("utf-8")
    card = "https://example.com/archive/cards/2026-03-01-first.png"
    assert f'<meta property="og:image" content="{card}">' in page
    assert re.findall(r'property="og:image:(\w+)" content="([^"]*)"', page) == [
        ("width", "1200"),
        ("height", "630"),
        ("alt", "The first"),
    ]
    assert f'"image": "{card}"' in page.replace('"image":"', '"image": "')
    with Image.open(shelf.site / "cards" / "2026-03-01-first.png") as image:
        assert image.size == SIZE
    again = shelf.build()
    assert not [path for path in again.written if path.startswith("cards/")]
    shelf.write("2026-03-01-first", title="The first, mended")
    changed = shelf.build()
    assert [path for path in changed.written if path.startswith("cards/")] == ["cards/2026-03-01-first.png"]
    own = f'name = "The Daily Candle"\nlist_id = "{shelf.config.sample_sender.list_id}"'
    (shelf.folder / "newsletter.toml").write_text(SETTINGS.replace('name = "The Daily Lamp"', own))
    assert len([path for path in shelf.build().written if path.startswith("cards/")]) == 2


def test_without_an_address_or_a_font_there_are_none(tmp_path: Path, bare: None) -> None:
    shelf = Shelf(tmp_path)
    shelf.publish("2026-03-01-first", title="第一期")
    shelf.build()
    assert not (shelf.site / "cards").exists()
    other = Shelf(tmp_path / "other", SETTINGS.replace('url = "https://example.com/archive"\n', ""))
    other.publish("2026-03-01-first", title="The first")
    other.build()
    assert not (other.site / "cards").exists()


def test_a_font_of_the_project_s_own(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, SETTINGS + 'card_font = "own.ttf"\n')
    shelf.publish("2026-03-01-first", title="The first")
    with pytest.raises(ConfigError, match=r"newsletter\.toml: \[archive\] card_font is own\.ttf, which is no font"):
        shelf.build()
    default = ImageFont.load_default(20)
    assert isinstance(default, ImageFont.FreeTypeFont)
    (tmp_path / "own.ttf").write_bytes(default.path.getvalue())  # type: ignore[union-attr]
    shelf.build()
    assert (shelf.site / "cards" / "2026-03-01-first.png").is_file()
