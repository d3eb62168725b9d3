"""Size and speed of rendering, each beside its peer in the same run.

    python benchmarks/render.py [NAME=POST ...]     by default example=examples/2026-03-02-ai-daily.md

Prints one column for each post: the sizes of its parts; a cold `newsletter render`, `newsletter check`, and `mjml` on
the same MJML, with npx and without, in turns, with the ratios of their medians and of the quickest of each; a warm
rendering in this process. Times are the processor's, since a busy machine makes every command wait. The npm packages
come from `npm ci --prefix tests/node`.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from figures import ROUNDS, cpu_seconds, in_turns, machine, median_and_least, print_table, ratios

CHECKOUT = Path(__file__).resolve().parents[1]
DEFAULT_POST = CHECKOUT / "examples" / "2026-03-02-ai-daily.md"
NODE = CHECKOUT / "tests" / "node"
BASE64_LINE = 76
NEWSLETTER = (sys.executable, "-m", "newsletter")

WANTED = {
    "`email.html`, bytes": "40,000",
    "as base64 with its line ends": "56,000",
    "our cold rendering, of `mjml` alone": "0.45",
    "`check`, of `render`": "1.4",
    "warm parse and render, one process": "45 ms",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("posts", nargs="*", default=[f"example={DEFAULT_POST}"], metavar="NAME=POST")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="cold processes; warm work four times as often")
    arguments = parser.parse_args()
    posts = dict(each.split("=", 1) if "=" in each else (Path(each).stem, each) for each in arguments.posts)
    rounds = arguments.rounds
    print(f"{machine()}; CPU time, median and least of {rounds} in turns, warm of {4 * rounds}\n")
    columns = [figures_of(Path(post).resolve(), rounds) for post in posts.values()]
    print_table(
        ["", *posts, "wanted"],
        ([what, *(column.get(what, "") for column in columns), WANTED.get(what, "")] for what in columns[0]),
    )
    print(f"\nHeavy modules that `newsletter --help` loads: {', '.join(heavy_modules()) or 'none'}")


def figures_of(post: Path, rounds: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        cpu_seconds(render_command(post, out))
        return {**sizes(out), **cold(post, out, rounds), **warm(post, 4 * rounds)}


def render_command(post: Path, out: Path) -> Sequence[str]:
    return (*NEWSLETTER, "render", str(post), "--out", str(out))


def sizes(out: Path) -> dict[str, str]:
    data = (out / "email.html").read_bytes()
    text = base64.b64encode(data)
    encoded = len(text) + 2 * -(-len(text) // BASE64_LINE)
    return {"`email.html`, bytes": f"{len(data):,}", "as base64 with its line ends": f"{encoded:,}"}


def cold(post: Path, out: Path, rounds: int) -> dict[str, str]:
    npx = shutil.which("npx")
    alone = NODE / "node_modules" / ".bin" / "mjml"
    on_ours = (str(out / "email.mjml"), "-o", str(out / "official.html"))
    ways = {
        "cold `newsletter render`": partial(cpu_seconds, render_command(post, out)),
        "cold `newsletter check`": partial(cpu_seconds, (*NEWSLETTER, "check", str(post))),
    }
    if npx is None or not alone.exists():
        print("npx or the tests' npm packages are missing: nothing to compare with", file=sys.stderr)
    else:
        ways["cold `mjml` on our `email.mjml`"] = partial(cpu_seconds, (str(alone), *on_ours))
        ways["cold `npx mjml` on it"] = partial(cpu_seconds, (npx, "--no-install", "mjml", *on_ours), NODE)
    taken = in_turns(ways, rounds)
    shown = {name: median_and_least(seconds) for name, seconds in taken.items()}
    render, check, *peers = taken.values()
    for what, peer in zip(("our cold rendering, of `mjml` alone", "of `npx mjml`"), peers, strict=False):
        shown[what] = ratios(render, peer)
    return {**shown, "`check`, of `render`": ratios(check, render)}


def warm(post: Path, rounds: int) -> dict[str, str]:
    from newsletter.model.issue import Site
    from newsletter.model.rendered_email import Masthead
    from newsletter.post.parse import decode_post, parse_post
    from newsletter.render.render_issue import render_issue
    from newsletter.render.themes.load import load_theme

    theme = load_theme("classic", CHECKOUT)
    data = post.read_bytes()
    masthead = Masthead("Benchmark", "1 Example Street", unsubscribe=True)

    def parse_only() -> object:
        return parse_post(decode_post(data, post.name), path=post.name, site=Site("https://example.com")).issue

    def parse_and_render() -> object:
        issue = parse_post(decode_post(data, post.name), path=post.name, site=Site("https://example.com")).issue
        return render_issue(issue, theme, masthead)

    parse_and_render()
    ways = {"warm parse and render, one process": parse_and_render, "of which parsing": parse_only}
    taken = in_turns({name: partial(process_seconds, work) for name, work in ways.items()}, rounds)
    return {name: median_and_least(seconds, places=1) for name, seconds in taken.items()}


def process_seconds(work: Callable[[], object]) -> float:
    """CPU time of a call in this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


# What has no place in a command that prints its help: each costs tens of milliseconds or more.
HEAVY = (
    "premailer",
    "cssutils",
    "requests",
    "mjml",
    "jinja2",
    "lxml",
    "markdown_it",
    "sqlalchemy",
    "pydantic",
    "aiosmtplib",
)


def heavy_modules() -> list[str]:
    probe = "\n".join(
        [
            "import sys",
            "from newsletter.cli.main import cli",
            "cli.main(['--help'], standalone_mode=False)",
            f"print('@@', *(name for name in {HEAVY!r} if name in sys.modules))",
        ]
    )
    done = subprocess.run((sys.executable, "-c", probe), check=True, capture_output=True, text=True)
    return done.stdout.rpartition("@@")[2].split()


if __name__ == "__main__":
    main()
