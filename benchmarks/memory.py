"""A thousand posts rendered in one process: the peak memory after the first hundred against that after all.

    python benchmarks/memory.py [COUNT]

Each post differs in a word, so that nothing can be answered from a cache. A flat process prints a ratio near 1.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

CHECKOUT = Path(__file__).parent.parent
EXAMPLE = CHECKOUT / "examples" / "2026-03-02-ai-daily.md"


def peak_mb() -> float:
    """Peak resident memory of this process; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    source = EXAMPLE.read_text("utf-8")
    theme = load_theme("classic", CHECKOUT)
    early = 0.0
    for number in range(1, count + 1):
        issue = parse_post(source.replace("AI", f"AI{number}"), path=EXAMPLE.name).issue
        render_issue(issue, theme, Masthead("AI 日报", "Example Ltd", unsubscribe=True))
        if number == max(1, count // 10):
            early = peak_mb()
    late = peak_mb()
    print(f"peak memory after {max(1, count // 10):,} posts: {early:.1f} MB")
    print(f"peak memory after {count:,} posts: {late:.1f} MB, ratio {late / early:.3f}")


if __name__ == "__main__":
    main()
