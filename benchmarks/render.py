"""Size and speed of rendering, each beside its peer in the same run: `python benchmarks/render.py [POST]`.

Prints (a) the sizes of the post's parts, (b) a cold `newsletter render`, `newsletter check`, and `mjml` on the same
MJML, with npx and without, in turns, with the ratios of their medians and of the quickest of each, (c) a warm render in
this process, (d) what `newsletter --help` loads. Times are the processor's, since a busy machine makes every command
wait. The npm packages come from `npm ci --prefix tests/node`.
"""

from __future__ import annotations

import argparse
import base64
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
DEFAULT_POST = CHECKOUT / "examples" / "2026-03-02-ai-daily.md"
NODE = CHECKOUT / "tests" / "node"

COLD_ROUNDS = 5
BASE64_LINE = 76

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

NEWSLETTER = (sys.executable, "-m", "newsletter")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("post", nargs="?", type=Path, default=DEFAULT_POST)
    parser.add_argument("--rounds", type=int, default=COLD_ROUNDS, help="cold processes; warm work four times as often")
    arguments = parser.parse_args()
    post, rounds = arguments.post.resolve(), arguments.rounds
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        seconds(render_command(post, out))
        print_sizes(post, out)
        print_cold(post, out, rounds)
    print_warm(post, 4 * rounds)
    print_help(rounds)


def render_command(post: Path, out: Path) -> Sequence[str]:
    return (*NEWSLETTER, "render", str(post), "--out", str(out))


def seconds(command: Sequence[str], cwd: Path | None = None) -> float:
    """CPU time of a whole process and of its children, start and end included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def print_sizes(post: Path, out: Path) -> None:
    print(f"(a) {post.name}")
    for name in ("email.html", "email.txt", "email.mjml"):
        data = (out / name).read_bytes()
        text = base64.b64encode(data)
        encoded = len(text) + 2 * -(-len(text) // BASE64_LINE)
        print(f"    {name:<12} {len(data):>9,} bytes, {encoded:>9,} as base64 with its line ends")


def print_cold(post: Path, out: Path, rounds: int) -> None:
    print(f"(b) cold process, CPU time, median (and least) of {rounds}, in turns")
    npx = shutil.which("npx")
    alone = NODE / "node_modules" / ".bin" / "mjml"
    if npx is None or not alone.exists():
        print("    npx or the tests' npm packages are missing: nothing to compare with")
        return
    on_ours = (str(out / "email.mjml"), "-o", str(out / "official.html"))
    commands = {
        "newsletter render": render_command(post, out),
        "newsletter check": (*NEWSLETTER, "check", str(post)),
        "mjml": (str(alone), *on_ours),
        "npx mjml": (npx, "--no-install", "mjml", *on_ours),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(seconds(command, cwd=NODE if "npx" in name else None))
    for name, taken in times.items():
        print(f"    {name:<18}{statistics.median(taken) * 1000:>7.0f} ms {min(taken) * 1000:>7.0f} ms")
    for name, peer in (("render", "mjml"), ("render", "npx mjml"), ("check", "newsletter render")):
        ours, theirs = times[f"newsletter {name}"], times[peer]
        ratio = f"{statistics.median(ours) / statistics.median(theirs):.2f} {min(ours) / min(theirs):.2f}"
        print(f"    {name} / {peer:<18} {ratio}")


def print_warm(post: Path, rounds: int) -> None:
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

    first = milliseconds(parse_and_render)
    print(f"(c) one process, CPU time, median (and least) of {rounds}")
    print(f"    first render      {first:>7.1f} ms")
    for name, work in (("warm render", parse_and_render), ("of which parsing", parse_only)):
        taken = [milliseconds(work) for _ in range(rounds)]
        print(f"    {name:<18}{statistics.median(taken):>7.1f} ms {min(taken):>7.1f} ms")


def milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def print_help(rounds: int) -> None:
    probe = "\n".join(
        [
            "import sys",
            "from newsletter.cli.main import cli",
            "cli.main(['--help'], standalone_mode=False)",
            f"print('@@', *(name for name in {HEAVY!r} if name in sys.modules))",
        ]
    )
    done = subprocess.run((sys.executable, "-c", probe), check=True, capture_output=True, text=True)
    loaded = done.stdout.rpartition("@@")[2].split()
    least = min(seconds((*NEWSLETTER, "--help")) for _ in range(rounds))
    print(
        f"(d) newsletter --help {least * 1000:>5.0f} ms at least; heavy modules loaded: {', '.join(loaded) or 'none'}"
    )


if __name__ == "__main__":
    main()
