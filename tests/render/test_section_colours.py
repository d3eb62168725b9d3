"""Section colours: readable on any card, the same from issue to issue."""

from __future__ import annotations

import pytest

from newsletter.render.section_colours import HUES, MIN_CONTRAST, contrast, readable, section_classes

NAMES = ("Research", "Industry", "Tools", "Policy", "People")


@pytest.mark.parametrize("back", ["#ffffff", "#1a1c1f", "#000000", "#fbf8f3", "#777777", "#ffee00"])
def test_every_colour_reads(back: str) -> None:
    colours = [readable(hue, back) for hue in HUES]
    lowest = min(contrast(colour, back) for colour in colours)
    assert lowest >= min(MIN_CONTRAST, max(contrast("#000000", back), contrast("#ffffff", back)))


def test_a_section_keeps_its_colour() -> None:
    first = section_classes(NAMES)
    assert section_classes(reversed(NAMES)) == first
    # A count or an emoji of the author's is no other section.
    changed = section_classes(f"🔬 {name} (12)" for name in NAMES)
    assert list(changed.values()) == list(first.values())


def test_sections_of_one_issue_are_told_apart() -> None:
    assert len(set(section_classes(NAMES).values())) == len(NAMES)
    many = section_classes(f"Part {chr(65 + n)}" for n in range(len(HUES) + 3))
    assert len(set(many.values())) == len(HUES)
