"""Automatic fixes of a post's source: where each applies and what it writes.

A fix is kept only if the post's content stays the same, word for word and link for link: the fixed text is parsed again
and the trees are compared. So an apparent mistake inside code, or inside a link, is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from newsletter.errors import ContentError
from newsletter.frozen import frozen
from newsletter.model.as_json import as_json
from newsletter.model.issue import Heading, Image, Issue, Story, plain_text, walk
from newsletter.model.transform import links_of
from newsletter.post.front_matter import FrontMatter, read_front_matter
from newsletter.post.markdown.inline_repairs import SPACED_BOLD
from newsletter.post.markdown.inline_rules import bare_url_at
from newsletter.post.markdown.link_targets import FIELD_MARK
from newsletter.post.markdown.story import COUNTED_ON, NUMBERED, says_nothing
from newsletter.post.post_dates import named_day
from newsletter.render.wording import lead_words

MAX_PASSES = 3
"""Two mistakes in one place are fixed in consecutive passes."""

MAX_READ_CHARS = 1_000_000
"""How much is parsed to find out which apparent mistakes are none, once for each combination of condition results;
beyond it the rest is left. A digest without conditions may be parsed 50 times.
"""

_FENCE = re.compile(r"[> \t]*(`{3,}|~{3,})")
_WRAPPED = re.compile(r"\[(\[[^\[\]]*\]\((?:[^()\s]|\([^()\s]*\))*\))\]?")
_PICTURE = re.compile(r"!\[(?P<alt>[^\]]{0,500})\]\(")
# Prefixes of an address that is a link already, or no text: `](`, `<`, quotes, `=`, a link's own label.
_NOT_BARE_AFTER = frozenset("(<\"'=[")
_ALT_MARKUP = re.compile(r"[\[\]`*_<>|!]")
# Security: words from a code span become text; they must not become Liquid, a field, an entity or an escape.
_NOT_INERT = re.compile(rf"\{{\{{|\{{%|\}}\}}|%\}}|\{{:|&#?\w+;|\\|{FIELD_MARK.pattern}")
_FIXED_ALT_CHARS = 80


@frozen
class Edit:
    """Replace characters `start` to `end` of a line, counted from 0, by `new`. `line` counts from 1 in the file."""

    line: int
    start: int
    end: int
    new: str


@frozen
class Fix:
    """A mistake and its fix. The edits are applied together or not at all; the first gives the place.

    `image` is the picture that gets an alternative text.
    """

    code: str
    what: str
    remedy: str
    edits: tuple[Edit, ...]
    image: Image | None = None

    @property
    def line(self) -> int:
        return self.edits[0].line


@frozen
class FixedText:
    """`lines` has each changed line, by its number in the original text; an added line follows an LF within."""

    lines: Mapping[int, str]
    fixes: tuple[Fix, ...]


Read = Callable[[str], Iterable[Issue]]
"""Parse a text, once for every relevant combination of condition results. Raises ContentError."""


def fix_text(
    text: str, read: Read, path: str, secure: Collection[str] = (), unread: Collection[int] = frozenset()
) -> FixedText:
    """Apply every fix that does not change a post's content. `text` has LF line ends.

    `secure` are http addresses that answer over https, too; `unread` the lines that `read` may not cover, which stay as
    they are. Raises ContentError if the text cannot be parsed at all.
    """
    lines = text.split("\n")
    before = tuple(read(text))
    done: list[Fix] = []
    left = MAX_READ_CHARS

    def still_reads(candidate: Sequence[str], fixes: Sequence[Fix]) -> bool:
        nonlocal left
        left -= len(text) * len(before)
        words = {(fix.image.line, fix.image.src): fix.edits[0].new for fix in (*done, *fixes) if fix.image}
        try:
            return _meanings(read("\n".join(candidate)), secure) == _meanings(before, secure, words)
        except ContentError:
            return False

    def accept(fixes: Sequence[Fix]) -> None:
        """Try all of them at once; if the content changes, each half by itself (bisection)."""
        nonlocal lines
        if not fixes or left <= 0:
            return
        candidate = _applied(lines, fixes)
        if still_reads(candidate, fixes):
            lines = candidate
            done.extend(fixes)
        elif len(fixes) > 1:
            accept(fixes[: len(fixes) // 2])
            accept(fixes[len(fixes) // 2 :])

    # A line added by an earlier pass stays part of the line before it, so that line numbers remain valid.
    found = find_fixes(text, before, path, secure)
    tried: set[Fix] = set()
    for _ in range(MAX_PASSES):
        fresh = _disjoint([fix for fix in found if fix not in tried and not _touches(fix, unread)])
        tried.update(fresh)
        accept(fresh)
        found = tuple(_line_slips(lines, before, secure))
    changed = {
        number: new for number, (old, new) in enumerate(zip(text.split("\n"), lines, strict=True), 1) if old != new
    }
    return FixedText(changed, tuple(done))


def find_fixes(text: str, issues: Sequence[Issue], path: str, secure: Collection[str] = ()) -> tuple[Fix, ...]:
    """Apparent mistakes with a certain fix, in reading order. `issues` are the parsed text; see `Read`."""
    lines = text.split("\n")
    found = [*_front_matter_slips(text, lines, path), *_line_slips(lines, issues, secure)]
    return tuple(sorted(found, key=lambda fix: fix.line))


def _applied(lines: Sequence[str], fixes: Iterable[Fix]) -> list[str]:
    """The lines with these edits, which do not overlap."""
    out = list(lines)
    edits = sorted((edit for fix in fixes for edit in fix.edits), key=lambda edit: (edit.line, -edit.start))
    for edit in edits:
        line = out[edit.line - 1]
        out[edit.line - 1] = line[: edit.start] + edit.new + line[edit.end :]
    return out


def _touches(fix: Fix, lines: Collection[int]) -> bool:
    return any(edit.line in lines for edit in fix.edits)


def _disjoint(fixes: Sequence[Fix]) -> list[Fix]:
    """The fixes whose edits do not overlap with those of an earlier one."""
    taken: dict[int, list[tuple[int, int]]] = {}
    kept: list[Fix] = []
    for fix in fixes:
        if all(edit.end <= start or end <= edit.start for edit in fix.edits for start, end in taken.get(edit.line, ())):
            kept.append(fix)
            for edit in fix.edits:
                taken.setdefault(edit.line, []).append((edit.start, max(edit.end, edit.start + 1)))
    return kept


# --- the content of a post ------------------------------------------------------------------------------------------


_Words = Mapping[tuple[int | None, str], str]
"""The new alternative texts of pictures without one, by the picture's line and address."""


def _meanings(issues: Iterable[Issue], secure: Collection[str], words: _Words = MappingProxyType({})) -> list[Any]:
    """The visible content, without source positions, and with the intended changes already made."""
    return [_plain(as_json(issue), issue.mark, secure, words) for issue in issues]


def _plain(value: Any, mark: str, secure: Collection[str], words: _Words) -> Any:
    match value:
        case dict():
            skipped = {"line", "column", "findings", "mark"}
            plain = {key: _plain(item, mark, secure, words) for key, item in value.items() if key not in skipped}
            if value.get("kind") == "image" and says_nothing(str(value["alt"])):
                plain["alt"] = words.get((value["line"], value["src"]), plain["alt"])
            return plain
        case list():
            return [_plain(item, mark, secure, words) for item in value]
        case str():
            text = value.replace(mark, "")
            return f"https{text[4:]}" if text in secure else text
    return value


# --- front matter ---------------------------------------------------------------------------------------------------


def _front_matter_slips(text: str, lines: Sequence[str], path: str) -> Iterator[Fix]:
    try:
        front = read_front_matter(text, path)
    except ContentError:
        return  # a subscriber field where YAML has its own syntax; it is parsed without the field elsewhere
    whole = [
        Edit(number, 0, len(lines[number - 1]), new)
        for number, new in enumerate(front.block, front.block_line)
        if lines[number - 1] != new
    ]
    for finding in front.findings:
        # Each repair is of one entry; if there are several, each takes the lines up to the next one.
        after = [other.line for other in front.findings if (other.line or 0) > (finding.line or 0)]
        edits = _entry_edits(whole, finding.line or 0, min(filter(None, after), default=front.body_line), front)
        if edits:
            yield Fix(finding.code, finding.what, finding.remedy, edits)
    yield from _missing_date(front, lines, path)


def _entry_edits(edits: Iterable[Edit], line: int, before: int, front: FrontMatter) -> tuple[Edit, ...]:
    first = max((start for start in front.key_lines.values() if start <= line), default=line)
    return tuple(edit for edit in edits if first <= edit.line < before)


def _missing_date(front: FrontMatter, lines: Sequence[str], path: str) -> Iterator[Fix]:
    """A date in the file name alone: lost when the file is renamed, and unknown to other tools."""
    day = named_day(PurePath(path).stem)
    if day is None or not front.block or front.values.get("date") is not None:
        return
    after = front.key_lines.get("title", front.block_line)
    later = [line for line in front.key_lines.values() if line > after]
    end = min(later, default=front.block_line + len(front.block)) - 1  # a value may continue over several lines
    edit = Edit(end, len(lines[end - 1]), len(lines[end - 1]), f"\ndate: {day.isoformat()}")
    what = "the front matter has no `date`; only the file's name tells the day"
    yield Fix("date-missing", what, f"write date: {day.isoformat()}", (edit,))


# --- the text -------------------------------------------------------------------------------------------------------


def _line_slips(lines: Sequence[str], issues: Sequence[Issue], secure: Collection[str]) -> Iterator[Fix]:
    # The same marks occur between two bold runs, and in text: the parser has decided whether they are a mistake.
    noticed = {(finding.code, finding.line, finding.what) for issue in issues for finding in issue.findings}
    wrapped = {line for code, line, _ in noticed if code == "link-wrapped"}
    named_by_themselves = {link.label for issue in issues for link in links_of(issue.blocks)}
    for number, line in _text_lines(lines):
        yield from _wrapped_links(line, number) if number in wrapped else ()
        yield from (fix for fix in _spaced_bold(line, number) if (fix.code, number, fix.what) in noticed)
        yield from (fix for url, fix in _bare_urls(line, number) if url in named_by_themselves)
        yield from _insecure(line, number, secure)
    once = {fix.edits: fix for issue in issues for fix in _pictures(lines, issue)}
    yield from once.values()
    for code, first, what in sorted(noticed, key=lambda each: each[1] or 0):
        if code == "story-space" and first:
            yield from _glued_numbers(lines, first, what)


def _text_lines(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines outside front matter and code, each with its number."""
    fence = ""
    start = 0
    if lines and lines[0].rstrip() == "---":
        start = next((index + 1 for index in range(1, len(lines)) if lines[index].rstrip() == "---"), 0)
    for number, line in enumerate(lines[start:], start + 1):
        marks = _FENCE.match(line)
        if marks:
            fence = marks[1] if not fence else "" if marks[1].startswith(fence) else fence
        elif not fence:
            yield number, line


def _wrapped_links(line: str, number: int) -> Iterator[Fix]:
    for found in _WRAPPED.finditer(line):
        label = _short(found[1][1 : found[1].index("]")])
        what = f"the link “{label}” is wrapped in brackets twice"
        edit = Edit(number, found.start(), found.end(), found[1])
        yield Fix("link-wrapped", what, f"write [{label}](…)", (edit,))


def _spaced_bold(line: str, number: int) -> Iterator[Fix]:
    for found in SPACED_BOLD.finditer(line):
        words = _short(found[1])
        what = f"spaces inside ** keep “{words}” from being bold"
        edit = Edit(number, found.start(), found.end(), f"**{found[1]}**")
        yield Fix("bold-spaces", what, f"write **{words}**", (edit,))


def _bare_urls(line: str, number: int) -> Iterator[tuple[str, Fix]]:
    for found in re.finditer(r"(?<![A-Za-z0-9])https?://", line):
        start = found.start()
        if start and line[start - 1] in _NOT_BARE_AFTER:
            continue
        if bare := bare_url_at(line, start):
            url = bare.url
            what = f"the address {_short(url, 60)} stands bare: elsewhere it is no link, or takes what follows with it"
            edit = Edit(number, start, start + bare.length, f"<{url}>")
            yield url, Fix("link-bare", what, f"write <{_short(url, 60)}>", (edit,))


def _insecure(line: str, number: int, secure: Collection[str]) -> Iterator[Fix]:
    for url in secure:
        start = line.find(url)
        while start >= 0:
            end = start + len(url)
            if end == len(line) or not re.match(r"[A-Za-z0-9/?&=%_~-]", line[end]):
                what = f"{_short(url, 60)} goes over http, and the server answers over https, too"
                yield Fix("link-http", what, "write https://", (Edit(number, start, start + 4, "https"),))
            start = line.find(url, end)


def _pictures(lines: Sequence[str], issue: Issue) -> Iterator[Fix]:
    """Pictures without a useful alternative text, named by their context, as in the email."""
    for image, words in picture_words(issue):
        words = _inert(words)
        if not says_nothing(image.alt) or not words or not image.line or image.line > len(lines):
            continue
        line = lines[image.line - 1]
        for found in _PICTURE.finditer(line):
            target = line[found.end() :].lstrip(" <")
            # A picture beside the post gets another address when it is embedded.
            if says_nothing(found["alt"]) and (target.startswith(image.src) or image.src.startswith("cid:")):
                edit = Edit(image.line, found.start("alt"), found.end("alt"), words)
                yield alt_fix(image, words, (edit,))


def _inert(words: str) -> str:
    """Text that is valid and literal between the brackets of a picture; empty if that is impossible."""
    bare = " ".join(_ALT_MARKUP.sub("", words).split())
    return "" if _NOT_INERT.search(bare) else bare[:_FIXED_ALT_CHARS].rstrip()


def alt_fix(image: Image, words: str, edits: tuple[Edit, ...] = ()) -> Fix:
    what = (
        f"the picture's alternative text is “{image.alt}”, which says nothing"
        if image.alt
        else ("the picture has no alternative text: without pictures, and read aloud, there is nothing in its place")
    )
    return Fix("image-alt", what, f"write ![{_short(words or 'what it shows', 40)}](…)", edits, image)


def picture_words(issue: Issue) -> Iterator[tuple[Image, str]]:
    """Each picture of the text with words for it: its story's, else those of the heading above it."""
    heading = ""
    of_stories = {id(image): lead_words(story) for story in issue.stories for image in story.images}
    for block in walk(issue.blocks):
        if isinstance(block, Heading):
            heading = plain_text(block.inlines)
        images = block.images if isinstance(block, Story) else ()
        single = getattr(block, "image", None)
        for image in (*images, *((single,) if isinstance(single, Image) else ())):
            yield image, of_stories.get(id(image), heading)


def _glued_numbers(lines: Sequence[str], first: int, what: str) -> Iterator[Fix]:
    """A run of paragraphs or items that begin `1.` without a space: insert a space into each."""
    edits: list[Edit] = []
    begin = expected = 0
    for number in range(first, len(lines) + 1):
        line = lines[number - 1]
        text = line.lstrip(" \t>")
        found = NUMBERED.match(text)
        if found and expected in (0, int(found[1])):
            indent = len(line) - len(text)
            edits.append(Edit(number, indent + len(found[1]), indent + found.end(), ". "))
            begin = begin or int(found[1])
            expected = int(found[1]) + 1
        elif expected and (spaced := COUNTED_ON.match(text)) and int(spaced[1]) == expected:
            expected += 1
        elif line.startswith("#") or (line.strip() and not lines[number - 2].strip()):
            break
    if edits:
        yield Fix("story-space", what, f"write “{begin}. ” with a space", tuple(edits))


def _short(text: str, limit: int = 30) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
