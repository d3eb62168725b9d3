"""The standfirst: description and number of stories, unless they repeat other text."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.model.issue import Block, Issue, Paragraph, Story, Summary, plain_text, walk
from newsletter.model.transform import words_of
from newsletter.post.markdown.story import normalised


def standfirst(issue: Issue) -> str:
    """The description, or nothing if title, summary or text say the same; a final ellipsis is ignored."""
    wanted = normalised(issue.description)
    if wanted in ("", normalised(issue.title)) or any(isinstance(block, Summary) for block in issue.blocks):
        return ""
    opening = ""
    for words in _running_text(issue):
        opening += normalised(words)
        if len(opening) >= len(wanted):
            break
    return "" if opening.startswith(wanted) else issue.description


def stories_are_most(issue: Issue) -> bool:
    """Whether at least half of the issue's letters are in stories: an essay with three numbered steps is no digest."""
    whole = sum(map(len, words_of(issue.blocks)))
    in_stories = sum(map(len, words_of(issue.stories)))
    return in_stories * 2 >= whole


def _running_text(issue: Issue) -> Iterator[str]:
    block: Block
    for block in walk(issue.blocks):
        match block:
            case Paragraph(inlines):
                yield plain_text(inlines)
            case Story(lead=lead):
                yield plain_text(lead)
