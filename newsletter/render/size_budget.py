"""Keep an email below Gmail's clipping limit: simplify it step by step, then truncate with a link.

Gmail clips a message near 102 KB; whether it counts encoded or decoded bytes is disputed, so both are bounded.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.issue import Block, Heading, Story, plain_text
from newsletter.model.rendered_email import SectionSize
from newsletter.model.transform import words_of
from newsletter.quoted_printable import quoted_size

MAX_BYTES = 95_000
"""The limit of the HTML in bytes, both decoded and as sent.

Beyond it buttons shrink, pictures become links, and the email is truncated, in this order.
"""

STEPS = ("buttons", "images")
"""The steps of simplification, in a theme's own order; after the last the email is truncated."""

MAX_GUESSES = 6
"""Tries to cut an email by its measured rows; then the range is halved."""

_MARK = re.compile(r"<!--row(\d+)-->")


@frozen
class Fit:
    """How an email was made to fit: plain links instead of buttons, pictures up to a row, rows up to a row."""

    link_buttons: bool
    pictures_until: int
    rows: int


@frozen
class Drawn:
    """A rendering: its HTML without marks, its MJML, and the bytes of each row."""

    html: str
    mjml: str
    sizes: tuple[int, ...]

    @property
    def decoded(self) -> int:
        return len(self.html.encode())

    @property
    def growth(self) -> float:
        """Sent bytes per byte of HTML."""
        data = self.html.encode()
        return sent_size(data) / max(len(data), 1)

    @property
    def fits(self) -> bool:
        return fits(self.decoded, self.growth)


def row_mark(row: int) -> str:
    """An HTML comment before a row; it survives MJML and premailer, and `measure` removes it."""
    return f"<!--row{row}-->"


def measure(html: str, mjml: str) -> Drawn:
    """Remove the marks from rendered HTML, and measure the rows between them. The last mark ends the last row."""
    pieces = _MARK.split(html)
    sizes = tuple(len(pieces[index].encode()) for index in range(2, len(pieces) - 2, 2))
    return Drawn("".join(pieces[::2]), _MARK.sub("", mjml), sizes)


def encoded_size(decoded: int) -> int:
    """The size in base64, with a line end after every 76 characters (RFC 2045, 6.8).

    Mostly ASCII text is sent smaller.
    """
    letters = -(-decoded // 3) * 4
    return letters + 2 * -(-letters // 76)


def sent_size(data: bytes) -> int:
    """The sent size of a text, in the smaller of the two encodings."""
    return min(encoded_size(len(data)), quoted_size(data))


def fits(decoded: int, growth: float) -> bool:
    """Whether this many bytes of HTML fit; `growth` is the encoded size of a byte."""
    return decoded * max(growth, 1.0) <= MAX_BYTES


def draw_to_fit(
    draw: Callable[[Fit], Drawn], blocks: Sequence[Block], steps: Sequence[str], *, has_web: bool
) -> tuple[Drawn, Fit, tuple[Finding, ...]]:
    """Render an email, simplifying it step by step until it fits. Findings report each step.

    There is a rendering per step, and another one if pictures or rows have to be counted.
    """
    count = len(blocks)
    fit = Fit(link_buttons=False, pictures_until=count, rows=count)
    drawn = draw(fit)
    whole = drawn.decoded
    findings: list[Finding] = []
    for step in steps:
        if drawn.fits:
            break
        if step == "buttons":
            fit = Fit(True, fit.pictures_until, count)
            smaller = draw(fit)
            if smaller.decoded < drawn.decoded:
                findings.append(_given_up(whole, "link buttons are plain links"))
            drawn = smaller
        else:
            bare = draw(Fit(fit.link_buttons, 0, count))
            if bare.decoded >= drawn.decoded:
                continue
            until = _pictures_that_fit(drawn, bare)
            fit = Fit(fit.link_buttons, until, count)
            drawn = draw(fit) if until else bare
            line = next((block.line for block in blocks[until:] if isinstance(block, Story) and block.images), None)
            findings.append(_given_up(whole, "pictures from here on are links", line))
    if not drawn.fits:
        fit, drawn = _cut(draw, fit, drawn, blocks)
        place = "the web version" if has_web else "its text part"
        what = f"the email ends early and leaves {_left_out(blocks[fit.rows :])} to {place}"
        remedy = (
            "split the post" if has_web else "split the post, or set [site] permalink so that it can link to the rest"
        )
        line = next((block.line for block in blocks[fit.rows :]), None)
        findings.append(_given_up(whole, what, line, remedy))
    return drawn, fit, tuple(findings)


def _left_out(blocks: Sequence[Block]) -> str:
    """What is not shown, counted in stories if there are any, else in blocks and words."""
    stories = sum(isinstance(block, Story) for block in blocks)
    sections = sum(isinstance(block, Heading) for block in blocks)
    words = len(" ".join(words_of(blocks)).split())
    named = [(stories, "story", "stories"), (sections, "section", "sections"), (len(blocks), "block", "blocks")]
    counts = [f"{count:,} {one if count == 1 else many}" for count, one, many in named if count]
    return f"{', '.join(counts[:2])} ({words:,} words)"


def _given_up(whole: int, what: str, line: int | None = None, remedy: str = "shorten the post to keep it") -> Finding:
    return Finding("budget", f"the whole email would have {whole / 1000:.0f} KB, so {what}", remedy, line)


def _pictures_that_fit(shown: Drawn, bare: Drawn) -> int:
    """The row up to which pictures are shown: the first ones stay."""
    spent = bare.decoded
    growth = shown.growth
    for row, (with_pictures, without) in enumerate(zip(shown.sizes, bare.sizes, strict=True)):
        spent += with_pictures - without
        if not fits(spent, growth):
            return row
    return len(bare.sizes)


def _cut(draw: Callable[[Fit], Drawn], fit: Fit, drawn: Drawn, blocks: Sequence[Block]) -> tuple[Fit, Drawn]:
    """Rows from the top that fit together with the note at the end; never half a story, never a heading last.

    Each drawing tells how many rows should fit: the guess is tried, and the numbers beside it. Where guesses do not
    close in, the range is halved, so that the number of drawings does not grow with the post.
    """
    ends = (0, *accumulate(drawn.sizes))
    counts = [rows for rows in range(len(blocks) + 1) if not rows or not isinstance(blocks[rows - 1], Heading)]

    def guess(drawn: Drawn) -> int:
        """The index of the most rows that should fit, by the frame and the growth of a drawing."""
        frame = drawn.decoded - sum(drawn.sizes)
        growth = drawn.growth  # encoding the whole email is expensive: once, not per row
        return bisect_right(counts, 0, key=lambda rows: rows and not fits(frame + ends[rows], growth)) - 1

    index = guess(drawn)
    best, too_many = -1, index + 1
    found = (fit, drawn)
    guesses = 0
    while too_many - best > 1:
        shown = Fit(fit.link_buttons, fit.pictures_until, counts[index])
        drawn = draw(shown)
        if drawn.fits or not index:
            best, found = index, (shown, drawn)
        else:
            too_many = index
        guesses += 1
        index = guess(drawn) if guesses < MAX_GUESSES else (best + too_many) // 2
        index = min(max(index, best + 1), too_many - 1)
    return found


def section_sizes(drawn: Drawn, blocks: Sequence[Block]) -> tuple[SectionSize, ...]:
    """Bytes per section of what is shown; the part before the first heading, and the frame, have no title."""
    sections = [SectionSize("", drawn.decoded - sum(drawn.sizes))]
    for block, size in zip(blocks, drawn.sizes, strict=False):
        if isinstance(block, Heading):
            sections.append(SectionSize(plain_text(block.inlines), 0))
        sections[-1] = SectionSize(sections[-1].title, sections[-1].size + size)
    return tuple(sections)
