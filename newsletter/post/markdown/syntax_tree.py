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
    """What the library finds anew each time that it is asked is found once."""

    type = "root"
    content = ""
    map = None
    children: list[_Node] = []  # noqa: RUF012 - each node has its own
    index = 0
    """Its place among its siblings."""

    def __init__(self, parent: _Node | None = None, token: Token | None = None) -> None:
        """As the library's, which looks for children among no tokens."""
        self.token = None
        self.nester_tokens = None
        self._parent = parent
        self._children = self.children = []
        if parent is not None and token is not None:
            self.index = len(parent.children)
            parent.children.append(self)
            self.content = token.content
            self.map = tuple(token.map) if token.map else None
            if token.nesting:
                self.type = token.type.removesuffix("_open")
            else:
                self.type, self.token = token.type, token

    @property
    def previous_sibling(self) -> _Node | None:
        """The library's searches all siblings for the node itself."""
        return self._parent.children[self.index - 1] if self.index else None


def syntax_tree(tokens: Sequence[Token]) -> SyntaxTreeNode:
    """The tree that `SyntaxTreeNode(tokens)` is."""
    root = _Node()
    _grow(root, tokens)
    return root


def _grow(root: _Node, tokens: Sequence[Token]) -> None:
    """Append the nodes of the tokens to `root`."""
    parent = root
    around: list[tuple[_Node, Token]] = []  # the open nodes' parents, and their opening tokens
    for token in tokens:
        if token.nesting < 0:
            above, opening = around.pop()
            parent.nester_tokens = _Pair(opening, token)  # type: ignore[assignment]  # the library's is private
            parent = above
            continue
        node = _Node(parent, token)
        if token.nesting:
            around.append((parent, token))
            parent = node
        elif token.children:
            _grow(node, token.children)
    if around:
        raise ValueError(f"unclosed tokens starting {around[0][1]}")
