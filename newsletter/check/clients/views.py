"""An email as mail clients change it: clipped by Gmail, without style blocks, rendered by Word.

Approximations for display in a browser: each removes what the client is known to ignore, and adds nothing. Sources are
caniemail.com and Microsoft's list for Word's engine ("Word 2007 HTML and CSS rendering capabilities in Outlook"), which
Outlook on Windows still uses.
"""

from __future__ import annotations

import re

GMAIL_CLIP = 102_000
"""The size of HTML source at which Gmail clips. Google does not document it; 102 KB is the usual measurement."""

CLIP_NOTICE = (
    '<p style="margin:16px;font:14px/1.5 Arial,sans-serif;color:#444;background:#fff">[Message clipped]&nbsp; '
    '<a style="color:#15c">View entire message</a></p>'
)

# A comment, or a tag with its quoted values. An unclosed one extends to the end, and nothing is scanned twice: linear
# time for any input.
TAG = re.compile(
    r"""<!--.*?(?:-->|\Z)|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)
    (?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^'">]++)*(?P<close>>|\Z)""",
    re.DOTALL | re.VERBOSE,
)
_TAG_START = re.compile(r"<(?=[a-zA-Z/!]|\Z)")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


def is_clipped(html_text: str) -> bool:
    return len(html_text.encode()) > GMAIL_CLIP


def clipped(html_text: str) -> str:
    """What Gmail shows of a message before "View entire message": cut after `GMAIL_CLIP` bytes, its tags closed."""
    if not is_clipped(html_text):
        return html_text
    start = html_text.encode()[:GMAIL_CLIP].decode("utf-8", "ignore")
    # Cut neither inside a comment nor a tag: the client's parser repairs its own cut as well.
    half_comment = start.find("<!--", max(start.rfind("-->"), 0))
    if half_comment >= 0:
        start = start[:half_comment]
    open_tags: list[str] = []
    end = 0
    for tag in TAG.finditer(start):
        name = (tag["name"] or "").lower()
        if name and not tag["close"]:
            break
        end = tag.end()
        if not name or name in _VOID:
            continue
        if not tag["end"]:
            open_tags.append(name)
        elif name in open_tags:
            while open_tags.pop() != name:
                pass
    if half := _TAG_START.search(start, end):
        start = start[: half.start()]
    # Before the end of the body, or the notice would be inside the tables that are still open.
    inside = [name for name in open_tags if name not in ("html", "body")]
    return start + "".join(f"</{name}>" for name in reversed(inside)) + CLIP_NOTICE + "</body></html>"


_STYLE_BLOCK = re.compile(r"<style\b[^>]{0,999}>.*?(?:</style\s*>|\Z)|<link\b[^>]{0,2999}>", re.DOTALL | re.IGNORECASE)


def without_styles(html_text: str) -> str:
    """Inlined styles only: Gmail for non-Google accounts, QQ Mail, and many corporate filters."""
    return _STYLE_BLOCK.sub("", html_text)
