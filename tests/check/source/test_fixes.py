"""Mending a post: each mistake as a triplet, and the promise that a mended post reads as it did."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import Case, read_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples

from newsletter.check.source import fixes
from newsletter.check.source.fixes import FixedText, find_fixes, fix_text
from newsletter.errors import ContentError
from newsletter.model.as_json import as_json
from newsletter.model.issue import Issue, Site
from newsletter.post.markdown.story import says_nothing
from newsletter.post.parse import decode_post, parse_post

NAME = "2026-03-01-post.md"


def read(text: str) -> tuple[Issue, ...]:
    return tuple(
        parse_post(text, path=NAME, site=Site("https://blog.example"), choose=lambda _, answer=answer: answer).issue
        for answer in (False, True)
    )


def mended_text(text: str, mended: FixedText) -> str:
    return "\n".join(mended.lines.get(number, line) for number, line in enumerate(text.split("\n"), 1))


@pytest.mark.parametrize("case", read_cases("mends"), ids=lambda case: case.title)
def test_mends(case: Case) -> None:
    source = case.source + "\n"
    expected = source if case.expected == "=" else case.expected + "\n"
    mended = fix_text(source, read, NAME)
    assert mended_text(source, mended) == expected
    assert bool(mended.fixes) == (expected != source)


def test_an_address_that_answers_over_https() -> None:
    source = "---\ntitle: T\ndate: 2026-03-01\n---\n[a](http://a.example/x) http://a.example/x/y ![p](http://b.example/p.png)\n"
    secure = {"http://a.example/x", "http://b.example/p.png"}
    mended = fix_text(source, read, NAME, secure)
    assert mended_text(source, mended).split("\n")[4] == (
        "[a](https://a.example/x) <http://a.example/x/y> ![p](https://b.example/p.png)"
    )


# --- the promise ----------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        *(
            "**",
            "** ",
            " **",
            "`",
            "```\n",
            "[",
            "]",
            "(https://a.example/x)",
            "[[原文](https://a.example/y)]",
            "](",
            "![",
            "\n",
        ),
        *(
            "https://b.example/c。",
            "1.",
            "2.",
            "、",
            " ",
            "word ",
            "文字",
            "![图片](https://a.example/p.png)",
            "\n\n",
            "# ",
            "> ",
        ),
        *(
            '<a href="https://c.example">',
            "</a>",
            "{% raw %}",
            "{% endraw %}",
            "{{ page.title }}",
            "    ",
            "|",
            "---\n",
        ),
    ]
)


def shown(issue: Issue) -> object:
    """All of an issue but for places and the words of pictures without any."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            kept = {key: plain(item) for key, item in value.items() if key not in ("line", "findings", "mark")}
            return {**kept, "alt": "-"} if says_nothing(str(kept.get("alt", "x"))) else kept
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.replace(issue.mark, "") if isinstance(value, str) else value

    return plain(as_json(issue))


def without_alts(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_alts(item) for key, item in value.items() if key != "alt"}
    return [without_alts(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(_PIECES, max_size=14).map("".join))
def test_a_mended_post_reads_as_before(body: str) -> None:
    source = f"---\ntitle: T\n---\n{body}\n"
    try:
        before = read(source)
    except ContentError:
        return
    mended = fix_text(source, read, NAME)
    after = read(mended_text(source, mended))
    assert [without_alts(shown(issue)) for issue in after] == [without_alts(shown(issue)) for issue in before]
    for old, new in zip(before[0].images, after[0].images, strict=True):
        assert new.alt == old.alt or says_nothing(old.alt)


def test_a_post_full_of_what_only_looks_like_slips_is_read_a_bounded_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fixes, "MAX_READ_CHARS", 40_000)
    source = "---\ntitle: T\ndate: 2026-03-01\n---\n<https://a.example/1>\n\n" + "`https://a.example/1`\n\n" * 60
    read_chars = 0

    def counted(text: str) -> tuple[Issue, ...]:
        nonlocal read_chars
        read_chars += len(text)
        return (parse_post(text, path=NAME).issue,)

    assert fix_text(source, counted, NAME).lines == {}
    assert 40_000 < read_chars <= 40_000 + 2 * len(source)


# --- the real posts -------------------------------------------------------------------------------------------------

SAFE = {"front-matter-quote", "link-wrapped", "image-alt", "bold-spaces", "link-bare", "story-space", "date-missing"}


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("2025-12-01-ai-daily", {"date-missing": 1, "front-matter-quote": 1, "image-alt": 16}),
        ("2025-12-06-ai-daily", {"date-missing": 1, "image-alt": 10, "link-wrapped": 14}),
        ("2025-12-12-ai-daily", {"bold-spaces": 2, "date-missing": 1, "link-bare": 7, "story-space": 3}),
        ("2025-12-15-ai-daily", {"date-missing": 1}),
        ("2026-01-17-ai-info-hub", {}),
    ],
)
def test_real_posts_are_mended_and_stay_so(posts: Path, name: str, codes: dict[str, int]) -> None:
    source = decode_post((posts / f"{name}.md").read_bytes(), name)

    def read_it(text: str) -> tuple[Issue, ...]:
        return (parse_post(text, path=f"{name}.md").issue,)

    mended = fix_text(source, read_it, f"{name}.md")
    found: dict[str, int] = {}
    for slip in mended.fixes:
        found[slip.code] = found.get(slip.code, 0) + 1
    assert found == codes
    again = mended_text(source, mended)
    assert find_fixes(again, read_it(again), f"{name}.md") == ()
    assert not {finding.code for finding in read_it(again)[0].findings} & SAFE
