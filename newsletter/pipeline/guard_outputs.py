"""Refuse an output that would overwrite an input: ledger, list, post, configuration.

One check for every output of every command, symbolic links included. It runs before anything is written or mailed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from newsletter.config.config import FILE_NAME, Config
from newsletter.errors import ConfigError, located
from newsletter.ledger.database.ledger_file import MAGIC

RENDERED = ("email.html", "email.txt", "email.mjml", "issue.json")
DRY_RUN = (*RENDERED, "index.html", "message.eml", "recipients.csv")
"""The files that `output.write_rendering` and `write_dry_run` write into their folder, besides pictures."""

_REMEDY = "choose another file"
_POSTS = (".md", ".markdown", ".mdown")
"""No command writes a post but `check --fix` and `new`, which ask elsewhere."""

A_POST = "a post"
_BESIDE = ("", "-wal", "-shm", "-journal")


def require_free(
    outputs: Iterable[Path | str | None],
    *,
    config: Config | None = None,
    ledger: Path | str | None = None,
    inputs: Iterable[Path | str] = (),
    over_posts: bool = False,
) -> None:
    """ConfigError if an output is an input: `inputs` (posts, lists), newsletter.toml, its keys, or the ledger.

    None, `-` and `@signups` are not files. `ledger` is its place if it differs from `config`'s. Any SQLite database is
    refused, and any newsletter.toml and, but for commands that write posts (`over_posts`), any post.
    """
    wanted = [Path(output) for output in outputs if output not in (None, "-", "")]
    if not wanted:
        return
    place = ledger if ledger is not None else config.ledger_place if config else None
    known = [*_of_config(config), *_of_ledger(place), *_named(inputs)]
    for output in wanted:
        what = next((what for what, path in known if _is_same(output, path)), "") or _is_precious(output, place)
        if what and not (over_posts and what == A_POST):
            error = ConfigError(located(f"{output}", None, f"this is {what}, and would be overwritten", _REMEDY))
            error.is_logged = True  # the output may be the log
            raise error


def _of_config(config: Config | None) -> Iterator[tuple[str, Path]]:
    if config is None:
        return
    if config.path is not None:
        yield "the configuration", Path(config.path)
    for key in config.settings.dkim:
        if key.key_file:
            yield "the key in [dkim]", config.root / key.key_file
    mailbox = config.settings.bounces.mailbox
    if mailbox and "://" not in mailbox:
        yield "the mailbox in [bounces]", config.root / mailbox


def _of_ledger(place: Path | str | None) -> Iterator[tuple[str, Path]]:
    if isinstance(place, Path):
        for end in _BESIDE:
            yield "the ledger" if not end else f"the ledger's {end[1:]}", place.with_name(place.name + end)
            # SQLite's own files are beside the symbolic link's target.
            real = Path(os.path.realpath(place))
            yield "the ledger" if not end else f"the ledger's {end[1:]}", real.with_name(real.name + end)


def _named(inputs: Iterable[Path | str]) -> Iterator[tuple[str, Path]]:
    for each in inputs:
        if str(each) not in ("-", "") and not str(each).startswith("@"):
            yield "a file that this command reads", Path(each)


def _is_same(output: Path, path: Path) -> bool:
    if os.path.realpath(output) == os.path.realpath(path):
        return True
    try:
        return output.samefile(path)
    except (OSError, ValueError):
        return False


def _is_precious(output: Path, place: Path | str | None) -> str:
    """The kind of a file that must not be overwritten: a database, a configuration, a post, a ledger's lock.

    Empty for any other.
    """
    real = Path(os.path.realpath(output))
    for ledger in {Path(place), Path(os.path.realpath(place))} if isinstance(place, Path) else ():
        here = os.path.realpath(ledger.parent) == str(real.parent)
        if here and re.fullmatch(rf"{re.escape(ledger.name)}\.[0-9a-f]{{16}}\.lock", real.name):
            return "a lock of the ledger's"
    if not os.path.isfile(real):  # noqa: PTH113 - which raises for no name
        return ""
    if real.name == FILE_NAME:
        return "a configuration"
    if real.suffix.lower() in _POSTS:
        return A_POST
    try:
        with real.open("rb") as file:
            return "a database" if file.read(len(MAGIC)) == MAGIC else ""
    except OSError:
        return ""
