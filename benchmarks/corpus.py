"""A folder of posts, each rendered and compared with kramdown's page of it: posts, whole, refused, cut, wide, seconds.

    python benchmarks/corpus.py FOLDER [--show 20] [--most 1000] [--widths 320,640]

Whole is a post of which both parts of the email say every word, link, picture and line of code, in order, that
Debian's kramdown with its GFM parser shows (ruby-kramdown, ruby-kramdown-parser-gfm), or that GitHub's cmark-gfm shows,
which reads some fences and footnotes that the other takes for words. Fetch public repositories of
posts to try it; nothing of them belongs in here. Wide is an email of which anything ends beyond a window of one of
`--widths`, in Chromium.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT / "tests" / "support"))

from browser import FLAGS  # noqa: E402
from email_page import EmailPage  # noqa: E402
from kramdown import Kramdown, github_html, lost_in_html, lost_in_text, said_by  # noqa: E402

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
_MDX_TAGS = re.compile(r"\s*(?:</?(?:[A-Z][\w.]*|details|div|section|article|aside|center)(?:\s[^<>]*)?/?>\s*)+")
_COMMENT = re.compile(r"(?ms)^<!--.*?-->")  # kramdown takes one behind a list for words
_CONTAINER = re.compile(r"(\s*(?:> ?)*(?:[-*+] |\d+\. )?):{3,}\s*(.*?)[\s:]*")
_ADMONITION = re.compile(r"(\s*)(?:!!!|\?\?\?\+?|===) *([\w -]*)(?:\"(.*)\")?\s*")
SITE = Site("https://blog.example")


def body_of(source: str, path: str) -> str:
    """A post's Markdown as Jekyll's kramdown would see it."""
    front = read_front_matter(source, path)
    plain = resolve_shortcodes(front.body, path=path, first_line=1).text
    text = resolve_liquid(plain, SITE, front.values, path=path, first_line=1, choose=lambda condition: False).text
    return _without_boxes(_COMMENT.sub("", _without_tags(text) if path.endswith(".mdx") else text))


def _without_boxes(text: str) -> str:
    """Containers (`:::tip[Title]`) and admonitions (`!!! tip "Title"`) as titles and words: no oracle knows them."""
    lines: list[str] = []
    fence = ""
    set_in: list[int] = []  # how far the lines of each open admonition are set in
    source = text.split("\n")
    for index, line in enumerate(source):
        depth = len(line) - len(line.lstrip())
        while set_in and line.strip() and depth < set_in[-1]:
            set_in.pop()
        line = line[min(4 * len(set_in), depth) :]
        if marks := re.match(r"\s*(?:> ?)*(?:[-*+] )?(`{3,}|~{3,})", line):
            fence = marks[1] if not fence else "" if marks[1].startswith(fence) else fence
        elif not fence and (box := _CONTAINER.fullmatch(line)):
            lines += [box[1].rstrip(), box[1] + _title_of(box[2]), box[1].rstrip()]
            continue
        elif not fence and (head := _ADMONITION.fullmatch(line)) and bool(head[2]) != line.lstrip().startswith("="):
            below = next((each for each in source[index + 1 :] if each.strip()), "")
            if len(below) - len(below.lstrip()) >= depth + 4:
                set_in.append(depth + 4)
                lines += ["", head[1] + (head[3] or ""), ""]
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
    in_fence = False
    depth = set_in = 0
    above = ""
    for line in text.split("\n"):
        if _MDX_TAGS.fullmatch(line) and not in_fence:
            if not depth and line.startswith("<details"):
                set_in = 4
            elif not depth and re.match(r" {4}", line) and re.match(r"[^\W\d]", above):
                set_in = len(line) - len(line.lstrip())
            depth = max(depth + line.count("<") - line.count("/>") - 2 * line.count("</"), 0)
            set_in = set_in if depth else 0
            lines.append("")
            continue
        line = re.sub(f"^ {{0,{set_in}}}", "", line)
        in_fence ^= line.lstrip().startswith("```")
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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", type=int, default=10, help="posts that are not whole, with what they lack")
    parser.add_argument("--most", type=int, default=100_000, help="posts at most")
    parser.add_argument("--widths", default="", help="pixels of windows to measure in, with commas between")
    options = parser.parse_args()
    widths = [int(width) for width in options.widths.split(",") if width]
    theme: Theme = load_theme("classic", CHECKOUT)
    paths = sorted(path for path in options.folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    refused: Counter[str] = Counter()
    findings: Counter[str] = Counter()
    posts = whole = cut = shown = wide = 0
    seconds = 0.0
    with ExitStack() as stack:
        kramdown = stack.enter_context(Kramdown())
        window = stack.enter_context(browser(widths))
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
            cut += was_cut(email)
            missing = lost(email, body_of(source, name), kramdown)
            whole += not missing
            html = fill(email.html, {})
            found = window.sticking_out(html, *widths) if window else {}
            out = [f"{each} (of {width})" for width, named in found.items() for each in named]
            out = [each for each in out if not (each.startswith("<img") and " clips " in each)]  # no picture is loaded
            wide += bool(out)
            if out:
                print(f"{name}: wide: {'; '.join(out[:3])[:300]}")
            if missing and shown < options.show:
                shown += 1
                print(f"{name}: {len(missing)}: {'; '.join(missing[:3])[:300]}")
    print(f"{posts} posts, {whole} whole, {sum(refused.values())} refused, {cut} cut, {wide} wide, {seconds:.1f} s")
    for reason, count in refused.most_common():
        print(f"  refused {count}: {reason}")
    print("  findings: " + ", ".join(f"{code} {count}" for code, count in findings.most_common(25)))


if __name__ == "__main__":
    main()
