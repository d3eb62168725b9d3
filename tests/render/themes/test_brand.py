"""One colour, one mood, one corner and a logo's file make a theme; whatever the colour, every text can be read."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import CHECKOUT
from themes import THEMES

from newsletter.config.load import load_config
from newsletter.errors import ConfigError
from newsletter.pipeline.render_post import render_post
from newsletter.render.section_colours import contrast
from newsletter.render.themes.brand import CORNERS, MOODS, merge_values
from newsletter.render.themes.copy_theme import new_theme
from newsletter.render.themes.load import load_theme

PICTURE = CHECKOUT / "examples" / "images" / "ines-aldous.png"


def project(tmp_path: Path, values: str, name: str = "mine") -> Path:
    folder = tmp_path / "templates" / name
    folder.mkdir(parents=True)
    (folder / "theme.toml").write_text(values, "utf-8")
    return tmp_path


@given(st.integers(0, 0xFFFFFF), st.sampled_from(THEMES))
def test_whatever_the_colour_every_text_reads_on_what_it_stands_on(number: int, base: str) -> None:
    values = merge_values([load_theme(base, CHECKOUT).values, {"brand": {"colour": f"#{number:06x}"}}])
    for scheme in ("light", "dark"):
        colours = values[scheme]
        for text, back in itertools.product(("ink", "muted", "accent"), ("card", "tint", "page")):
            assert contrast(colours[text], colours[back]) >= 4.5, (scheme, text, back)
        assert contrast(colours["second"], colours["tint"]) >= 4.5


def test_a_colour_that_reads_is_taken_as_it_is(tmp_path: Path) -> None:
    theme = load_theme("mine", project(tmp_path, 'extends = "classic"\n[brand]\ncolour = "#1d4ed8"\n'))
    assert theme.values["light"]["accent"] == "#1d4ed8"
    assert theme.values["dark"]["accent"] != "#1d4ed8"
    assert theme.values["light"]["tint"] not in ("#ffffff", "#fcf3ec")


def test_what_is_written_counts_before_what_is_computed(tmp_path: Path) -> None:
    own = '[brand]\ncolour = "#1d4ed8"\nmood = "book"\n[light]\naccent = "#123456"\n[fonts]\nbody = "Georgia"\n'
    theme = load_theme("mine", project(tmp_path, f'extends = "classic"\n{own}'))
    assert theme.values["light"]["accent"] == "#123456"
    assert theme.values["fonts"]["body"] == "Georgia"
    # What a base says itself is below its heir's brand.
    project(tmp_path, 'extends = "mine"\n[brand]\ncolour = "#7c2d12"\n', "heir")
    assert load_theme("heir", tmp_path).values["light"]["accent"] == "#7c2d12"


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("corner", CORNERS)
def test_moods_and_corners(tmp_path: Path, mood: str, corner: str) -> None:
    theme = load_theme(
        "mine", project(tmp_path, f'extends = "classic"\n[brand]\nmood = "{mood}"\ncorner = "{corner}"\n')
    )
    assert theme.values["fonts"]["body"] == MOODS[mood]
    assert theme.values["layout"]["radius"] == CORNERS[corner]


def test_a_copy_keeps_the_computed_colours(tmp_path: Path) -> None:
    project(tmp_path, 'extends = "classic"\n[brand]\ncolour = "#1d4ed8"\ncorner = "round"\nlogo = "logo.png"\n')
    shutil.copy(PICTURE, tmp_path / "templates" / "mine" / "logo.png")
    new_theme("copy", "mine", tmp_path)
    ours, theirs = load_theme("mine", tmp_path).values, load_theme("copy", tmp_path).values
    for table in ("light", "dark", "layout", "fonts"):
        assert theirs[table] == ours[table]
    assert (tmp_path / "templates" / "copy" / "logo.png").read_bytes() == PICTURE.read_bytes()


@pytest.mark.parametrize("beside", [True, False])
def test_a_logo_is_looked_up_beside_the_theme_then_in_the_project(tmp_path: Path, beside: bool) -> None:
    project(tmp_path, 'extends = "classic"\n[brand]\nlogo = "logo.png"\n')
    file = (tmp_path / "templates" / "mine" if beside else tmp_path) / "logo.png"
    shutil.copy(PICTURE, file)
    assert load_theme("mine", tmp_path).values["brand"]["logo"] == str(file)


@pytest.mark.parametrize("name", ["logo.png", "art/logo.svg"])
def test_a_logo_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    project(tmp_path, f'extends = "classic"\n[brand]\nlogo = "{name}"\n')
    with pytest.raises(ConfigError, match=r"theme\.toml:3: \[brand\] logo is .*, and there is no such file"):
        load_theme("mine", tmp_path)


@pytest.mark.parametrize(
    "value",
    [
        *('logo = "../../secret.png"', 'logo = "/etc/passwd.png"', 'logo = "a/../../b.png"', 'logo = "logo.txt"'),
        *('colour = "blue"', 'mood = "angry"', "corner = 8"),
    ],
)
def test_what_no_brand_may_say(tmp_path: Path, value: str) -> None:
    project(tmp_path, f'extends = "classic"\n[brand]\n{value}\n')
    with pytest.raises(ConfigError, match=r"theme\.toml:3: \[brand\] \w+ is "):
        load_theme("mine", tmp_path)


def test_a_logos_file_travels_with_the_mail(tmp_path: Path) -> None:
    project(tmp_path, 'extends = "classic"\n[brand]\nlogo = "logo.png"\nlogo_dark = "dark.png"\n')
    for name in ("logo.png", "dark.png"):
        shutil.copy(PICTURE, tmp_path / "templates" / "mine" / name)
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "N"\n[theme]\nname = "mine"\n')
    post = tmp_path / "2026-03-01-a.md"
    post.write_text("# T\n\nWords.\n")
    email = render_post(str(post), load_config(None, {}, tmp_path)).email
    html = "".join(part for part in email.html.parts if isinstance(part, str))
    sources = [image.get("src") for image in lxml.html.document_fromstring(html).xpath("//img")]
    assert sources
    assert {source.removeprefix("cid:") for source in sources} == {file.content_id for file in email.attachments}
