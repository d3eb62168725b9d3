"""Syntax highlighting by Pygments, bounded in length: some lexers take quadratic time.

Code beyond a limit stays plain. The limits are sizes, so that the same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_HIGHLIGHTED_CHARS = 4_000
"""The limit of one piece of code, some hundred lines.

The worst input of this length takes a second: 4,000 empty lines of Java. 64 KB of it would take minutes, `<!--` in HTML
hours.
"""

MAX_ISSUE_CHARS = 30_000
"""The limit of all code in one issue."""

SLOW_LEXERS = frozenset({"autohotkey", "MCSchema", "Easytrieve"})
"""Lexers that take cubic time for empty lines or tabs: a second for 1,200 of them."""

Pieces = Sequence[tuple[str, str]]
"""A class of the theme, or an empty text, and the text it applies to."""


class Highlighter:
    """Highlights the code of one issue. Each piece is highlighted once, however often the issue is drawn."""

    def __init__(self) -> None:
        self._done: dict[tuple[str, str], Pieces] = {}
        self._left = MAX_ISSUE_CHARS

    def pieces(self, text: str, language: str) -> Pieces:
        """The text in pieces: `hk` keyword, `hs` string, `hc` comment, `hn` number, `hf` function or class."""
        key = (text, language)
        if key not in self._done:
            if language and len(text) <= min(MAX_HIGHLIGHTED_CHARS, self._left):
                self._left -= len(text)
                self._done[key] = _lexed(text, language)
            else:
                self._done[key] = [("", text)]
        return self._done[key]


def _lexed(text: str, language: str) -> Pieces:
    from pygments.lexers import get_lexer_by_name  # takes a third of a second to import, and few posts have code
    from pygments.token import Comment, Keyword, Name, Number, String
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return [("", text)]
    if lexer.name in SLOW_LEXERS:
        return [("", text)]
    kinds = (
        (Keyword, "hk"),
        (String, "hs"),
        (Comment, "hc"),
        (Number, "hn"),
        (Name.Function, "hf"),
        (Name.Class, "hf"),
    )
    # Lexers of sessions (console, irb, psql) drop a last line without a line end.
    found = [*lexer.get_tokens(text + "\n")]
    if "".join(piece for _, piece in found) != text + "\n":
        return [("", text)]  # the lexer dropped or added text
    while not (last := found.pop())[1]:
        pass
    found.append((last[0], last[1].removesuffix("\n")))
    # `in` tests whether a token type is a subtype of another; the type stubs describe a tuple of strings.
    return [(next((k for t, k in kinds if kind in t), ""), piece) for kind, piece in found]  # type: ignore[comparison-overlap]
