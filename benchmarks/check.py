"""How long `newsletter check` takes, beside `npx mjml` in the same run: `python benchmarks/check.py [POST]`.

Prints (a) a cold `newsletter check`, a cold `newsletter render` and a cold `npx mjml --validate` of the same MJML,
interleaved, with the ratios of their medians, (b) what each part of a check costs in a warm process. Neither links nor
SpamAssassin are asked. Times are the processor's.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from render import COLD_ROUNDS, DEFAULT_POST, NEWSLETTER, NODE, milliseconds, render_command, seconds

TARGET_S = 0.6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("post", nargs="?", type=Path, default=DEFAULT_POST)
    parser.add_argument("--rounds", type=int, default=COLD_ROUNDS, help="cold processes; warm work four times as often")
    arguments = parser.parse_args()
    post, rounds = arguments.post.resolve(), arguments.rounds
    with tempfile.TemporaryDirectory() as folder:
        print_cold(post, Path(folder), rounds)
    print_warm(post, 4 * rounds)


def print_cold(post: Path, out: Path, rounds: int) -> None:
    seconds(render_command(post, out))
    commands = {
        "newsletter check": ((*NEWSLETTER, "check", str(post), "--no-spam"), None),
        "newsletter render": (render_command(post, out), None),
    }
    npx = shutil.which("npx")
    if npx is not None and (NODE / "node_modules" / "mjml").is_dir():
        commands["npx mjml --validate"] = ((npx, "--no-install", "mjml", "--validate", str(out / "email.mjml")), NODE)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (command, folder) in commands.items():
            times[name].append(seconds(command, cwd=folder))
    print(f"(a) {post.name}: cold process, median of {rounds}, interleaved")
    ours = statistics.median(times["newsletter check"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"    {name:<20} {median * 1000:>6.0f} ms   check takes {ours / median:.2f} of it")
    print(f"    wanted: {TARGET_S * 1000:.0f} ms at most")


def print_warm(post: Path, rounds: int) -> None:
    from newsletter.check.check_post import check_post, findings_of
    from newsletter.check.rendered.contrast import contrast_findings
    from newsletter.check.rendered.email_rules import sample_text
    from newsletter.check.source.fixes import find_fixes
    from newsletter.config.load import load_config
    from newsletter.pipeline.render_post import render_post

    config = load_config(None, {}, post.parent)
    rendering = render_post(str(post), config)
    html = sample_text(rendering.email.html)
    print(f"(b) one process, median of {rounds}")
    parts = {
        "read, render and check": lambda: check_post(str(post), config),
        "of which the checks": lambda: findings_of(rendering, config),
        "of which slips": lambda: find_fixes(rendering.text, (rendering.issue,), rendering.path),
        "of which contrast": lambda: contrast_findings(html),
    }
    for name, work in parts.items():
        print(f"    {name:<24} {statistics.median(milliseconds(work) for _ in range(rounds)):>6.1f} ms")


if __name__ == "__main__":
    main()
