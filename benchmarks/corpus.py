"""A folder of posts, each rendered and compared with kramdown's page of it: posts, whole, refused, cut, seconds.

    python benchmarks/corpus.py FOLDER [--show 20] [--most 1000]

Whole is a post of which both parts of the email say every word, link, picture and line of code, in order, that
Debian's kramdown with its GFM parser shows (ruby-kramdown, ruby-kramdown-parser-gfm). Fetch public repositories of
posts to try it; nothing of them belongs in here.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT / "tests" / "support"))

from kramdown import Kramdown, lost_in_html, lost_in_text, said_by  # noqa: E402

from newsletter.errors import ContentError  # noqa: E402
from newsletter.message.compose import fill  # noqa: E402
from newsletter.model.issue import Site  # noqa: E402
from newsletter.model.rendered_email import Email, Masthead, Theme  # noqa: E402
from newsletter.post.front_matter import read_front_matter  # noqa: E402
from newsletter.post.parse import decode_post, parse_post  # noqa: E402
from newsletter.post.templating.liquid import resolve_liquid  # noqa: E402
from newsletter.post.templating.shortcodes import resolve_shortcodes  # noqa: E402
from newsletter.render.render_issue import render_issue  # noqa: E402
from newsletter.render.themes.load import load_theme  # noqa: E402

ENDINGS = (".md", ".markdown", ".mdx", ".mkd")
SITE = Site("https://blog.example")


def body_of(source: str, path: str) -> str:
    """A post's Markdown as Jekyll's kramdown would see it."""
    front = read_front_matter(source, path)
    plain = resolve_shortcodes(front.body, path=path, first_line=1).text
    return resolve_liquid(plain, SITE, front.values, path=path, first_line=1, choose=lambda condition: False).text


def lost(email: Email, markdown: str, kramdown: Kramdown) -> list[str]:
    said = said_by(kramdown.html(markdown))
    html, text = (fill(part, {}) for part in (email.html, email.text))
    return [
        *(f"html: {each}" for each in lost_in_html(said, html)),
        *(f"text: {each}" for each in lost_in_text(said, text)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", type=int, default=10, help="posts that are not whole, with what they lack")
    parser.add_argument("--most", type=int, default=100_000, help="posts at most")
    options = parser.parse_args()
    theme: Theme = load_theme("classic", CHECKOUT)
    paths = sorted(path for path in options.folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    refused: Counter[str] = Counter()
    findings: Counter[str] = Counter()
    posts = whole = cut = shown = 0
    seconds = 0.0
    with Kramdown() as kramdown:
        for path in paths[: options.most]:
            posts += 1
            name = str(path.relative_to(options.folder))
            began = time.perf_counter()
            try:
                source = decode_post(path.read_bytes(), name)
                issue = parse_post(source, path=name, site=SITE).issue
                email = render_issue(issue, theme, Masthead())
            except ContentError as error:
                seconds += time.perf_counter() - began
                refused[re.sub(r"^[^:]*(?::\d+)*: |['“][^'”]*['”]|\d+", "", str(error))[:80]] += 1
                if options.show > 0 and shown < options.show:
                    print(f"refused: {error}")
                continue
            seconds += time.perf_counter() - began
            findings.update({finding.code for finding in email.findings})
            was_cut = any("ends early" in finding.what for finding in email.findings)
            cut += was_cut
            missing = lost(email, body_of(source, name), kramdown)
            if was_cut:
                missing = [each for each in missing if not each.startswith("html")]
            whole += not missing
            if missing and shown < options.show:
                shown += 1
                print(f"{name}: {len(missing)}: {'; '.join(missing[:3])[:300]}")
    print(f"{posts} posts, {whole} whole, {sum(refused.values())} refused, {cut} cut, {seconds:.1f} s")
    for reason, count in refused.most_common():
        print(f"  refused {count}: {reason}")
    print("  findings: " + ", ".join(f"{code} {count}" for code, count in findings.most_common(25)))


if __name__ == "__main__":
    main()
