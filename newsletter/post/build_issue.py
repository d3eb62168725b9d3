"""Build the `Issue` from a post's metadata and blocks: title, summary, language, name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from newsletter.errors import ContentError, located
from newsletter.model.digest_kinds import DIGESTS
from newsletter.model.findings import Finding
from newsletter.model.issue import Block, Blocks, Heading, Issue, Paragraph, Summary, plain_text, walk
from newsletter.model.issue_name import slug_of
from newsletter.model.transform import links_of
from newsletter.post.detect_language import detect_language
from newsletter.post.markdown.story import normalised
from newsletter.post.metadata import Metadata
from newsletter.post.templating.placeholders import Marked
from newsletter.post.titles import highest_heading


def build_issue(
    metadata: Metadata,
    blocks: Blocks,
    marked: Marked,
    *,
    path: str,
    body_line: int,
    findings: Iterable[Finding] = (),
    language: str = "",
    has_conditions: bool = False,
) -> Issue:
    """`findings` are those of the text; `language` is used if the front matter names none, instead of detection.

    Raises ContentError, which names `path`, for a post without a title, or without any other content.
    """
    noted = [*metadata.findings]
    first = blocks[0] if blocks else None
    heading = plain_text(first.inlines) if isinstance(first, Heading) else ""
    title = metadata.title or heading
    if not title:
        title, finding = _title_elsewhere(blocks, metadata.name_as_title)
        noted.append(finding)
    if not title:
        raise ContentError(located(path, 1, "the post has no title", "write `title: …` in its front matter"))
    url = metadata.url
    if isinstance(first, Heading) and heading and normalised(heading) == normalised(title):
        blocks, url = _without_heading(first, blocks, url)
    if not blocks:
        what, remedy = "the post has nothing beside its title", "write its text"
        if has_conditions:
            what = "some subscribers would get nothing beside the title, since no condition holds for them"
            remedy = "write something for everyone, or use {% else %}"
        raise ContentError(located(path, body_line, what, remedy))
    own = metadata.own
    summary = next((block for block in walk(blocks) if isinstance(block, Summary)), None)
    description = metadata.description or " ".join(summary.lines if summary else ())
    name = own.get("issue", "") or metadata.file_name
    hero = metadata.hero
    return Issue(
        slug=slug_of(name or re.sub(f"{marked.mark}\\d+z", "", title)),
        name=name,
        title=title,
        blocks=blocks,
        lang=metadata.lang or language or detect_language(_all_words(title, description, blocks)),
        date=metadata.day,
        author=metadata.author,
        description=description,
        hero=replace(hero, alt=hero.alt or title) if hero else None,
        tags=metadata.tags,
        categories=metadata.categories,
        layout=metadata.layout,
        published=metadata.publication.published,
        draft=metadata.publication.draft or metadata.is_in_drafts,
        moment=metadata.publication.moment,
        subject=own.get("subject", ""),
        preheader=own.get("preheader", ""),
        template=own.get("template", ""),
        headline=own.get("headline", ""),
        number=metadata.number,
        digest=digest if (digest := own.get("digest", "")) in DIGESTS else "",
        archive=metadata.archive,
        ai=metadata.ai,
        url=url,
        mark=marked.mark,
        fields=marked.fields,
        extra=metadata.extra,
        findings=tuple(sorted((*noted, *findings), key=lambda finding: finding.line or 0)),
    )


def _title_elsewhere(blocks: Blocks, name_as_title: str) -> tuple[str, Finding]:
    """A title from a later heading, or from the file's name, with a warning; empty without either."""
    found = highest_heading(blocks, of_several=not name_as_title)
    title = plain_text(found.inlines) if found else name_as_title
    place = "a heading's words are" if found else "the file's name is"
    what = f"the post has no title, so {place} taken for it"
    return title, Finding("title-missing", what, f"write title: {title[:60]}", 1)


def _without_heading(heading: Heading, blocks: Blocks, url: str) -> tuple[Blocks, str]:
    """The blocks without a first heading that repeats the title; its links stay, except one to the post itself."""
    links = tuple(link for link in links_of((heading,)) if link.href != url)
    if not url and len(heading.inlines) == 1 and [link.href for link in links] and links[0].href[:4] == "http":
        url, links = links[0].href, links[1:]  # a headline that links to its own web page
    kept = tuple(Paragraph((link,), heading.line) for link in links if link.children)
    return (*kept, *blocks[1:]), url


def _all_words(title: str, description: str, blocks: Blocks) -> str:
    return " ".join((title, description, *(_words(block) for block in walk(blocks))))


def _words(block: Block) -> str:
    match block:
        case Summary(lines):
            return " ".join(lines)
    return plain_text(getattr(block, "inlines", ()) or getattr(block, "lead", ()))
