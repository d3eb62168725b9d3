"""Parse a post's text into an `Issue`: front matter, Liquid, Markdown.

Pure: `path` is only a name, for messages and for the date and slug that Jekyll takes from it.
"""

from __future__ import annotations

from collections.abc import Callable

from newsletter.errors import ContentError, located
from newsletter.frozen import frozen
from newsletter.model.issue import Issue, Site
from newsletter.post.build_issue import build_issue
from newsletter.post.front_matter import read_front_matter
from newsletter.post.markdown.blocks import MarkdownError
from newsletter.post.markdown.parse_markdown import parse_markdown
from newsletter.post.metadata import read_metadata
from newsletter.post.templating.conditions import Condition
from newsletter.post.templating.liquid import resolve_liquid
from newsletter.post.templating.placeholders import mark_fields
from newsletter.post.templating.shortcodes import resolve_shortcodes

MAX_BYTES = 1024 * 1024
"""A larger post is surely another file: 1 MiB is fifty times a long digest, and ten times Gmail's limit."""

MAX_LINES = 50_000
"""Each line may be a paragraph, which takes a tenth of a millisecond to parse and more to render."""

NOWHERE = Site()


def decode_post(data: bytes, path: str) -> str:
    """Decode a post's file: LF line ends, no byte order mark.

    Raises ContentError if it is not UTF-8 text, with line and column of the first invalid byte.
    """
    if len(data) > MAX_BYTES:
        raise ContentError(
            located(path, None, f"the post has more than {MAX_BYTES:,} bytes", "split it, or name a post")
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ContentError(located(path, None, "the post is UTF-16, not UTF-8", "save it as UTF-8"))
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise ContentError(located(path, line, "this is a binary file (it holds a NUL byte)", "name a Markdown post"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        what = f"tried UTF-8, and byte 0x{data[error.start]:02x} does not fit"
        raise ContentError(located(path, line, what, "save the post as UTF-8", column)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


@frozen
class Post:
    """An issue, and the conditions on the subscriber in its text. Each combination of results gives another issue."""

    issue: Issue
    conditions: tuple[Condition, ...]


def parse_post(
    text: str,
    *,
    path: str,
    site: Site = NOWHERE,
    language: str = "",
    folder: tuple[str, ...] = (),
    choose: Callable[[Condition], bool] = lambda condition: False,
) -> Post:
    """Parse a post's text. `language` overrides detection; `choose` decides the text's conditions.

    `folder` has the names of the post's parent folders, from the project's root on; by default they come from `path`.
    Raises ContentError if there is nothing to send, or if the text cannot be parsed safely.
    """
    if not text.strip():
        raise ContentError(located(path, None, "the post is empty", "write a title and some text"))
    if (lines := text.count("\n")) > MAX_LINES:
        raise ContentError(located(path, None, f"the post has {lines:,} lines", f"keep it under {MAX_LINES:,}"))
    marked = mark_fields(text, path)
    front = read_front_matter(marked.text, path)
    if not front.body.strip():
        raise ContentError(located(path, front.body_line, "the post has no text after its front matter", "write it"))
    metadata = read_metadata(front, site, path=path, folder=folder)
    plain = resolve_shortcodes(front.body, path=path, first_line=front.body_line)
    liquid = resolve_liquid(plain.text, site, metadata.page, path=path, first_line=front.body_line, choose=choose)
    try:
        body = parse_markdown(
            liquid.text,
            first_line=front.body_line,
            base_url=site.base,
            page_url=metadata.url,
            permalink=site.permalink,
            pages=site.pages,
            smart_punctuation=metadata.smart_punctuation,
            stories=metadata.stories,
            mdx=path.endswith(".mdx"),
        )
    except MarkdownError as error:
        raise ContentError(located(path, error.line, error.what, error.remedy)) from error
    issue = build_issue(
        metadata,
        body.blocks,
        marked,
        path=path,
        body_line=front.body_line,
        findings=(*plain.findings, *liquid.findings, *body.findings),
        language=language,
        has_conditions=bool(liquid.conditions),
    )
    return Post(issue, liquid.conditions)
