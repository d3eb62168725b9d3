"""Highlighting within limits: what is too long stays as it was written, and costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pygments.lexer import Lexer

from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.highlighting import MAX_HIGHLIGHTED_CHARS, MAX_ISSUE_CHARS, Highlighter
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme


@pytest.fixture
def lexed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The length of each text that Pygments was given."""
    sizes: list[int] = []
    before = Lexer.get_tokens

    def counted(self: Lexer, text: str, unfiltered: bool = False) -> object:
        sizes.append(len(text))
        return before(self, text, unfiltered)

    monkeypatch.setattr(Lexer, "get_tokens", counted)
    return iter([sizes])  # type: ignore[return-value]


def test_code_is_in_pieces_with_classes() -> None:
    pieces = Highlighter().pieces("def f():\n    return 'a'  # b\n", "python")
    assert ("hk", "def") in pieces
    assert "".join(piece for _, piece in pieces) == "def f():\n    return 'a'  # b\n"


@pytest.mark.parametrize(
    ("language", "piece"),
    [("html", "<!--"), ("cpp", "/*"), ("yaml", "a: "), ("php", "<?"), ("perl", "q{"), ("rst", "\n"), ("rust", "r#")],
)
def test_code_that_is_too_long_stays_plain(language: str, piece: str, lexed: list[list[int]]) -> None:
    (sizes,) = lexed
    text = piece * (64_000 // len(piece))
    assert Highlighter().pieces(text, language) == [("", text)]
    assert sizes == []


def test_many_pieces_of_one_issue_have_an_end_together(lexed: list[list[int]]) -> None:
    (sizes,) = lexed
    highlighter = Highlighter()
    codes = [f"x = {number}\n" + "y = 1\n" * 500 for number in range(50)]
    for code in codes * 3:
        assert "".join(piece for _, piece in highlighter.pieces(code, "python")) == code
    assert 0 < sum(sizes) <= MAX_ISSUE_CHARS
    assert len(sizes) == len(set(sizes)) or len(sizes) <= MAX_ISSUE_CHARS // 3_000


def test_an_unknown_language_is_plain() -> None:
    assert Highlighter().pieces("a", "no such " * 1_000) == [("", "a")]


def test_a_post_with_a_long_fence_is_rendered(tmp_path: Path, lexed: list[list[int]]) -> None:
    (sizes,) = lexed
    long, short = "<!--" * MAX_HIGHLIGHTED_CHARS, "<b>short</b>"
    post = parse_post(f"---\ntitle: Code\n---\n\n```html\n{long}\n```\n\n```html\n{short}\n```\n", path="code.md")
    email = render_issue(post.issue, load_theme("classic", tmp_path), Masthead("A"))
    assert "&lt;!--" * 100 in email.mjml
    assert [size for size in sizes if size > MAX_HIGHLIGHTED_CHARS] == []
    assert len(sizes) == 1, "highlighted once, however often it is drawn"
