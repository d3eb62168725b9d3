"""The size table of docs/benchmarks.md: digests of 10 to 200 stories in each theme, decoded and encoded bytes.

    python benchmarks/sizes.py [STORIES ...]

A digest of n stories repeats those of the example, each picture at an address of its own, so that the mix of text,
links and pictures stays what it is. The time is that of one warm rendering.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from newsletter.model.issue import Site
from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.size_budget import encoded_size
from newsletter.render.themes.load import load_theme

CHECKOUT = Path(__file__).parent.parent
EXAMPLE = CHECKOUT / "examples" / "2026-03-02-ai-daily.md"
COUNTS = (10, 45, 90, 200)
THEMES = ("classic", "brief", "essay")


def digest(stories: int) -> str:
    """The example's front, then its stories again and again, in sections of fifteen."""
    text = EXAMPLE.read_text("utf-8")
    head = text[: text.index("#### ")]
    items = re.findall(r"^\d+\.\s+.*?(?=^\d+\.\s|^#|\Z)", text, re.MULTILINE | re.DOTALL)
    parts = [head]
    for number in range(stories):
        if number % 15 == 0:
            parts.append(f"\n#### **栏目 {number // 15 + 1}**\n\n")
        item = re.sub(r"^\d+\.", f"{number % 15 + 1}.", items[number % len(items)].rstrip())
        parts.append(item.replace("(images/", f"(https://img.example.com/2026/03/02/{number}/") + "\n")
    return "".join(parts)


def main() -> None:
    masthead = Masthead("AI 日报", "Example Ltd, 1 Example Street, Shanghai", unsubscribe=True)
    site = Site("https://example.com", permalink="pretty")
    print("| stories | theme | decoded | encoded | pictures shown | stories shown | ms |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for count in [int(count) for count in sys.argv[1:]] or COUNTS:
        issue = parse_post(digest(count), path=EXAMPLE.name, site=site).issue
        for name in THEMES:
            theme = load_theme(name, CHECKOUT)
            render_issue(issue, theme, masthead)
            started = time.perf_counter()
            email = render_issue(issue, theme, masthead)
            spent = (time.perf_counter() - started) * 1000
            html = "".join(part for part in email.html.parts if isinstance(part, str))
            size = len(html.encode())
            numbers = len(re.findall(r"<(?:tr|p)[^>]*>(?:<td[^>]*>)?<b[^>]*>\d+\.?</b>", html))
            shown = f"{html.count('<img')} | {numbers}"
            print(f"| {count} | {name} | {size:,} | {encoded_size(size):,} | {shown} | {spent:.0f} |")
            for finding in email.findings:
                if finding.code == "budget":
                    print(f"|  |  | {finding.what} |")


if __name__ == "__main__":
    main()
