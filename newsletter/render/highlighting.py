"""Syntax highlighting by Pygments, bounded in length: its lexers may cost the square of it.

Whatever is beyond a limit stays plain text. Limits are sizes, so that the same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_HIGHLIGHTED_CHARS = 4_000
"""Of one piece of code, some hundred lines. The worst that was found at this length costs a second: 4,000 empty lines
of Java. Of 64 KB it would take minutes, of `<!--` in HTML hours."""

MAX_ISSUE_CHARS = 30_000
"""Of all pieces in one issue together."""

SLOW_LEXERS = frozenset({"autohotkey", "MCSchema", "Easytrieve"})
"""Those that take the cube of a length, of empty lines or tabs: a second for 1,200 of them."""

Pieces = Sequence[tuple[str, str]]
"""A class of the theme, or nothing, and the text it is for."""


class Highlighter:
    """Highlights the code of one issue. The same piece is highlighted once, however often the issue is drawn."""

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
    from pygments.lexers import get_lexer_by_name  # a third of a second to load, and few posts have code
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
    # Lexers of sessions (console, irb, psql) say nothing of a last line without its end.
    found = [*lexer.get_tokens(text + "\n")]
    if "".join(piece for _, piece in found) != text + "\n":
        return [("", text)]  # a lexer that drops or adds words
    while not (last := found.pop())[1]:
        pass
    found.append((last[0], last[1].removesuffix("\n")))
    # `in` asks whether a token type is another's kind; the stubs see a tuple of words.
    return [(next((k for t, k in kinds if kind in t), ""), piece) for kind, piece in found]  # type: ignore[comparison-overlap]
