"""A letter asks the rules that may begin with it, and finds what markdown-it finds by asking all of them."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from newsletter.post.markdown.inline_rules import bare_url, math
from newsletter.post.markdown.kramdown_inline import KramdownParserInline, use_kramdown_inline

PIECES = (
    *(
        "word",
        " ",
        "\n",
        "  \n",
        "\\\\\n",
        "\\*",
        "*",
        "**",
        "_",
        "__",
        "~~",
        "`",
        "``",
        "[",
        "]",
        "![",
        "](",
        ")",
        "<",
        ">",
    ),
    *(
        "https://example.com/a_b",
        "[a](b c.html)",
        "[a] [ref]",
        "[ref]",
        "[^1]",
        "^[note]",
        "&amp;",
        "&",
        "<b>",
        "<<",
        ">>",
    ),
    *(
        "--",
        "---",
        "...",
        '"',
        "'",
        "$x_y$",
        "$",
        ":",
        "<a@example.com>",
        "中文",
        "，",
        "！",
        "{",
        "}",
        "#",
        "1. ",
        "- ",
    ),
)


def parser(*, smart: bool) -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"maxNesting": 20})
    use_kramdown_inline(markdown, smart_punctuation=smart)
    markdown.enable(["table", "strikethrough"])
    markdown.use(footnote_plugin)
    markdown.inline.ruler.before("escape", "math", math)
    markdown.inline.ruler.before("newline", "bare_url", bare_url)
    return markdown


def shown(tokens: list[Token]) -> list[dict[str, Any]]:
    return [token.as_dict() for token in tokens]


class AskingAll(KramdownParserInline):
    """The same rules, asked as the library asks them."""

    tokenize = ParserInline.tokenize
    skipToken = ParserInline.skipToken  # noqa: N815 - the library's name

    def parse(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> list[Token]:
        state = self.state(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


@pytest.mark.parametrize("smart", [True, False])
@given(text=st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_the_tokens_are_those_of_asking_every_rule(smart: bool, text: str) -> None:
    source = f"{text}\n\n[ref]: https://example.com\n\n[^1]: a note\n"
    ours, theirs = parser(smart=smart), parser(smart=smart)
    theirs.inline.__class__ = AskingAll
    assert shown(ours.parse(source)) == shown(theirs.parse(source))
