"""Findings on mail clients: what is lost on whom, with what in place of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from newsletter.check.clients.compatibility import compat_findings, find_gaps
from newsletter.check.clients.fallbacks import FALLBACKS
from newsletter.check.clients.load_support import load_support
from newsletter.check.clients.support import Client, Feature, Support
from newsletter.model.findings import Finding

GMAIL = (Client("gmail", "android", "Android"), Client("gmail", "ios", "iOS"))
OUTLOOK = (Client("outlook", "macos", "macOS"), Client("outlook", "windows", "Windows"))
HEY = (Client("hey", "desktop-webmail", "Desktop Webmail"),)


def table(**levels: str) -> Support:
    """Features by slug, `_` for `-`: a level for Gmail on Android and iOS, Outlook on macOS and Windows, and HEY."""
    slugs = {name.replace("_", "-"): level for name, level in levels.items()}
    features = {
        slug: Feature(slug, slug.partition("-")[2], slug.partition("-")[0], level) for slug, level in slugs.items()
    }
    return Support("1.0.0", "2026-01-01", GMAIL + OUTLOOK + HEY, features)


SHARES: Mapping[str, float] = {"gmail": 45, "outlook": 25.5}


def findings(html: str, shares: Mapping[str, float] = SHARES, **levels: str) -> list[tuple[str, str, str, str]]:
    found = compat_findings(f"<html><body>{html}</body></html>", table(**levels), shares)
    assert all(isinstance(each, Finding) and each.line is None for each in found)
    return [(each.code, each.severity, each.what, each.remedy) for each in found]


FLEX = '<b style="display:flex">x</b>'


def test_without_a_fallback_it_is_a_warning() -> None:
    assert findings(FLEX, css_display_flex="yyynn") == [
        (
            "client-css-display-flex",
            "warning",
            "display-flex is lost on Outlook (Windows), at most 25.5 % of readers",
            "write it another way: https://www.caniemail.com/features/css-display-flex/",
        )
    ]


def test_with_one_it_is_a_hint() -> None:
    html = '<b style="border-radius:4px">x</b><b style="border-radius:4px">y</b>'
    assert findings(html, css_border_radius="nnyny") == [
        (
            "client-css-border-radius",
            "hint",
            "border-radius (2 times) is lost on Gmail, Outlook (Windows), at most 70.5 % of readers",
            FALLBACKS["css-border-radius"],
        )
    ]


def test_a_picture_has_another_remedy() -> None:
    ((_, severity, what, remedy),) = findings('<img src="a.webp">', image_webp="nnyyy")
    assert (severity, what) == ("warning", "webp is lost on Gmail, 45 % of readers")
    assert remedy == "use a JPEG or PNG file"


@pytest.mark.parametrize("shares", [{}, {"gmail": 100}, {"outlook": 0, "gmail": 1}, {"hey": 0}])
def test_what_none_of_our_readers_lacks_is_no_finding(shares: Mapping[str, float]) -> None:
    assert findings(FLEX, shares, css_display_flex="yynnn") == []


def test_nobody_knows_is_no_finding() -> None:
    assert findings(FLEX, css_display_flex="uuuuu") == []


def test_a_feature_that_is_not_used_is_no_finding() -> None:
    assert findings("<b>x</b>", css_display_flex="nnnnn", css_at_media="nnnnn") == []


def test_warnings_come_first_and_then_most_readers() -> None:
    html = '<b style="display:flex;float:left;border-radius:4px;cursor:help">x</b>'
    levels = {"css_display_flex": "yynny", "css_float": "nnyyy", "css_border_radius": "yynny", "css_cursor": "nnnny"}
    assert [code.removeprefix("client-css-") for code, *_ in findings(html, **levels)] == [
        "float",
        "display-flex",
        "cursor",
        "border-radius",
    ]


def test_what_style_blocks_alone_use_is_one_hint() -> None:
    html = "<style>@media (hover){.a{display:flex;float:left}}</style><b style='float:left'>x</b>"
    levels = {"css_display_flex": "yyyny", "css_at_media_hover": "nyyyy", "css_float": "nnnnn"}
    (warning, hint) = findings(html, **levels)
    assert warning[0] == "client-css-float"
    assert hint == (
        "client-style-block",
        "hint",
        "what style blocks use is lost on Gmail (Android), Outlook (Windows), at most 70.5 % of readers: "
        "at-media-hover, display-flex",
        "nothing is missing there: the light layout stands on inlined styles, and these add to it",
    )


def test_what_works_in_part_is_one_hint() -> None:
    html = '<b style="margin:0;padding:0;display:flex">x</b>'
    levels = {"css_margin": "aayyy", "css_padding": "aayay", "css_display_flex": "aanyy"}
    (warning, hint) = findings(html, **levels)
    assert warning[2] == "display-flex is lost on Outlook (macOS), at most 25.5 % of readers"
    assert hint == (
        "client-partly",
        "hint",
        "what works only in part in Gmail, Outlook (Windows), at most 70.5 % of readers: margin, padding",
        "should one of them matter, look it up: https://www.caniemail.com/features/",
    )


# --- two emails in one ----------------------------------------------------------------------------------------------

MSO = '<!--[if mso]><b style="display:flex">x</b><![endif]-->'
NOT_MSO = '<!--[if !mso]><!--><b style="display:flex">x</b><!--<![endif]-->'


def lacking(html: str) -> tuple[Client, ...]:
    gaps = find_gaps(html, table(css_display_flex="nnnnn"), {"gmail", "outlook", "hey"})
    return tuple(client for gap in gaps for client in gap.lacking)


def test_what_word_alone_reads_is_lost_on_word_alone() -> None:
    assert lacking(MSO) == (OUTLOOK[1],)


def test_what_word_skips_is_not_lost_on_it() -> None:
    assert lacking(NOT_MSO) == (*GMAIL, OUTLOOK[0], *HEY)


def test_both_are_counted_apart() -> None:
    (gap,) = find_gaps(MSO * 3 + NOT_MSO, table(css_display_flex="nnnnn"), {"gmail", "outlook"})
    assert (gap.count, gap.lacking) == (3, (*GMAIL, *OUTLOOK))


def test_what_is_live_for_the_one_stands_in_the_body_of_the_other() -> None:
    html = f"<style>.a{{display:flex}}</style>{MSO}"
    levels = table(css_display_flex="nnyny")
    assert [gap.live for gap in find_gaps(html, levels, {"gmail"})] == [True]
    assert [gap.live for gap in find_gaps(html, levels, {"outlook"})] == [False]


def test_the_body_of_one_who_knows_a_part_does_not_count_for_one_who_lacks_it() -> None:
    html = f"<style>.a{{display:flex}}</style>{MSO}"
    (gap,) = find_gaps(html, table(css_display_flex="nnyay"), {"gmail", "outlook"})
    assert (gap.lacking, gap.partly, gap.live) == (GMAIL, (OUTLOOK[1],), True)


# --- the whole table ------------------------------------------------------------------------------------------------


def test_a_fallback_is_for_a_feature_that_there_is() -> None:
    features = load_support().features
    assert sorted(set(FALLBACKS) - set(features)) == []
    for slug, text in FALLBACKS.items():
        assert text == text.strip(" .;"), slug
        assert "|" not in text
        assert "n" in features[slug].levels, f"{slug}: no client lacks it, so nobody will read this"


def test_an_email_with_nothing_in_it_has_no_findings() -> None:
    assert compat_findings("", load_support(), {"gmail": 50, "outlook": 50}) == ()
