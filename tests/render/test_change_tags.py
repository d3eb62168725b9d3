"""What a pattern finds is changed as by `sub`, each text once; styles are merged as by premailer, once."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from newsletter.render.change_tags import change_tags
from newsletter.render.merge_styles import MAX_KNOWN, merge_once

_TAG = re.compile("(<[^<>]*>)")


@given(st.lists(st.sampled_from(["<a>", "<b c='d'>", "</a>", "<", ">", "words", "", "é"])).map("".join))
def test_as_sub(html: str) -> None:
    assert change_tags(_TAG, str.upper, html) == _TAG.sub(lambda found: found[0].upper(), html)


def test_each_text_once() -> None:
    asked: list[str] = []

    def mark(tag: str) -> str:
        asked.append(tag)
        return "|"

    assert change_tags(_TAG, mark, "<a>x<b>y<a>") == "|x|y|"
    assert asked == ["<a>", "<b>"]


def merged_of(own: str, styles: object, classes: object, remove_unset_properties: bool = False) -> str:
    return repr((own, styles, classes, remove_unset_properties))


def test_a_merge_by_its_own_styles() -> None:
    """Lists that are gone leave their identity to others: each answer is for its own."""
    merge = merge_once(merged_of)
    for number in range(MAX_KNOWN + 100):
        styles = [[("color", str(number))]]
        assert merge("", styles, [""]) == merge("", [*styles], [""]) == merged_of("", styles, [""])


def test_a_merge_by_all_it_is_given() -> None:
    merge = merge_once(merged_of)
    red, blue = [("color", "red")], [("color", "blue")]
    asked = [("", [red], [""]), ("", [blue], [""]), ("", [red, blue], ["", ""]), ("", [blue, red], ["", ""])]
    asked += [("margin:0", [red], [""]), ("", [red], [":first-child"])]
    for own, styles, classes in asked:
        for remove in (False, True):
            once = merge(own, styles, classes, remove_unset_properties=remove)
            assert once == merged_of(own, styles, classes, remove)
