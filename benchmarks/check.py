"""How long `newsletter check` takes, beside `npx mjml` in the same run: `python benchmarks/check.py [POST]`.

Prints a cold `newsletter check`, a cold `newsletter render` and a cold `npx mjml --validate` of the same MJML, in
turns, and what each part of a check costs in a warm process. Neither links nor SpamAssassin are asked. Times are the
processor's.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from functools import partial
from pathlib import Path

from figures import ROUNDS, cpu_seconds, in_turns, machine, median_and_least, print_table, ratios
from render import DEFAULT_POST, NEWSLETTER, NODE, process_seconds, render_command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("post", nargs="?", type=Path, default=DEFAULT_POST)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="cold processes; warm work four times as often")
    arguments = parser.parse_args()
    post, rounds = arguments.post.resolve(), arguments.rounds
    print(f"{machine()}; {post.name}; CPU time, median and least of {rounds} in turns, warm of {4 * rounds}\n")
    with tempfile.TemporaryDirectory() as folder:
        taken = cold(post, Path(folder), rounds)
    check = taken["cold `newsletter check`"]
    rows = [[name, median_and_least(seconds), ratios(check, seconds)] for name, seconds in taken.items()]
    rows += [[name, median_and_least(seconds, places=1), ""] for name, seconds in warm(post, 4 * rounds).items()]
    print_table(["", "takes", "`check` takes of it"], rows)


def cold(post: Path, out: Path, rounds: int) -> dict[str, list[float]]:
    cpu_seconds(render_command(post, out))
    ways = {
        "cold `newsletter check`": partial(cpu_seconds, (*NEWSLETTER, "check", str(post), "--no-spam")),
        "cold `newsletter render`": partial(cpu_seconds, render_command(post, out)),
    }
    npx = shutil.which("npx")
    if npx is not None and (NODE / "node_modules" / "mjml").is_dir():
        validate = (npx, "--no-install", "mjml", "--validate", str(out / "email.mjml"))
        ways["`npx mjml --validate` of the email's MJML"] = partial(cpu_seconds, validate, NODE)
    return in_turns(ways, rounds)


def warm(post: Path, rounds: int) -> dict[str, list[float]]:
    from newsletter.check.check_post import check_post, findings_of
    from newsletter.check.rendered.contrast import contrast_findings
    from newsletter.check.rendered.email_rules import sample_text
    from newsletter.check.source.fixes import find_fixes
    from newsletter.config.load import load_config
    from newsletter.pipeline.render_post import render_post

    config = load_config(None, {}, post.parent)
    rendering = render_post(str(post), config)
    html = sample_text(rendering.email.html)
    parts = {
        "one process: read, render and check": lambda: check_post(str(post), config),
        "of which the checks": lambda: findings_of(rendering, config),
        "of which slips": lambda: find_fixes(rendering.text, (rendering.issue,), rendering.path),
        "of which contrast": lambda: contrast_findings(html),
    }
    return in_turns({name: partial(process_seconds, work) for name, work in parts.items()}, rounds)


if __name__ == "__main__":
    main()
