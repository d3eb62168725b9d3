"""The syntax tree in one pass: markdown-it's own, node for node."""

from __future__ import annotations

from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from newsletter.post.markdown.syntax_tree import syntax_tree

TEXT = """# Head *of* it

1. one
   - two **bold [link](https://example.com)**
     > quoted

     ```python
     code
     ```
2. three ![picture *of* it](a.png)

| a | b |
| - | - |
| 1 | `2` |

* * *
"""


def written(node: SyntaxTreeNode) -> tuple[Any, ...]:
    return node.type, node.is_nested, *map(written, node.children)


def test_the_tree_is_markdown_its_own() -> None:
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(TEXT)
    ours, theirs = syntax_tree(tokens), SyntaxTreeNode(tokens)
    assert written(ours) == written(theirs)
    assert ours.to_tokens() == theirs.to_tokens() == tokens
    for one, other in zip(ours.walk(), theirs.walk(), strict=True):
        assert getattr(one.parent, "type", None) == getattr(other.parent, "type", None)
        assert one.is_root or (one.map, one.attrs, one.tag) == (other.map, other.attrs, other.tag)
        assert one.is_root or (one.content, one.level) == (other.content, other.level)
        assert getattr(one.previous_sibling, "type", None) == getattr(other.previous_sibling, "type", None)
    assert written(syntax_tree([])) == written(SyntaxTreeNode([]))


def test_tokens_that_are_not_closed_are_no_tree() -> None:
    with pytest.raises(ValueError, match="unclosed tokens"):
        syntax_tree([Token("paragraph_open", "p", 1)])
