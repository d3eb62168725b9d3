"""Compare every sentence of a post's source with what a reader is shown, to prove that nothing was lost."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import lxml.html

from newsletter.model.issue import Issue, Site
from newsletter.model.rendered_email import Email, Masthead
from newsletter.post.parse import decode_post, parse_post
from newsletter.render.columns import columns
from newsletter.render.headline import headline
from newsletter.render.plain_text import WIDTH
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

MASTHEAD = Masthead("AI 日报", "Example Ltd, 1 Example Street", unsubscribe=True)

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]*)[^)]*\)")
_LINK = re.compile(r"\[?\[([^\[\]]*)\]\(([^)\s]*)[^)]*\)\]?")
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]+")
_LINE_MARKS = re.compile(r"^\s*(?:#+ |> ?|[-*] +|\d+\. ?|```\w*$|\|?[\s:|\-]{3,}$|\*\*\*$)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rendered:
    source: str
    issue: Issue
    email: Email
    html: str
    text: str

    @property
    def html_words(self) -> str:
        """The visible text of the HTML part, without white space and the hidden preheader."""
        body = lxml.html.document_fromstring(self.html).body
        for hidden in body.xpath(".//div[contains(@style, 'display:none')]"):
            hidden.drop_tree()
        return squeezed(body.text_content())

    @property
    def text_words(self) -> str:
        """The text part's words, without white space and quote marks."""
        return squeezed(re.sub(r"(?m)^\s*> ?", "", self.text))

    @property
    def counts(self) -> tuple[int, int, int]:
        """Numbers of stories, their source links, their pictures."""
        stories = self.issue.stories
        return len(stories), sum(len(story.links) for story in stories), sum(len(story.images) for story in stories)

    @property
    def warnings(self) -> list[tuple[int | None, str]]:
        return [(finding.line, finding.code) for finding in self.email.findings]


def render_file(path: Path, project: Path) -> Rendered:
    source = decode_post(path.read_bytes(), path.name)
    issue = parse_post(source, path=path.name, site=Site("https://blog.example")).issue
    email = render_issue(issue, load_theme("classic", project), MASTHEAD)
    html, text = (
        "".join(part if isinstance(part, str) else "https://a.example/u" for part in template.parts)
        for template in (email.html, email.text)
    )
    return Rendered(source, issue, email, html, text)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", straight(_URL.sub("", text)))


_STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "—": "---", "–": "--"})


def straight(text: str) -> str:
    """Normalize smart punctuation: `--` and – are equal here."""
    return text.translate(_STRAIGHT)


def sentences(source: str) -> list[str]:
    """The body's sentences without Markdown's marks, URLs and white space; links and pictures separate them."""
    body = _FRONT_MATTER.sub("", source)
    body = _LINK.sub(r"\n\1\n", _IMAGE.sub("\n", body))
    body = _URL.sub("\n", _LINE_MARKS.sub("", body))
    body = re.sub(r"[*`]+|\|", lambda mark: "\n" if mark[0] == "|" else "", body)
    return [words for part in re.split(r"[。！？\n]", body) if (words := squeezed(part))]


def link_targets(source: str) -> list[str]:
    """Every address in the body, except pictures."""
    body = _IMAGE.sub("", _FRONT_MATTER.sub("", source))
    return [found[2] for found in _LINK.finditer(body)] + _URL.findall(_LINK.sub("", body))


def image_sources(source: str) -> list[str]:
    return [found[2] for found in _IMAGE.finditer(_FRONT_MATTER.sub("", source))]


def shown_addresses(html: str) -> tuple[list[str], list[str]]:
    """The addresses of all links and all pictures in an email."""
    root = lxml.html.document_fromstring(html)
    return [str(each) for each in root.xpath("//a/@href")], [str(each) for each in root.xpath("//img/@src")]


def assert_nothing_lost(rendered: Rendered) -> None:
    """Assert that the HTML has every sentence, link and picture of the source, and the text part all but pictures."""
    wanted = sentences(rendered.source)
    body = _IMAGE.sub("", _FRONT_MATTER.sub("", rendered.source))
    letters = Counter(char for char in _URL.sub("", body) if char.isalpha())
    counted = Counter(char for char in "".join(wanted) if char.isalpha())
    # Limit what the sentences leave out unchecked: the words after ``` and link addresses.
    assert sum((letters - counted).values()) < 0.02 * sum(letters.values()) + 300
    if headline(rendered.issue, MASTHEAD.name, {}) != rendered.issue.title:  # it repeated the newsletter's name
        wanted = [sentence for sentence in wanted if sentence != squeezed(rendered.issue.title)]
    for part in (rendered.html_words, rendered.text_words):
        assert [sentence for sentence in wanted if sentence not in part] == []
    links, images = shown_addresses(rendered.html)
    assert Counter(link_targets(rendered.source)) - Counter(links) == Counter()
    assert Counter(image_sources(rendered.source)) - Counter(images) == Counter()
    words = {word.rstrip(".,;:!?)") for word in rendered.text.split()}
    assert [target for target in link_targets(rendered.source) if target.rstrip(".,;:!?)") not in words] == []
    assert "**" not in rendered.html
    assert "**" not in rendered.text
    too_wide = [line for line in rendered.text.split("\n") if columns(line) > WIDTH and "://" not in line]
    assert too_wide == []
