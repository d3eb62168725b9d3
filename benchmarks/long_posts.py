"""What posts of 300 KB cost: `python benchmarks/long_posts.py [SHAPE ...]`.

A post of each shape, parsed and rendered in one process that has rendered a small post before, in the processor's time:
the least of `--rounds`. The garbage collector has the command's own thresholds. `--over SECONDS` prints those alone
that take longer; `--profile` shows where their time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from figures import machine, print_table

from newsletter.errors import NewsletterError
from newsletter.model.issue import Site
from newsletter.model.rendered_email import Email, Masthead, Theme
from newsletter.post.parse import decode_post, parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

CHECKOUT = Path(__file__).resolve().parents[1]
SIZE = 300_000
FRONT = "title: Long\ndate: 2026-03-01\n"
LATIN = [
    *("lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit", "sed", "do", "eiusmod", "tempor"),
    *("incididunt", "ut", "labore", "et", "dolore", "magna", "aliqua", "enim", "ad", "minim", "veniam", "quis"),
    *("nostrud", "exercitation"),
]
HAN = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会"
    "可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
)
ARABIC = ["في", "من", "على", "أن", "إلى", "التي", "عن", "الذي", "هذا", "كان", "بين", "بعد", "قال", "ذلك", "كل", "عام"]

random_words = random.Random(300)


def w(count: int) -> str:
    return " ".join(random_words.choice(LATIN) for _ in range(count))


def han(count: int) -> str:
    return "".join(random_words.choice(HAN) for _ in range(count))


def arabic(count: int) -> str:
    return " ".join(random_words.choice(ARABIC) for _ in range(count))


@dataclass(frozen=True, slots=True)
class Shape:
    """A post of one kind of thing, `each` (of its number) repeated to `size` bytes, with an end for as many."""

    each: Callable[[int], str]
    end: Callable[[int], str] = lambda count: ""
    start: str = ""
    front: str = FRONT
    size: int = SIZE
    most: int = 10**9

    def post(self) -> bytes:
        random_words.seed(300)
        parts = [self.start]
        size = number = 0
        while size < self.size and number < self.most:
            number += 1
            parts.append(self.each(number))
            size += len(parts[-1].encode())
        body = "".join(parts) + self.end(number)
        fence = "" if self.front.startswith("+++") else "---\n"
        return f"{fence}{self.front}{fence}\n{body}".encode()


def table(number: int) -> str:
    rows = "".join(f"| {w(2)} | {w(2)} | [{w(1)}](https://example.com/{number}) |\n" for _ in range(8))
    return f"## T{number}\n\n| a | b | c |\n|---|---|---|\n{rows}\n"


SHAPES = {
    # Blocks
    "quotes": Shape(lambda i: f"> {w(12)}\n>\n> {w(5)}\n\n"),
    "quotes in quotes": Shape(lambda i: f"> {w(4)}\n>\n> > {w(4)}\n> >\n> > > {w(4)}\n\n"),
    "headings with a paragraph": Shape(lambda i: f"## {w(3)} {i}\n\n{w(10)}\n\n"),
    "headings alone": Shape(lambda i: f"## {w(3)} {i}\n\n"),
    "titled lines": Shape(lambda i: f"**{w(2)} {i}**\n{w(6)}\n\n"),
    "titles on the text's line": Shape(lambda i: f"**{w(2)} {i}** {w(6)}\n\n"),
    "bullets": Shape(lambda i: f"- {w(6)}\n"),
    "bullets with blank lines": Shape(lambda i: f"- {w(12)}\n\n"),
    "bullets three deep": Shape(lambda i: f"- {w(3)}\n  - {w(3)}\n    - {w(4)}\n"),
    "tasks": Shape(lambda i: f"- [{' x'[i % 2]}] {w(6)}\n"),
    "numbered items with a source": Shape(lambda i: f"{i}. **{w(2)}** {w(6)} [{w(1)}](https://example.com/{i})\n\n"),
    "numbered lines": Shape(lambda i: f"{i}. {w(6)}\n"),
    "numbered items with pictures": Shape(
        lambda i: f"{i}. **{w(2)}** {w(6)}\n\n   ![{w(2)}](https://example.com/{i}.png)\n\n"
    ),
    "numbered items in Chinese": Shape(lambda i: f"{i}. **{han(8)}** {han(30)} [原文](https://example.com/{i})\n\n"),
    "paragraphs of two words": Shape(lambda i: f"{w(2)}\n\n"),
    "paragraphs with links": Shape(
        lambda i: f"{w(20)} [{w(2)}](https://example.com/{i}) {w(10)} [{w(1)}](https://example.org/{i}).\n\n"
    ),
    "10,000 footnotes": Shape(
        lambda i: f"word{i}[^{i}]\n\n",
        lambda count: "".join(f"[^{i}]: note {i}\n\n" for i in range(1, count + 1)),
        most=10_000,
        size=10**9,
    ),
    "tables of ten lines": Shape(table),
    "a table of three columns": Shape(
        lambda i: f"| {w(2)} | {w(2)} | {w(3)} |\n", start="| a | b | c |\n|---|---|---|\n"
    ),
    "a table of 200 columns": Shape(
        lambda i: f"|{'|'.join(w(1) for _ in range(200))}|\n", start=f"{'|a' * 200}|\n{'|-' * 200}|\n"
    ),
    "definitions between paragraphs": Shape(lambda i: f"{w(2)}\n: {w(3)}\n\n{w(1)}\n\n"),
    "definitions": Shape(lambda i: f"{w(2)}\n: {w(8)}\n\n"),
    "fences": Shape(lambda i: f'```python\nfor {w(1)} in {i}:\n    print("{w(4)}")\n```\n\n'),
    "one fence": Shape(
        lambda i: f'for {w(1)} in {i}:\n    print("{w(4)}")\n', start="```python\n", end=lambda count: "```\n"
    ),
    "HTML blocks": Shape(lambda i: f'<div class="a">\n<p>{w(4)} <b>{w(2)}</b></p>\n</div>\n\n'),
    "one HTML block": Shape(lambda i: f"<p>{w(4)} <b>{w(2)}</b></p>\n", start="<div>\n", end=lambda count: "</div>\n"),
    "details": Shape(lambda i: f"<details><summary>{w(2)}</summary>\n\n{w(6)}\n\n</details>\n\n"),
    "callouts": Shape(lambda i: f"> [!NOTE]\n> {w(8)}\n\n"),
    "right to left": Shape(lambda i: f"{arabic(12)}\n\n", front=f"{FRONT}lang: ar\n"),
    "numbered items right to left": Shape(
        lambda i: f"{i}. **{arabic(3)}** {arabic(8)} [المصدر](https://example.com/{i})\n\n", front=f"{FRONT}lang: ar\n"
    ),
    # One paragraph
    "one paragraph of words": Shape(lambda i: f"{w(12)}\n"),
    "one line of words": Shape(lambda i: f"{w(12)} "),
    "one paragraph of Chinese": Shape(lambda i: han(60)),
    "lines of Chinese": Shape(lambda i: han(30) + "\n"),
    "paragraphs of many links": Shape(
        lambda i: f"{w(9)} **{w(2)}** [{w(1)}](https://example.org/{i})\n" + "\n" * (i % 1000 == 0)
    ),
    "one word": Shape(lambda i: "abcdefghijklmnopqrstuvwxyz"),
    "words in bold": Shape(lambda i: f"**{w(1)}** *{w(1)}* "),
    "marks that open": Shape(lambda i: "**a *b "),
    "marks alone": Shape(lambda i: "*_"),
    "inline code": Shape(lambda i: f"`{w(2)}` "),
    "Liquid tags": Shape(lambda i: "{% raw %}{{ a }}{% endraw %} {{ site.title }} "),
    "Liquid in paragraphs": Shape(lambda i: f"{w(3)} {{{{ page.title }}}}\n\n"),
    "ruby": Shape(lambda i: "<ruby>東京<rp>(</rp><rt>とうきょう</rt><rp>)</rp></ruby>は"),
    "addresses": Shape(lambda i: f"https://example.com/{i} {w(2)} "),
    "entities": Shape(lambda i: "&amp; &eacute; &#8212; "),
    "escapes": Shape(lambda i: "\\* \\_ \\! "),
    # What is defined elsewhere
    "links by definitions": Shape(
        lambda i: f"[{w(1)}][{i}] {w(4)}\n\n",
        lambda count: "".join(f"[{i}]: https://example.com/{i}\n" for i in range(1, count + 1)),
        size=SIZE // 2,
    ),
    "links to nowhere": Shape(lambda i: f"[{w(1)}][{i}] {w(4)}\n\n"),
    "abbreviations": Shape(
        lambda i: f"{w(3)} AB{i} {w(2)}\n\n",
        lambda count: "".join(f"*[AB{i}]: {w(2)}\n" for i in range(1, count + 1)),
        size=SIZE // 2,
    ),
    # Front matter
    "TOML of 1 MB": Shape(
        lambda i: f"{w(6)}\n\n",
        front="+++\ntitle = 'Long'\n" + "".join(f"k{i} = 'some words of it'\n" for i in range(37_000)) + "+++\n",
        size=1000,
    ),
    "TOML of 5 MB": Shape(
        lambda i: f"{w(6)}\n\n",
        front="+++\ntitle = 'Long'\n" + "".join(f"k{i} = 'some words of it'\n" for i in range(170_000)) + "+++\n",
        size=1000,
    ),
    "YAML of 300 KB": Shape(
        lambda i: f"{w(6)}\n\n",
        front=FRONT + "".join(f"k{i}: some words of a value {i}\n" for i in range(8_000)),
        size=1000,
    ),
    "YAML that grows by aliases": Shape(
        lambda i: f"{w(6)}\n\n",
        front=FRONT
        + "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
        size=1000,
    ),
    "YAML in brackets": Shape(lambda i: f"{w(6)}\n\n", front=f"{FRONT}a: {'[' * 100_000}\n", size=1000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", nargs="*", help=f"a part of its name; all by default: {'; '.join(SHAPES)}")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--over", type=float, default=0.0)
    parser.add_argument("--theme", default="classic")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    gc.set_threshold(100_000, 20, 20)  # as newsletter.cli.main has it
    theme = load_theme(arguments.theme, CHECKOUT)
    parse_and_render((CHECKOUT / "examples" / "2026-03-02-ai-daily.md").read_bytes(), theme)
    print(machine())
    rows: list[tuple[str, str, str, str]] = []
    for name, shape in SHAPES.items():
        if arguments.shape and not any(part in name for part in arguments.shape):
            continue
        data = shape.post()
        taken = []
        for _ in range(arguments.rounds):
            gc.collect()
            taken.append(measured(data, theme))
        total, parsing, said = min(taken)
        if total >= arguments.over:
            rows.append((name, f"{total:.2f}", f"{parsing:.2f}", said))
            if arguments.profile:
                profile(data, theme)
    print_table(("the post is", "s", "of which parsing", "said"), rows)


def measured(data: bytes, theme: Theme) -> tuple[float, float, str]:
    start = time.process_time()
    parsed = start
    try:
        issue = parse_post(decode_post(data, "long.md"), path="long.md", site=Site("https://example.com")).issue
        parsed = time.process_time()
        email = render_issue(issue, theme, Masthead("Benchmark", "1 Example Street", unsubscribe=True))
        said = next((finding.what[:60] for finding in email.findings if finding.code == "budget"), "")
    except NewsletterError as error:
        said = str(error)[:80]
    end = time.process_time()
    return end - start, parsed - start, said


def parse_and_render(data: bytes, theme: Theme) -> Email:
    issue = parse_post(decode_post(data, "long.md"), path="long.md", site=Site("https://example.com")).issue
    return render_issue(issue, theme, Masthead("Benchmark", "1 Example Street", unsubscribe=True))


def profile(data: bytes, theme: Theme) -> None:
    with cProfile.Profile() as profiler:
        measured(data, theme)
    stats = pstats.Stats(profiler)
    stats.sort_stats("cumtime").print_stats(60)
    stats.sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
