"""A folder of posts, each rendered and compared with kramdown's page of it: posts, whole, refused, cut, wide, seconds.

    python benchmarks/corpus.py FOLDER [--show 20] [--most 1000] [--widths 320,640] [--measure 400] [--jobs 4]

Whole is a post of which both parts of the email say every word, link, picture and line of code, in order, that
Debian's kramdown with its GFM parser shows (ruby-kramdown, ruby-kramdown-parser-gfm), or that GitHub's cmark-gfm shows,
which reads some fences and footnotes that the other takes for words. Fetch public repositories of posts to try it;
nothing of them belongs in here. Wide is an email of which anything ends beyond a window of one of `--widths`, in
Chromium. Seconds are the processor's, of parsing and rendering.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT / "tests" / "support"))

from browser import FLAGS  # noqa: E402
from email_page import EmailPage  # noqa: E402
from kramdown import Kramdown, github_html, lost_in_html, lost_in_text, said_by  # noqa: E402

from newsletter.errors import ContentError  # noqa: E402
from newsletter.message.fill_slots import fill  # noqa: E402
from newsletter.model.issue import Site  # noqa: E402
from newsletter.model.rendered_email import Email, Masthead, Theme  # noqa: E402
from newsletter.post.front_matter import read_front_matter  # noqa: E402
from newsletter.post.parse import decode_post, parse_post  # noqa: E402
from newsletter.post.templating.liquid import resolve_liquid  # noqa: E402
from newsletter.post.templating.shortcodes import resolve_shortcodes  # noqa: E402
from newsletter.render.render_issue import render_issue  # noqa: E402
from newsletter.render.themes.load import load_theme  # noqa: E402

ENDINGS = (".md", ".markdown", ".mdx", ".mkd")
_MDX_TAGS = re.compile(
    r"\s*(?:</?(?:[A-Z][\w.]*|[a-z]+-[\w-]+|details|div|section|article|aside|center)(?:\s[^<>]*)?/?>\s*)+"
)
_COMMENT = re.compile(r"(?ms)^<!--.*?-->")  # kramdown takes one behind a list for words
_CONTAINER = re.compile(r"(\s*(?:> ?)*(?:[-*+] |\d+\. )?):{3,}\s*(.*?)[\s:]*")
_ALERT = re.compile(r"(?m)^([ \t]*(?:[-*+] )?(?:> ?)+)\[!\w+\][+-]?[ \t]*")
# What Python-Markdown, Material for MkDocs and Hugo read and neither page does.
_ICON = re.compile(r":(?:material|octicons|fontawesome|simple)-[a-z0-9-]+:")
_ITEM = r"(?:[.#][\w-]+|\w+=(?:\"[^\"\n]*\"|[\w%.:-]+))"
_LISTS = re.compile(rf"(?m)(?:(?<=[\])*`:])|(?<=__)|^[ \t]*)\{{ ?{_ITEM}(?: {_ITEM})* ?\}}(?!`)")
_HEADING_LISTS = re.compile(r"(?m)^(#.*\S)[ \t]*\{ ?(?:[.#][\w-]+|\w+=)[^{}\n]*\}[ \t]*$")
_ADMONITION = re.compile(r"(\s*)(?:!!!|\?\?\?\+?|===) *([\w -]*)(?:\"(.*)\")?\s*")
SITE = Site("https://blog.example")


def body_of(source: str, path: str) -> str:
    """A post's Markdown as Jekyll's kramdown would see it."""
    front = read_front_matter(source, path)
    plain = resolve_shortcodes(front.body, path=path, first_line=1).text
    text = resolve_liquid(plain, SITE, front.values, path=path, first_line=1, choose=lambda condition: False).text
    text = _COMMENT.sub("", _without_tags(text) if path.endswith(".mdx") else text)
    return _without_boxes(_ICON.sub("", _ALERT.sub(r"\1", _LISTS.sub("", _HEADING_LISTS.sub(r"\1", text)))))


def _without_boxes(text: str) -> str:
    """Containers (`:::tip[Title]`) and admonitions (`!!! tip "Title"`) as titles and words: no oracle knows them."""
    lines: list[str] = []
    fence = ""
    set_in: list[int] = []  # how far the lines of each open admonition are set in
    source = text.split("\n")
    for index, line in enumerate(source):
        line = re.sub(r"^[ \t]+", lambda blanks: blanks[0].expandtabs(4), line)
        depth = len(line) - len(line.lstrip())
        while set_in and line.strip() and depth < set_in[-1]:
            set_in.pop()
        line = line[min(4 * len(set_in), depth) :]
        if marks := re.match(r"\s*(?:> ?)*(?:[-*+] )?(`{3,}|~{3,})", line):
            if not fence and "=" in line:  # `js lines=8,9`: kramdown takes such a fence for words
                line = re.sub(r"([`~]{3,}\s*[\w+#-]*).*", r"\1", line)
            fence = marks[1] if not fence else "" if marks[1].startswith(fence) else fence
        elif not fence and (box := _CONTAINER.fullmatch(line)):
            lines += [box[1].rstrip(), box[1] + _title_of(box[2]), box[1].rstrip()]
            continue
        elif not fence and (head := _ADMONITION.fullmatch(line)) and bool(head[2]) != line.lstrip().startswith("="):
            below = next((each.expandtabs(4) for each in source[index + 1 :] if each.strip()), "")
            if len(below) - len(below.lstrip()) >= depth + 4:
                set_in.append(depth + 4)
                lines += ["", head[1] + (head[3] or ""), ""]
                continue
            if head[2] and head[3]:  # a box of nothing but a title
                lines += ["", head[1] + head[3], ""]
                continue
        lines.append(line)
    return "\n".join(lines)


def _title_of(rest: str) -> str:
    """What a box's first line says beside its name."""
    if attributes := re.match(r"\{(.*)\}", rest):
        named = re.search(r'title="([^"]*)"', attributes[1])
        return named[1] if named else rest[attributes.end() :].strip()
    words = re.sub(r"\{[^{}]*\}\s*$", "", re.sub(r"^[\w-]+\s*", "", rest)).strip()
    words = words[1:-1] if words.startswith("[") and words.endswith("]") else words
    return "" if words in ("alert", "warn", "info") else words


def _without_tags(text: str) -> str:
    """MDX as Markdown: neither kramdown nor GitHub's reader knows that Markdown goes on between its tags.

    A box that is set in, below a paragraph, is no code there either.
    """
    lines: list[str] = []
    fence = ""
    depth = set_in = base = fence_in = 0
    is_list = False
    above = ""
    for line in text.split("\n"):
        line = re.sub(r"^[ \t]+", lambda blanks: blanks[0].expandtabs(4), line)
        if _MDX_TAGS.fullmatch(line) and not fence:
            if not depth and line.startswith("<details"):
                set_in = 4
            elif not depth and re.match(r" {4}", line) and re.match(r"[^\W\d]", above):
                set_in = len(line) - len(line.lstrip())
            depth = max(depth + line.count("<") - line.count("/>") - 2 * line.count("</"), 0)
            set_in = set_in if depth else 0
            lines.append("")
            continue
        line = re.sub(f"^ {{0,{set_in}}}", "", line)
        indent = len(line) - len(line.lstrip())
        if not fence and line.strip():
            if indent < base:
                base, is_list = 0, False
            is_item = re.match(r"(?:[-*+]|\d+[.)])\s", line[indent:])
            if indent >= base + 4 and not is_list:  # no code in MDX
                base = indent
            if is_item or indent == base:
                is_list = bool(is_item) or (is_list and indent > base)
        line = re.sub(f"^ {{0,{base}}}", "", line)
        if marks := re.match(r"(\s*)(`{3,})", line):
            if not fence:
                fence, fence_in = marks[2], max(len(marks[1]) - 4 * is_list, 0) if depth else 0
            elif marks[2].startswith(fence) and line.strip() == marks[2]:
                line = re.sub(f"^ {{0,{fence_in}}}", "", line)
                fence, fence_in = "", 0
        line = re.sub(f"^ {{0,{fence_in}}}", "", line)
        if summary := re.fullmatch(r"(\s*)<summary>(.*)</summary>\s*", line):
            line = f"{summary[1]}{summary[2]}\n"
        lines.append(line)
        above = line if line.strip() else above
    return "\n".join(lines)


def lost(email: Email, markdown: str, kramdown: Kramdown) -> list[str]:
    """What the email lacks of kramdown's page and of GitHub's: nothing where one of them has all that it says."""
    found = lost_of(kramdown.html(markdown), email)
    return found if found and lost_of(github_html(markdown), email) else []


def lost_of(page: str, email: Email) -> list[str]:
    """What the email lacks of a page; what a finding names is not counted."""
    said = said_by(page)
    html, text = (fill(part, {}) for part in (email.html, email.text))
    missing = [
        *(f"html: {each}" for each in lost_in_html(said, html)),
        *(f"text: {each}" for each in lost_in_text(said, text)),
    ]
    codes = {finding.code for finding in email.findings}
    if "table-stories" in codes:  # which says so of the headings that are left out
        missing = [each for each in missing if not each.startswith(("html: heading", "text: heading"))]
    return [each for each in missing if not (was_cut(email) and each.startswith("html"))]


def was_cut(email: Email) -> bool:
    return any("ends early" in finding.what for finding in email.findings)


@contextmanager
def browser(widths: Sequence[int]) -> Iterator[EmailPage | None]:
    """A Chromium that fetches nothing; none where no widths are measured."""
    if not widths:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS])
        page = chromium.new_page()
        page.route(re.compile("^https?:"), lambda route: route.abort())
        yield EmailPage(page, "", Path(folder))
        chromium.close()


@dataclass
class Tally:
    """What was found in the posts of one folder, or of all."""

    posts: int = 0
    whole: int = 0
    cut: int = 0
    measured: int = 0
    wide: int = 0
    seconds: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        for name in ("posts", "whole", "cut", "measured", "wide", "seconds", "refused", "findings"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __str__(self) -> str:
        return (
            f"{self.posts} posts, {self.whole} whole, {sum(self.refused.values())} refused, {self.cut} cut, "
            f"{self.wide} of {self.measured} wide, {self.seconds:.1f} s"
        )


def look_at(
    folder: Path, names: Sequence[str], measured: frozenset[str], widths: Sequence[int], show: int
) -> dict[str, Tally]:
    """Render and compare some of a folder's posts; a tally for each folder in it."""
    theme: Theme = load_theme("classic", CHECKOUT)
    tallies: dict[str, Tally] = {}
    shown = 0
    with ExitStack() as stack:
        kramdown = stack.enter_context(Kramdown())
        window = stack.enter_context(browser(widths if measured else ()))
        for name in names:
            tally = tallies.setdefault(name.partition("/")[0] if "/" in name else ".", Tally())
            tally.posts += 1
            began = time.process_time()
            try:
                source = decode_post((folder / name).read_bytes(), name)
                issue = parse_post(source, path=name, site=SITE).issue
                email = render_issue(issue, theme, Masthead())
            except ContentError as error:
                tally.seconds += time.process_time() - began
                tally.refused[re.sub(r"^[^:]*(?::\d+)*: |['“][^'”]*['”]|\d+", "", str(error))[:80]] += 1
                if show:
                    print(f"refused: {error}", flush=True)
                continue
            tally.seconds += time.process_time() - began
            tally.findings.update({finding.code for finding in email.findings})
            tally.cut += was_cut(email)
            missing = lost(email, body_of(source, name), kramdown)
            tally.whole += not missing
            if missing and shown < show:
                shown += 1
                print(f"{name}: {len(missing)}: {'; '.join(missing[:3])[:300]}", flush=True)
            if window and name in measured:
                tally.measured += 1
                found = window.sticking_out(fill(email.html, {}), *widths)
                out = [f"{each} (of {width})" for width, named in found.items() for each in named]
                out = [each for each in out if not (each.startswith("<img") and " clips " in each)]  # none is loaded
                tally.wide += bool(out)
                if out:
                    print(f"{name}: wide: {'; '.join(out[:3])[:300]}", flush=True)
    return tallies


def sample(names: Sequence[str], most: int) -> frozenset[str]:
    """At most so many posts, the same ones each time, and at least one of every folder."""
    dice = random.Random(1)
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.partition("/")[0], []).append(name)
    first = [dice.choice(each) for each in folders.values()]
    return frozenset(
        [*first, *dice.sample(sorted(set(names) - set(first)), max(0, min(most, len(names)) - len(first)))]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", type=int, default=10, help="posts that are not whole, with what they lack")
    parser.add_argument("--most", type=int, default=100_000, help="posts at most")
    parser.add_argument("--widths", default="", help="pixels of windows to measure in, with commas between")
    parser.add_argument("--measure", type=int, default=100_000, help="posts to measure at most, chosen at random")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    widths = [int(width) for width in options.widths.split(",") if width]
    paths = sorted(path for path in options.folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    names = [path.relative_to(options.folder).as_posix() for path in paths][: options.most]
    measured = sample(names, options.measure) if widths and names else frozenset()
    parts = [names[index :: options.jobs] for index in range(options.jobs)]
    look = partial(look_at, options.folder, measured=measured, widths=widths, show=options.show)
    if options.jobs == 1:
        found = [look(names)]
    else:
        with ProcessPoolExecutor(options.jobs) as pool:
            found = list(pool.map(look, parts))
    tallies: dict[str, Tally] = {}
    for each in found:
        for name, tally in each.items():
            tallies.setdefault(name, Tally()).add(tally)
    whole = Tally()
    for name, tally in sorted(tallies.items()):
        whole.add(tally)
        if len(tallies) > 1:
            print(f"{name}: {tally}")
    print(whole)
    for reason, count in whole.refused.most_common():
        print(f"  refused {count}: {reason}")
    print("  findings: " + ", ".join(f"{code} {count}" for code, count in whole.findings.most_common(25)))


if __name__ == "__main__":
    main()
