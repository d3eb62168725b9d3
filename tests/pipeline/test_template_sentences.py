"""What of the starter's post is still in a post, in every language."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from newsletter.pipeline.starter import languages, new_post
from newsletter.pipeline.template_sentences import is_untouched, template_sentences

LANGUAGES = pytest.mark.parametrize("language", languages())


def template(folder: Path, language: str) -> str:
    return new_post(folder, "Good: morning", date(2026, 3, 1), language).read_text("utf-8")


@LANGUAGES
def test_a_post_as_new_writes_it_is_untouched(tmp_path: Path, language: str) -> None:
    text = template(tmp_path, language)
    assert is_untouched(text)
    lines = [number for number, _ in template_sentences(text)]
    assert lines == [4, 10, 15, 15, 17, 17]
    assert all(sentence in text.split("\n")[number - 1] for number, sentence in template_sentences(text))


@LANGUAGES
@pytest.mark.parametrize("line", [4, 10, 15, 17])
def test_a_post_with_a_sentence_of_its_own_is_not(tmp_path: Path, language: str, line: int) -> None:
    lines = template(tmp_path, language).split("\n")
    lines[line - 1] = "description: Ours." if line == 4 else "1. Ours."
    text = "\n".join(lines)
    assert not is_untouched(text)
    assert {number for number, _ in template_sentences(text)} == {4, 10, 15, 17} - {line}


def test_more_words_leave_it_untouched_only_where_all_of_the_template_is_there(tmp_path: Path) -> None:
    text = template(tmp_path, "en")
    assert is_untouched(text.replace("Good: morning", "Good evening"))
    assert is_untouched(text + "\n3. Ours.\n")


def test_words_that_the_template_has_too_are_not_the_template() -> None:
    text = "---\ntitle: The first issue\n---\n\n## Summary\n\nWhat happened. Why? [Source](https://example.com/)\n"
    assert template_sentences(text) == ()
    assert not is_untouched(text)
