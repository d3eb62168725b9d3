"""MSO's conditional comments, as Word reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.check.clients.outlook_word import as_word_reads


@pytest.mark.parametrize(
    ("html", "word"),
    [
        ("a<!--[if mso]>b<![endif]-->c", "abc"),
        ("a<!--[if mso | IE]>b<![endif]-->c", "abc"),
        ("a<!--[if !mso]><!-->b<!--<![endif]-->c", "ac"),
        ("a<!--[if !mso]><!-- -->b<!-- <![endif]-->c", "ac"),
        ("a<![if !mso]>b<![endif]>c", "ac"),
        ("a<!--[if (gte mso 9)|(IE)]>b<![endif]-->c", "abc"),
        ("a<!--[if gte mso 9 & lt mso 12]>b<![endif]-->c", "ac"),
        ("a<!--[if lte mso 11]>b<![endif]-->c", "ac"),
        ("a<!--[if mso 16]>b<![endif]-->c", "abc"),
        ("a<!--[if mso 15]>b<![endif]-->c", "ac"),
        ("a<!--[if gt mso 15]>b<![endif]-->c", "abc"),
        ("a<!--[if gt mso 16]>b<![endif]-->c", "ac"),
        ("a<!--[if gte vml 1]>b<![endif]-->c", "abc"),
        ("a<!--[if IE]>b<![endif]-->c", "ac"),
        ("a<!--[if !(IE)]>b<![endif]-->c", "abc"),
        ("a<!--[if !!mso]>b<![endif]-->c", "abc"),
        ("a<!--[if ! ! ! mso]>b<![endif]-->c", "ac"),
        ("<!--[if " + "!" * 9_000 + "mso]>b<![endif]-->", "b"),
        ("a<!--[IF MSO]>b<![ENDIF]-->c", "abc"),
        ("a<!--[if what is this]>b<![endif]-->c", "ac"),
        ("a<!-- a comment -->b", "a<!-- a comment -->b"),
        ("a<!--[if mso]>b<!--[if IE]>c<![endif]-->d", "abd"),
        # Without an end, as without one in a browser, the comment is all that follows.
        ("a<!--[if IE]>b", "a"),
        ("a<!--[if mso]>b", "ab"),
        ("a<![endif]-->b", "ab"),
        ("", ""),
    ],
)
def test_what_is_left_for_word(html: str, word: str) -> None:
    assert as_word_reads(html) == word


@given(
    st.lists(st.sampled_from(["<!--[if mso]>", "<!--[if !mso]><!-->", "<![endif]-->", "<!--<![endif]-->", "x", "<!"]))
)
def test_nothing_is_made_up(pieces: list[str]) -> None:
    html = "".join(pieces)
    word = as_word_reads(html)
    assert word.count("x") <= html.count("x")
    assert "[endif]" not in word


@pytest.mark.parametrize("piece", ["<!--[if mso]>", "<!--[if ", "<!", "<!-- ", "<!--[if mso]> ", "<!--[if mso |"])
def test_what_goes_on_for_long_ends_soon(piece: str) -> None:
    assert len(as_word_reads(piece * 9_000)) <= len(piece) * 9_000
