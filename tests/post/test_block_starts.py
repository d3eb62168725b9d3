"""A line asks the block rules that may begin with its first letter, and finds what asking all of them finds."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples

from newsletter.post.markdown import parse_markdown as module
from newsletter.post.markdown.blocks import MarkdownError
from newsletter.post.markdown.parse_markdown import parse_markdown

LINES = (
    *("words", "two\u00a0words", "# Head", "##Glued", "---", "===", "***", "- item", "* item", "+ item", "-", "1. one"),
    *("2) two", "10. ten", "> quote", ">", "> > deep", "```", "~~~ python", "    code", "\tcode", "| a | b |", "|-|-|"),
    *("a | b", "+---+", "[ref]: https://example.com/a b", "[ref]: /x 'title'", "[^1]: note", "a[^1]", "*[AB]: words"),
    *(": definition", "~ definition", "term", "<div>", "</div>", "<!-- c", "-->", "<b>bold</b>", "<?x", "<Tabs>"),
    *("$$", "$$x$$", "^", "{: .a}", "{:toc}", "::: note", ":::", '!!! note "T"', '=== "Tab"', "??? tip", "\\", "&amp;"),
    *(
        "\u3000<Tabs>",
        "\x0bwords",
        "中文",
        "1.",
        "- [x] done",
        "https://example.com/",
        "",
        "",
        "{% x %}",
        "!",
        "=",
        "?",
    ),
)
_POST = st.lists(
    st.tuples(st.sampled_from(("", "", "", " ", "   ", "    ", "> ", "- ", "  ")), st.sampled_from(LINES)), max_size=14
).map(lambda lines: "\n".join(indent + line for indent, line in lines))


def parsed(text: str, *, mdx: bool) -> object:
    try:
        return parse_markdown(text, mdx=mdx)
    except MarkdownError as error:
        return error.line, error.what


@settings(max_examples=examples(150))
@given(text=_POST, mdx=st.booleans())
def test_by_letter_as_by_all(text: str, mdx: bool) -> None:
    with patch.object(module, "ask_by_letter", lambda parser: None):
        by_all = parsed(text, mdx=mdx)
    assert parsed(text, mdx=mdx) == by_all


@pytest.mark.parametrize("line", [line for line in LINES if line])
@pytest.mark.parametrize("before", ["", "words\n", "words\n\n", "- item\n", "> quote\n"])
def test_each_beginning(before: str, line: str) -> None:
    text = f"{before}{line}\nend"
    with patch.object(module, "ask_by_letter", lambda parser: None):
        by_all = parsed(text, mdx=False)
    assert parsed(text, mdx=False) == by_all
