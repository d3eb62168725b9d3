"""Build markdown-it's syntax tree in one pass.

`SyntaxTreeNode` itself copies a node's tokens for each level above it, twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode


class _Pair(NamedTuple):
    opening: Token
    closing: Token


class _Node(SyntaxTreeNode):
    """`type` is asked several times for each node: found once."""

    type = "root"

    def __init__(self, parent: _Node | None = None, token: Token | None = None) -> None:
        """As the library's, which looks for children among no tokens."""
        self.token = token
        self.nester_tokens = None
        self._parent = parent
        self._children: list[_Node] = []


def syntax_tree(tokens: Sequence[Token]) -> SyntaxTreeNode:
    """The tree that `SyntaxTreeNode(tokens)` is."""
    root = _Node()
    _grow(root, tokens)
    return root


def _grow(root: _Node, tokens: Sequence[Token]) -> None:
    """Append the nodes of the tokens to `root`."""
    parent, children = root, root.children
    around: list[tuple[_Node, Token]] = []  # the open nodes' parents, and their opening tokens
    for token in tokens:
        if token.nesting < 0:
            above, opening = around.pop()
            parent.nester_tokens = _Pair(opening, token)  # type: ignore[assignment]  # the library's is private
            parent, children = above, above.children
            continue
        node = _Node(parent, None if token.nesting else token)
        children.append(node)
        if token.nesting:
            node.type = token.type.removesuffix("_open")
            around.append((parent, token))
            parent, children = node, node.children
        else:
            node.type = token.type
            if token.children:
                _grow(node, token.children)
    if around:
        raise ValueError(f"unclosed tokens starting {around[0][1]}")
