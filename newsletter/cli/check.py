"""`newsletter check`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import errors
from newsletter.check.check_post import ask_links, ask_spam, check_post, is_theme_hint, secure_links
from newsletter.check.fix_post import fix_post
from newsletter.check.links.cache import LinkCache
from newsletter.cli.commands.check import ALIKE
from newsletter.cli.console import print_json, terminal_width
from newsletter.cli.failures import MisuseError, ending
from newsletter.cli.grouped_findings import grouped_lines
from newsletter.cli.lazy_group import Deferred
from newsletter.cli.load_settings import load
from newsletter.cli.options import images_mode
from newsletter.cli.progress import Progress
from newsletter.model.column_rules import Rule
from newsletter.pipeline.output_files import html_sizes
from newsletter.text import counted, printable

if TYPE_CHECKING:
    from newsletter.audience.audience import Audience
    from newsletter.check.check_post import Checked
    from newsletter.check.fix_post import FixResult
    from newsletter.check.links.checker import LinkChecker
    from newsletter.config.config import Config
    from newsletter.model.findings import Finding
    from newsletter.pipeline.render_post import Rendering

# With --to and --links: they load a database and an HTTP client, which take longer than the check.
_read_lists = Deferred("newsletter.pipeline.list_sources", "read_lists")
_require_people = Deferred("newsletter.audience.read_audience", "require_people")
_new_link_checker = Deferred("newsletter.check.links.checker", "LinkChecker")

CLIENT_HINTS = "client-*"
SHOWN = {CLIENT_HINTS: 0}
"""Findings about the theme, the same for every post: only --theme prints them."""

ABSENT = "some mail programs lack and do without (client-*)"

JSON_VERSION = 1
"""The version of the --json object. It grows when a key is removed or changes its meaning, not when one is added."""

_COLOURS = {"error": "red", "warning": "yellow", "hint": "cyan"}


def check(
    posts: tuple[str, ...],
    fix: bool,
    dry_run: bool,
    links: bool,
    no_spam: bool,
    to: tuple[str, ...],
    columns: tuple[Rule, ...],
    strict: bool,
    with_theme: bool,
    show_all: bool,
    images: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    if dry_run and not fix:
        raise MisuseError("--dry-run goes with --fix")
    audience = _audience(to, columns, config_path, posts[0])
    described: list[dict[str, Any]] = []
    total: Counter[str] = Counter()
    unmended = False
    for post in posts:
        config = load(config_path, post)
        checker = _link_checker(config) if links else None
        fixed, trouble = _fix(post, config, checker, write=not dry_run, quiet=as_json) if fix else (None, "")
        more = partial(_asked, config=config, checker=checker, spam=not no_spam, quiet=as_json)
        checked = check_post(post, config, audience, images=images_mode(images), theme=with_theme, more=more)
        if trouble and checked.rendering is not None:  # else the check reports it, with its place
            click.echo(printable(trouble), err=True)
            unmended = True
        total.update(finding.severity for finding in checked.findings)
        if as_json:
            described.append(_described(checked, fixed))
            continue
        if fixed is not None:
            _print_mending(post, fixed)
        for line in _lines(checked, show_all=show_all):
            click.echo(line)
    at_fault = unmended or total["error"] or (strict and total["warning"])
    code = errors.EXIT_CONTENT if at_fault else errors.EXIT_OK
    if as_json:
        print_json({"version": JSON_VERSION, "counts": _counts(total), "posts": described, **ending(code)})
    elif len(posts) > 1:
        click.echo(f"\n{len(posts)} posts: {_summary(total)}")
    sys.exit(code)


def _audience(to: tuple[str, ...], columns: tuple[Rule, ...], config_path: Path | None, post: str) -> Audience | None:
    if not to:
        return None
    audience: Audience = _read_lists(load(config_path, post), *to, columns=columns)
    _require_people(audience, ", ".join(to))
    return audience


# --- checks that use the network --------------------------------------------------------------------------------------


def _link_checker(config: Config) -> LinkChecker:
    checker: LinkChecker = _new_link_checker(cache=LinkCache(config.link_cache))
    return checker


def _asked(
    rendering: Rendering, *, config: Config, checker: LinkChecker | None, spam: bool, quiet: bool
) -> tuple[Finding, ...]:

    found: tuple[Finding, ...] = ask_spam(rendering, config, datetime.now(UTC)) if spam else ()
    if checker is not None:
        with Progress("Asking links", quiet=quiet) as asking:
            found += ask_links(rendering, checker, asking.show)
    return found


def _fix(
    post: str, config: Config, checker: LinkChecker | None, *, write: bool, quiet: bool
) -> tuple[FixResult | None, str]:
    """The fixes that were made, or why none could be."""

    try:
        secure: frozenset[str] = frozenset()
        if checker is not None:
            with Progress("Asking for https", quiet=quiet) as asking:
                secure = secure_links(post, config, checker, asking.show)
        return fix_post(post, config, secure=secure, write=write), ""
    except errors.ContentError as error:
        return None, str(error)


# --- as text --------------------------------------------------------------------------------------------------------


def _print_mending(post: str, fixed: FixResult) -> None:
    # A file, or another program, gets the exact bytes; on a terminal nothing of the post may be a control sequence.
    shown = sys.stdout.isatty()
    for line in fixed.diff.splitlines(keepends=True):
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[0])
        click.secho(printable(line.rstrip("\r\n")) if shown else line, fg=colour, nl=shown)
    if fixed.backup:
        click.echo(printable(f"{post}: mended; as it was, it is in {fixed.backup}"), err=True)
    elif not fixed.fixes:
        click.echo(printable(f"{post}: nothing to mend"), err=True)


def _lines(checked: Checked, *, show_all: bool) -> Iterator[str]:
    """By rule on a terminal; else a line a finding, by place. Of one kind the first few, then how many more."""
    path = printable(checked.path)
    seen = Counter(_kind(finding) for finding in checked.findings)
    shown = {kind: count if show_all else SHOWN.get(kind, ALIKE) for kind, count in seen.items()}
    width = terminal_width()
    if width is not None and checked.findings:
        yield from grouped_lines(checked.path, checked.findings, _kind, shown, width)
    else:
        yield from _by_place(checked, shown)
    for kind, count in seen.items():
        if count <= shown[kind] or (width is not None and shown[kind]):
            continue
        rest = f"… and {count - shown[kind]:,} more of {kind}" if shown[kind] else f"{count:,} features that {ABSENT}"
        yield f"{path}: {rest}; --all names them"
    counts = Counter(str(finding.severity) for finding in checked.findings)
    fixable = sum(map(checked.is_fixable, checked.findings))
    fixes = f"; --fix mends {fixable:,}" if fixable else ""
    yield f"{path}: {_summary(counts)}{fixes}"


def _by_place(checked: Checked, shown: Mapping[str, int]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for finding in checked.findings:
        kind = _kind(finding)
        seen[kind] += 1
        if seen[kind] <= shown[kind]:
            yield _line(checked, finding)


def _kind(finding: Finding) -> str:
    """The kind by which findings are counted: a rule, or all hints about mail clients without loss for readers."""

    return CLIENT_HINTS if is_theme_hint(finding) else finding.code


def _line(checked: Checked, finding: Finding) -> str:
    place = ":".join(str(part) for part in (checked.path, finding.line, finding.column) if part)
    severity = click.style(finding.severity, fg=_COLOURS[finding.severity])
    words = printable(finding.what + (f"; {finding.remedy}" if finding.remedy else ""))
    return f"{printable(place)}: {severity}: {words} {click.style(f'[{finding.code}]', dim=True)}"


def _summary(counts: Counter[str]) -> str:
    said = [counted(counts[severity], severity) for severity in ("error", "warning", "hint") if counts[severity]]
    return ", ".join(said) or "nothing to say"


# --- as JSON --------------------------------------------------------------------------------------------------------


def _described(checked: Checked, fixed: FixResult | None) -> dict[str, Any]:
    """The JSON output. docs/checks.md describes each key; programs rely on them."""

    rendering = checked.rendering
    findings = [
        {
            "rule": finding.code,
            "severity": finding.severity,
            "line": finding.line,
            "column": finding.column,
            "what": finding.what,
            "remedy": finding.remedy,
            "fixable": checked.is_fixable(finding),
        }
        for finding in checked.findings
    ]
    return {
        "post": checked.path,
        "issue": rendering.issue.slug if rendering else None,
        "html": html_sizes(rendering.email) if rendering else None,
        "counts": _counts(Counter(str(finding.severity) for finding in checked.findings)),
        "findings": findings,
        "fix": _described_mending(fixed) if fixed else None,
    }


def _described_mending(fixed: FixResult) -> dict[str, Any]:
    return {
        "written": fixed.backup is not None,
        "backup": str(fixed.backup) if fixed.backup else None,
        "mended": [{"rule": fix.code, "line": fix.line, "what": fix.what} for fix in fixed.fixes],
        "diff": fixed.diff,
    }


def _counts(counts: Counter[str]) -> dict[str, int]:
    return {severity: counts[severity] for severity in ("error", "warning", "hint")}
