"""Query SpamAssassin's daemon for a message's score, if it runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence

from newsletter.check.spam.spam_rules import SpamRule, SpamVerdict

# One try with a second to connect: the default of three, with pauses, would delay all users without a daemon.
_QUICKLY = ("--connect-timeout=1", "--connect-retries=1", "--filter-retries=1")
# --no-safe-fallback: without a daemon, exit with an error code instead of printing the message.
_REPORT = ("--full", "--no-safe-fallback")

_SCORE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*/\s*(-?\d+(?:\.\d+)?)\s*")
_HEADING = re.compile(r"\s*-+ -+ -+\s*")
# The template `report _SUMMARY_`: scores right-aligned in four columns, the name in 22, the description, wrapped with
# indentation.
_RULE = re.compile(r"\s{0,4}(-?\d+(?:\.\d+)?)\s+([A-Z][A-Z0-9_]*)(?:\s+(.*))?")
_WRAPPED = re.compile(r"\s{20,}(\S.*)")
# Prefixes of a rule's description that name the examined part: useless to an author.
_PART = re.compile(r"(?:BODY|RAW|URI|FULL|HEADER): ")


def spam_score(message: bytes, timeout_s: float = 20.0, spamc: Sequence[str] = ("spamc",)) -> SpamVerdict | None:
    """SpamAssassin's verdict on a wire-format message; None without `spamc`, a daemon, or an answer in time.

    Without a daemon this takes a second at most. `spamc` is the program and, for another daemon than `spamc.conf`'s,
    its options: ("spamc", "-p", "7833").
    """
    program = shutil.which(spamc[0])
    if program is None:
        return None
    # spamc's limit is 500 KB; a message with embedded pictures may have more.
    size = f"--max-size={len(message) + 1}"
    timeout = f"--timeout={max(1, round(timeout_s))}"
    try:
        done = subprocess.run(  # noqa: S603 (no shell; the options are the operator's)
            [program, *spamc[1:], *_QUICKLY, *_REPORT, size, timeout],
            input=message,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    return read_report(done.stdout.decode("utf-8", "replace")) if done.returncode == 0 else None


def read_report(report: str) -> SpamVerdict | None:
    """Parse the output of `spamc --full`: "score/threshold", prose, then a table of the rules that hit.

    None if nothing was scored ("0/0"), or if it is no report.
    """
    first, *lines = report.splitlines() or [""]
    score = _SCORE.fullmatch(first)
    if score is None or float(score[2]) <= 0:
        return None
    # The last one: a message may contain such a line itself, and the report quotes it above.
    start = max((index for index, line in enumerate(lines) if _HEADING.fullmatch(line)), default=len(lines))
    return SpamVerdict(float(score[1]), float(score[2]), _rules(lines[start + 1 :]))


def _rules(table: Sequence[str]) -> tuple[SpamRule, ...]:
    rules: list[SpamRule] = []
    for line in table:
        if found := _RULE.fullmatch(line):
            words = _PART.sub("", found[3] or "", count=1).strip()
            rules.append(SpamRule(found[2], float(found[1]), "" if words == "No description available." else words))
        elif rules and (more := _WRAPPED.fullmatch(line)):
            last = rules.pop()
            rules.append(SpamRule(last.name, last.points, f"{last.what} {more[1].strip()}".strip()))
        else:
            break
    return tuple(rules)
