"""Debian's kramdown with its GFM parser as an oracle: compares a Jekyll blog's page with the email.

The comparison is independent of our parser: it reads kramdown's HTML, our HTML and our text part.
"""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote, urldefrag

import emoji
import lxml.html
from lxml.html import HtmlElement

SCRIPT = Path(__file__).parent / "kramdown.rb"
_SHORTCODE = re.compile(r":[a-z0-9_+\-]{2,}:")
_RAW = re.compile(r"\]\(|\]\[|!\[|\[\^|</?[A-Za-z!]|\{:")
_RAW_NOTE = re.compile(r"\s*\[\^[^\]]+\]:")
_BARE = re.compile(r"(https?://[!-;=?-~]+?)[.,;:!?)\]'\"*_~]*(?![!-;=?-~])[^\s<>，。；：！？、（）「」]*")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")
_NO_TEXT = frozenset(
    {
        *("script", "style", "template", "title", "textarea", "head", "rp", "svg", "object", "select", "button"),
        *("video", "audio"),  # their words and links are for browsers that play nothing
    }
)


class Kramdown:
    """A Ruby process that converts a text to HTML."""

    def __init__(self, ruby: str = "ruby") -> None:
        self.process = subprocess.Popen(
            [ruby, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def __enter__(self) -> Kramdown:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate(timeout=600)

    def html(self, markdown: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(markdown) + "\n")
        self.process.stdin.flush()
        return str(json.loads(self.process.stdout.readline()))


def github_html(markdown: str) -> str:
    """The same text rendered as on GitHub, by Debian's cmark-gfm; for what kramdown cannot parse."""
    command = ["cmark-gfm", "--unsafe", "-e", "table", "-e", "strikethrough", "-e", "footnotes", "-e", "tasklist"]
    return subprocess.run(command, input=markdown, capture_output=True, text=True, check=True, encoding="utf-8").stdout


@dataclass(frozen=True, slots=True)
class Said:
    """The content of a page: texts in order, texts of links and table headings separately, addresses, pictures, code.

    A table that is too wide for a phone is shown row by row with the headings before each cell, so these have no fixed
    place. `bare` are addresses in the text, up to the first character that typography may change: kramdown does not
    link them, and an email may show a button with the host.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    headings: tuple[str, ...]
    links: tuple[str, ...]
    pictures: tuple[str, ...]
    code: tuple[str, ...]
    bare: tuple[str, ...] = ()


def squeezed(text: str) -> str:
    """Letters and digits only: without white space, punctuation and typography."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def said_by(html: str) -> Said:
    """The content of kramdown's HTML; without footnote marks and hidden elements."""
    texts: list[str] = []
    labels: list[str] = []
    headings: list[str] = []
    links: list[str] = []
    pictures: list[str] = []
    code: list[str] = []
    bare: list[str] = []

    def put(text: str | None, *, inside_link: bool, inside_heading: bool) -> None:
        text = text or ""
        if _RAW.search(text):  # what kramdown itself could not parse is not compared
            return
        # `<https://a.example/%E4%B8%AD>` is displayed decoded.
        bare.extend(found[1] for found in _BARE.finditer(text) if not inside_link)
        apart = _BARE.split(text)[::2]  # the text between addresses
        for piece in [unquote(text)] if inside_link and "://" in text else _without_emoji(apart):
            for line in piece.split("\n"):  # lines that count on may be items, with an address between them
                if words := squeezed(line):
                    (labels if inside_link else headings if inside_heading else texts).append(words)

    def visit(element: HtmlElement, *, inside_link: bool, inside_heading: bool) -> None:
        if not isinstance(element.tag, str):
            return
        if element.tag in _NO_TEXT or "hidden" in element.attrib or _HIDDEN.search(element.get("style", "")):
            return
        if element.get("class") in ("footnote", "reversefootnote") or element.get("role") == "doc-noteref":
            return
        if element.tag == "p" and _RAW_NOTE.match(element.text or ""):
            return  # a footnote that kramdown takes for text, such as one directly after another paragraph
        if element.tag == "pre":
            code.extend(words for line in element.text_content().split("\n") if (words := squeezed(line)))
            return
        if (
            element.tag == "a"
            and element.get("href")
            and squeezed(element.text_content()) == squeezed(unquote(element.get("href", "")))
        ):
            links.append(element.get("href", ""))  # a bare address may be shown as its host
            return
        inside, heading = inside_link or element.tag == "a", inside_heading or element.tag == "th"
        if element.tag == "a" and element.get("href"):
            links.append(element.get("href"))
        if element.tag == "img" and element.get("src"):
            pictures.append(element.get("src"))
        put(element.text, inside_link=inside, inside_heading=heading)
        for child in element:
            visit(child, inside_link=inside, inside_heading=heading)
            put(child.tail, inside_link=inside, inside_heading=heading)

    visit(lxml.html.document_fromstring(f"<div>{html}</div>"), inside_link=False, inside_heading=False)
    return Said(tuple(texts), tuple(labels), tuple(headings), tuple(links), tuple(pictures), tuple(code), tuple(bare))


def _without_emoji(texts: Iterable[str]) -> Iterator[str]:
    """Split texts at `:rocket:`, which an email shows as an emoji."""
    for text in texts:
        position = 0
        for found in _SHORTCODE.finditer(text):
            if emoji.emojize(found[0], language="alias") != found[0]:
                yield text[position : found.start()]
                position = found.end()
        yield text[position:]


def lost_in_html(said: Said, html: str) -> list[str]:
    """Content that an email's HTML does not show, or shows in another order."""
    body = lxml.html.document_fromstring(html).body
    for hidden in body.xpath(".//div[contains(@style, 'display:none')]"):
        hidden.drop_tree()
    links = [_address(str(each)) for each in body.xpath(".//a/@href")]
    pictures = [_address(str(each)) for each in body.xpath(".//img/@src")]
    return [
        *_lost_words(said, body.text_content()),
        *_lost_addresses("link", said.links, [*links, *pictures]),
        *_lost_addresses("picture", said.pictures, [*pictures, *links]),
        *(f"address {each}" for each in said.bare if not _is_shown(each, links, body.text_content())),
    ]


def lost_in_text(said: Said, text: str) -> list[str]:
    """Content that is missing from an email's text part."""
    shown = re.sub(r"(?m)^\s*(?:> ?)+", "", text)
    addresses = re.sub(r"\s", "", unquote(text))
    addresses += " ".join(_address(each) for each in re.findall(r"https?://[^\s/]*xn--\S*", text))
    missing = [link for link in said.links if _is_web(link) and _address(link) not in addresses]
    missing += [each for each in said.bare if _address(each) not in addresses]
    return [*_lost_words(said, shown), *(f"link {link}" for link in missing)]


def _is_shown(address: str, links: list[str], text: str) -> bool:
    """Whether an address in the text is a link, or stayed text."""
    return any(link.startswith(_address(address)) for link in links) or address in text


def _lost_words(said: Said, text: str) -> list[str]:
    lost = []
    shown, decoded = squeezed(text), squeezed(unquote(text))
    for name, words in (("text", said.texts), ("code", said.code)):
        place = 0
        for piece in words:
            found = shown.find(piece, place)
            if found < 0:
                lost.append(f"{name} {piece[:60]}" + (" (out of order)" if piece in shown else ""))
            else:
                place = found + len(piece)
    lost += [f"heading {words[:60]}" for words in said.headings if words not in shown]
    return [*lost, *(f"label {label[:60]}" for label in said.labels if label not in shown and label not in decoded)]


def _lost_addresses(kind: str, wanted: tuple[str, ...], shown: list[str]) -> list[str]:
    missing = Counter(_address(each) for each in wanted if _is_web(each)) - Counter(shown)
    return [f"{kind} {address}" for address in missing]


def _is_web(address: str) -> bool:
    """Relative addresses are resolved against a site; only absolute ones can be compared."""
    return address.startswith(("http://", "https://", "mailto:"))


def _address(address: str) -> str:
    """An address normalized for comparison: decoded characters, hosts in Unicode, no blanks, no escapes."""
    plain = unquote(urldefrag(address.strip().removeprefix("mailto:"))[0])
    host = re.match(r"https?://([^/:?#]*xn--[^/:?#]*)", plain)
    if host:
        with suppress(UnicodeError):
            plain = plain.replace(host[1], host[1].encode().decode("idna"), 1)
    return re.sub(r"[\s\\]", "", plain).rstrip("/")
