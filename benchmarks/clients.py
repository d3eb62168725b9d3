"""What it costs to look an email up in the table of mail clients.

    python benchmarks/clients.py [STORIES]

The email is a digest of 45 stories, as benchmarks/sizes.py makes it; its share is what rendering it takes in the same
run. Warm is the median of many looks, the styles of the email being known; cold is the first one.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sizes import CHECKOUT, EXAMPLE, digest

from newsletter.check.clients.compatibility import compat_findings
from newsletter.check.clients.load_support import load_support
from newsletter.model.issue import Site
from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

SHARES = {"gmail": 25.0, "outlook": 25.0, "apple-mail": 25.0, "yahoo": 25.0}
ROUNDS = 30


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    stories = int(sys.argv[1]) if len(sys.argv) > 1 else 45
    issue = parse_post(digest(stories), path=EXAMPLE.name, site=Site("https://example.com")).issue
    theme = load_theme("classic", Path(CHECKOUT))
    masthead = Masthead("AI 日报", "Example Ltd, 1 Example Street, Shanghai", unsubscribe=True)
    html = "".join(part for part in render_issue(issue, theme, masthead).html.parts if isinstance(part, str))
    load = milliseconds(load_support)
    support = load_support()
    cold = milliseconds(lambda: compat_findings(html, support, SHARES))
    warm = statistics.median(milliseconds(lambda: compat_findings(html, support, SHARES)) for _ in range(ROUNDS))
    rendering = statistics.median(milliseconds(lambda: render_issue(issue, theme, masthead)) for _ in range(5))
    print(f"{len(html.encode()):,} bytes of HTML, {len(support.features)} features, {len(support.clients)} clients")
    print(f"load the table {load:.1f} ms; look up: first {cold:.1f} ms, then {warm:.1f} ms")
    print(f"that is {warm / rendering:.2f} of rendering the issue ({rendering:.0f} ms)")


if __name__ == "__main__":
    main()
