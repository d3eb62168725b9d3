"""Writes the tables of docs/clients.md: `python docs/clients.py`. A test compares them with what this would write.

They show what the themes use on the example posts that Gmail, Outlook or Apple Mail lack.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from newsletter.check.clients.compatibility import Gap, find_gaps
from newsletter.check.clients.fallbacks import FALLBACKS
from newsletter.check.clients.load_support import load_support
from newsletter.check.clients.support import Client, Support, named_clients
from newsletter.model.issue import Site
from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import decode_post, parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.folders import known_themes
from newsletter.render.themes.load import load_theme

CHECKOUT = Path(__file__).parent.parent
DOCUMENT = CHECKOUT / "docs" / "clients.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->"
FAMILIES = ("gmail", "outlook", "apple-mail")
THEMES = known_themes((CHECKOUT / "templates",))
NO_FALLBACK = "**nothing: mend the theme**"


def rendered(theme: str, content: bytes, name: str) -> str:
    """A post's HTML in one of the themes that ship, the places of a subscriber's own links filled."""
    issue = parse_post(decode_post(content, name), path=name, site=Site("https://blog.example")).issue
    masthead = Masthead("Example", "Example Ltd, 1 Example Street", unsubscribe=True)
    parts = render_issue(issue, load_theme(theme, CHECKOUT), masthead).html.parts
    return "".join(part if isinstance(part, str) else "https://a.example/u" for part in parts)


@dataclass
class _Row:
    gap: Gap
    themes: list[str] = field(default_factory=list)
    clients: set[Client] = field(default_factory=set)


def tables(support: Support) -> str:
    """What is lost of the elements, with what is there in place of it; then what is lost of the style blocks."""
    in_body: dict[str, _Row] = {}
    in_style: dict[str, _Row] = {}
    for theme in THEMES:
        for post in sorted((CHECKOUT / "examples").glob("*.md")):
            for gap in find_gaps(rendered(theme, post.read_bytes(), post.name), support, FAMILIES):
                if gap.lacking:
                    row = (in_style if gap.live else in_body).setdefault(gap.feature.slug, _Row(gap))
                    row.themes += [theme] if theme not in row.themes else []
                    row.clients.update(gap.lacking)
    lines = ["| Feature | Themes | Lost on | What is there instead |", "|---|---|---|---|"]
    lines += [f"{_line(in_body[slug], support)} {FALLBACKS.get(slug, NO_FALLBACK)} |" for slug in sorted(in_body)]
    lines += ["", "| In style blocks alone | Themes | Lost on |", "|---|---|---|"]
    lines += [_line(in_style[slug], support) for slug in sorted(in_style.keys() - in_body.keys())]
    return "\n".join(lines) + "\n"


def _line(row: _Row, support: Support) -> str:
    lost_on = named_clients(tuple(client for client in support.clients if client in row.clients), support)
    themes = "all" if len(row.themes) == len(THEMES) else ", ".join(row.themes)
    return f"| [{row.gap.feature.title.replace('<', '&lt;')}]({row.gap.feature.url}) | {themes} | {lost_on} |"


def main() -> None:
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + tables(load_support()) + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
