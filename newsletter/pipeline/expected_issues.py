"""The file of issues that a ledger must know: detects an old or missing ledger before a recipient is mailed twice.

It is stored beside the posts and committed with them, so that it survives the loss of the ledger's machine. It holds
names, times and hashes: no addresses and no counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsletter.config.config import Config
from newsletter.errors import ConfigError, located
from newsletter.files import NotAFileError, open_regular, write_atomically
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.presence import has_ledger
from newsletter.ledger.recent_issues import RecentIssue, recent_issues
from newsletter.text import printable

KEPT = 10
"""How many issues the file names."""

_MAX_BYTES = 1_000_000
_VERSION = 1


def expected_file(config: Config) -> Path | None:
    """The path of [ledger] `expect`; None if it is not set."""
    name = config.settings.ledger.expect
    return config.root / name if name else None


def require_expected(config: Config, ledger: Ledger | None) -> None:
    """ConfigError unless the ledger (None for a missing one) knows the issues that the file lists as sent."""
    path = expected_file(config)
    expected = _read(path) if path is not None else ()
    if not expected:
        return
    known: Mapping[str, RecentIssue] = {}
    if ledger is not None:
        with ledger.storage.read() as db:
            known = {each.issue: each for each in recent_issues(db, names=[each["issue"] for each in expected])}
    for each in expected:
        name, sent = printable(each["issue"][:100]), printable(str(each.get("sent", "")))[:10]
        found = known.get(each["issue"])
        what = ""
        if found is None:
            what = f"the ledger does not know the issue {name}, sent on {sent}"
        elif found.fingerprint != each.get("fingerprint"):
            what = f"the ledger has another send of the issue {name} than that of {sent}"
        elif found.runs < each["runs"]:
            what = f"the ledger knows fewer sends of the issue {name} than there were"
        if what:
            raise ConfigError(located(str(path), None, f"{what}: {_OLD}", _PUT_BACK))


def require_newest(config: Config, place: Path | str, now: Callable[[], datetime]) -> None:
    """The same for the ledger at `place`, which is opened, and not created if it is missing."""
    if expected_file(config) is None:
        return
    if not has_ledger(place):
        require_expected(config, None)
        return
    with Ledger.open(place, now) as ledger:
        require_expected(config, ledger)


def note_sent(config: Config, ledger: Ledger) -> tuple[str, ...]:
    """`note_expected` after a send; returns the fault as a sentence, since it must not hide that mail was sent."""
    try:
        note_expected(config, ledger)
    except (ConfigError, OSError) as error:
        return (f"[ledger] expect: {error}",)
    return ()


def note_expected(config: Config, ledger: Ledger) -> bool:
    """Write the last issues to the file, if [ledger] `expect` is set. Returns whether it changed.

    Raises ConfigError.
    """
    path = expected_file(config)
    if path is None or ledger.storage.is_temporary:
        return False
    with ledger.storage.read() as db:
        found = recent_issues(db, limit=KEPT)
    issues = [
        {
            "issue": each.issue,
            "sent": each.first_sent.astimezone(UTC).isoformat(timespec="seconds"),
            "runs": each.runs,
            "fingerprint": each.fingerprint,
        }
        for each in found
    ]
    if not issues:
        return False
    text = json.dumps({"version": _VERSION, "issues": issues}, ensure_ascii=False, indent=1) + "\n"
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    write_atomically(path, text.encode())
    return True


def _read(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The file's entries; none without a file. ConfigError if the file has another format."""
    try:
        with open_regular(path) as file:
            tree = json.loads(file.read(_MAX_BYTES))
        issues = [{**each, "issue": str(each["issue"]), "runs": int(each.get("runs", 0))} for each in tree["issues"]]
    except FileNotFoundError:
        return ()
    except (NotAFileError, OSError) as error:
        raise ConfigError(
            located(str(path), None, f"cannot be read ({error.strerror})", "check its permissions")
        ) from error
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(located(str(path), None, "not the list of issues that newsletter writes", _RESET)) from error
    return tuple(issues)


_RESET = "take it from the repository's history, or delete it where the ledger is surely the newest"
_OLD = "it is an old copy, or another ledger, and people would be mailed twice. Nobody was mailed"
_PUT_BACK = (
    "put the newest ledger back (newsletter ledger restore FILE), or delete that file where this ledger is surely the "
    "right one"
)
