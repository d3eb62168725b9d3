"""Rules on the post's source: front matter, wording, links, pictures.

The parser's findings come with the issue; these rules need the whole post.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from urllib.parse import urlsplit

from newsletter.check.source.fixes import Fix, alt_fix, picture_words
from newsletter.check.source.literals import without_literals
from newsletter.model.findings import Finding, Severity
from newsletter.model.issue import (
    CodeBlock,
    Definitions,
    Footnotes,
    Heading,
    Image,
    Inlines,
    Issue,
    Paragraph,
    Story,
    Summary,
    Table,
    Text,
    plain_text,
    walk,
    walk_inlines,
)
from newsletter.model.transform import links_of
from newsletter.post.markdown.story import normalised, says_nothing
from newsletter.post.templating.placeholders import unmark
from newsletter.render.columns import columns

SUBJECT_COLUMNS = 70
"""Gmail on a desktop shows about 70 columns of a subject, most phones 35 to 45 (Litmus's and Mailchimp's surveys)."""

PREHEADER_COLUMNS = (40, 140)
"""Below the first an inbox appends the email's first words; beyond the second none shows the rest."""

HOTLINK_REFUSERS = ("mmbiz.qpic.cn", "mmbiz.qlogo.cn", "pbs.twimg.com", "sinaimg.cn", "zhimg.com", "byteimg.com")
"""Picture hosts that refuse hotlinking, or answer with a placeholder."""

_SEVERITY: Mapping[str, Severity] = {"date-missing": "hint", "link-bare": "hint"}

_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\U0001f1e6-\U0001f1ff]")
_RESIDUE = re.compile(
    r"\*\*|\{\{|\{%|\{:|\]\(|%\}|\}\}|!\[\[|\[\[(?=[^\[\]\n]+\]\])|\[\^[^\[\]\s]+\]|\][ ]?\[(?=[^\]\n]+\])"
    r"|^#{1,6}(?=[^\W\d_])|^:::"
)
_NOTE = re.compile(r"\[\^[^\[\]\s]+\]")


def source_findings(issue: Issue, text: str, fixes: Iterable[Fix]) -> tuple[Finding, ...]:
    """Findings that the post's author can fix, except the parser's.

    `text` is the post with LF line ends, `fixes` the result of `find_fixes`.
    """
    noticed = {(finding.code, finding.line) for finding in issue.findings}
    return (
        *(finding for finding in map(_finding_of, fixes) if finding and (finding.code, finding.line) not in noticed),
        *_subject(issue),
        *_preheader(issue),
        *_publication(issue, text),
        *_headings(issue),
        *_pictures(issue),
        *_links(issue, text),
        *_stories(issue),
        *_residue(issue, text),
    )


def _finding_of(fix: Fix) -> Finding | None:
    if fix.code == "image-alt":  # reported below, with the pictures that no words were found for
        return None
    return Finding(fix.code, fix.what, fix.remedy, fix.line, severity=_SEVERITY.get(fix.code, "warning"))


# --- the inbox ------------------------------------------------------------------------------------------------------


def _subject(issue: Issue) -> Iterator[Finding]:
    subject = issue.subject or issue.title
    width = columns(unmark(subject, issue))
    if width > SUBJECT_COLUMNS:
        what = f"the subject is {width} columns wide, and inboxes show {SUBJECT_COLUMNS} at most, phones about 40"
        yield Finding("subject-long", what, "begin with what matters, or write a shorter newsletter.subject")
    emoji = _EMOJI.findall(subject)
    if len(emoji) > 1:
        what = f"the subject has {len(emoji)} emoji; spam filters count them, and some programs show boxes instead"
        yield Finding("subject-emoji", what, "keep one at most", severity="hint")
    letters = [char for char in subject if char.isalpha() and char.isascii()]
    shouts = len(letters) >= 10 and all(char.isupper() for char in letters)
    if shouts or "!!" in subject or "！！" in subject:
        what = "the subject shouts (capitals only, or several exclamation marks), as spam does"
        yield Finding("subject-shouting", what, "write it as you would say it")


def _preheader(issue: Issue) -> Iterator[Finding]:
    words = issue.preheader or issue.description
    if not words:
        what = "there is no description, so inboxes show the email's first words beside its subject"
        yield Finding("preheader-missing", what, "write `description: …`, or newsletter.preheader")
        return
    least, most = PREHEADER_COLUMNS
    width = columns(unmark(words, issue))
    if width < least:
        what = f"the preheader is {width} columns wide; an inbox has room for {least} to {most}"
        yield Finding("preheader-short", what, "say more of what is inside", severity="hint")
    if normalised(words) == normalised(issue.subject or issue.title):
        what = "the preheader says what the subject says"
        yield Finding("preheader-repeats", what, "say what the subject could not", severity="hint")


def _publication(issue: Issue, text: str) -> Iterator[Finding]:
    if issue.date is None:
        what = "the issue has no date, neither in the front matter nor in the file's name"
        yield Finding("date-missing", what, "write date: 2026-03-01", severity="hint")


# --- structure ------------------------------------------------------------------------------------------------------


def _headings(issue: Issue) -> Iterator[Finding]:
    before = 0
    for block in issue.blocks:
        if not isinstance(block, Heading):
            continue
        if before and block.level > before + 1:
            what = f"a heading of level {block.level} follows one of level {before}; screen readers miss one between"
            yield Finding("heading-order", what, f"write {'#' * (before + 1)}", block.line)
        before = block.level
    for block, following in zip(issue.blocks, (*issue.blocks[1:], None), strict=True):
        ends = following is None or (
            isinstance(following, Heading) and isinstance(block, Heading) and following.level <= block.level
        )
        if isinstance(block, Heading) and ends:
            what = f"nothing follows the heading “{plain_text(block.inlines)[:30]}”"
            yield Finding("heading-empty", what, "write its section, or take it out", block.line)


def _stories(issue: Issue) -> Iterator[Finding]:
    """In a digest whose stories have source links, the stories without one."""
    stories = issue.stories
    bare = [story for story in stories if not any(links_of((story,)))]
    if len(bare) == len(stories):
        return  # another kind of digest
    for story in bare:
        words = plain_text(story.lead) or next(
            (plain_text(block.inlines) for block in story.body if isinstance(block, Paragraph)), ""
        )
        name = "a story" if story.number is None else f"story {story.number}"
        what = f"{name}, “{words[:24]}…”, names no source"
        yield Finding("story-source", what, "link it at its end: [source](https://…)", story.line, None, "hint")


def _residue(issue: Issue, source: str) -> Iterator[Finding]:
    """Markup for a machine that readers would see."""
    written = without_literals(source)
    notes = frozenset(_NOTE.findall(written))

    @cache
    def is_written(mark: str) -> bool:
        return mark in notes if mark.startswith("[^") else mark in written

    for block in walk(issue.blocks):
        noticed: set[str] = set()
        for text in _shown_texts(block):
            for found in _RESIDUE.finditer(text):
                # A mark that the source escapes, or has between raw and endraw, is intended.
                if found[0] in noticed or not is_written(found[0].strip()):
                    continue
                noticed.add(found[0])
                around = " ".join(text[max(0, found.start() - 12) : found.end() + 12].split())
                what = f"“{found[0]}” would be read as it stands: …{around}…"
                yield Finding("residue", what, f"take it out, or write \\{found[0]} if you mean it", block.line)


def _shown_texts(block: object) -> Iterator[str]:
    match block:
        case Summary(lines):
            yield from lines
        case Heading(inlines=inlines) | Paragraph(inlines=inlines):
            yield from _texts(inlines)
        case Story(lead=lead):
            yield from _texts(lead)
        case Table(header=header, rows=rows):
            for cell in (*header, *(cell for row in rows for cell in row)):
                yield from _texts(cell)
        case Definitions(items=items):
            for term, _ in items:
                yield from _texts(term)
        case CodeBlock() | Footnotes():
            return


def _texts(inlines: Inlines) -> Iterator[str]:
    """The texts outside code spans, those of links and marks included."""
    return (node.text for node in walk_inlines(inlines) if isinstance(node, Text))


# --- links and pictures ---------------------------------------------------------------------------------------------


def _pictures(issue: Issue) -> Iterator[Finding]:
    refused: Counter[str] = Counter()
    first: dict[str, Image] = {}
    for image, words in picture_words(issue):
        if says_nothing(image.alt):
            fix = alt_fix(image, words)
            yield Finding(fix.code, fix.what, fix.remedy, image.line)
    for image in issue.images:
        host = _host(image.src)
        if any(host == name or host.endswith(f".{name}") for name in HOTLINK_REFUSERS):
            refused[host] += 1
            first.setdefault(host, image)
    for host, count in refused.items():
        pictures = "a picture lies" if count == 1 else f"{count} pictures lie"
        what = f"{pictures} on {host}, which often refuses to show them in mail"
        yield Finding("image-hotlink", what, "send with --images embed, or mirror", first[host].line)


def link_places(issue: Issue, text: str) -> Mapping[str, int | None]:
    """Every web address that the post links to, in order, with its first line in the source."""
    urls = dict.fromkeys(link.href for link in links_of(issue.blocks) if link.href.startswith(("http://", "https://")))
    return {url: next(iter(_lines_of(url, text)), None) for url in urls}


def _links(issue: Issue, text: str) -> Iterator[Finding]:
    counts = Counter(link.href for link in links_of(issue.blocks))
    for url, line in link_places(issue, text).items():
        if url.startswith("http://"):
            what = f"{_shown(url)} goes over http: readers may be warned, and anyone on the way may read or change it"
            yield Finding("link-http", what, "write https:// where the server answers so (--fix --links asks)", line)
        if counts[url] > 1:
            lines = _lines_of(url, text)
            others = ", ".join(map(str, lines[1:4]))
            what = f"{_shown(url)} is linked {counts[url]} times" + (f", again on line {others}" if others else "")
            yield Finding("link-duplicate", what, "check that each is the one you meant", line)


def _lines_of(url: str, text: str) -> Sequence[int]:
    """The lines that contain an address as a whole."""
    # An address may be the prefix of another.
    whole = re.compile(re.escape(url) + r"(?![A-Za-z0-9/?&=%_~#-])")
    lines: list[int] = []
    line, position = 1, 0
    for found in whole.finditer(text):
        line += text.count("\n", position, found.start())
        position = found.start()
        lines.append(line)
    return lines


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _shown(url: str) -> str:
    return url if len(url) <= 60 else url[:59] + "…"
