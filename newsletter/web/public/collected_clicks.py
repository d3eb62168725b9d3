"""Process one-click POSTs that were collected elsewhere, as JSON lines (`newsletter sync`).

A line is `{"token": "…", "time": "2026-03-01T08:00:00Z"}`. The token is verified here, so the collector needs no
secret, and a forged line does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from newsletter.audience.people.records import Unsubscription
from newsletter.audience.people.store import People
from newsletter.bounded_http import TooLongError, fetch_into
from newsletter.errors import ConfigError, located
from newsletter.files import open_regular
from newsletter.frozen import frozen
from newsletter.model.delivery import is_loopback
from newsletter.model.findings import Finding
from newsletter.text import shown_url
from newsletter.tokens import LinkError, read_link

SYNC_VARIABLE = "NEWSLETTER_SYNC_TOKEN"
MAX_LINE_BYTES = 64 * 1024
NAMED = 20
"""How many faulty lines are listed; the others are counted."""

TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 600.0
MAX_ANSWER_BYTES = 512 << 20
"""Some two million clicks. The answer is kept in a file until it is whole."""

_AT_ONCE = 500
_AHEAD = timedelta(minutes=5)
"""How far another machine's clock may be ahead of ours."""


@frozen
class Taken:
    """Counts: unsubscribed now, unsubscribed before or returned since, and invalid lines."""

    left: int
    known: int
    refused: int
    faults: tuple[Finding, ...]


def unsubscribe_clicks(lines: Iterable[bytes], people: People, secrets: Sequence[str], now: datetime) -> Taken:
    """Unsubscribe every address that clicked, except those that have returned since; on disk when it returns."""
    left = known = refused = 0
    faults: list[Finding] = []
    numbered = enumerate(lines, 1)
    while batch := list(islice(numbered, _AT_ONCE)):
        unsubscriptions: list[Unsubscription] = []
        for number, line in batch:
            if not line.strip():
                continue
            try:
                unsubscriptions.append(_read(line, secrets, now))
            except ValueError as error:
                refused += 1
                if len(faults) < NAMED:
                    faults.append(Finding("no-click", str(error), 'a line is {"token": "…", "time": "…Z"}', number))
        new = people.leave_all(unsubscriptions)
        left += new
        known += len(unsubscriptions) - new
    return Taken(left, known, refused, tuple(faults))


def _read(line: bytes, secrets: Sequence[str], now: datetime) -> Unsubscription:
    """Parse a line. Raises ValueError with a phrase."""
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"a line of over {MAX_LINE_BYTES:,} bytes")
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("not a line of JSON") from error
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("token", "time")):
        raise ValueError("no object with a token and a time")
    try:
        written = datetime.fromisoformat(entry["time"])
        at = written.astimezone(UTC)
    # in the first and the last year, conversion to another zone may overflow
    except (ValueError, OverflowError) as error:
        raise ValueError("the time is none") from error
    if written.tzinfo is None:
        raise ValueError("the time has no zone")
    # Security: a time in the future would undo every later return.
    if at > now + _AHEAD:
        raise ValueError("the time is to come")
    try:
        link = read_link(secrets, "unsubscribe", entry["token"], int(now.timestamp()))
    except LinkError as error:
        raise ValueError(f"the token is {error}") from error
    return Unsubscription(link.address, f"one-click of {at:%Y-%m-%d %H:%M}", link.issue, at)


@contextmanager
def open_lines(source: str, token: str) -> Iterator[Iterator[bytes]]:
    """The lines of a file, or of the response of an https URL. Raises ConfigError."""
    if "://" not in source:
        try:
            with open_regular(Path(source)) as file:
                yield _lines_of(iter(partial(file.read, MAX_LINE_BYTES), b""))
        except OSError as error:
            raise ConfigError(
                located(source, None, f"cannot be read: {error.strerror}", "give a file or an https address")
            ) from error
        return
    import httpx

    no_address = located(shown_url(source), None, "not a web address", "write https://HOST/PATH")
    try:
        parts = urlsplit(source)
        asked = httpx.URL(source)
        has_host = bool(parts.hostname and asked.host)  # read here: httpx decodes it only on access
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError(no_address) from error
    if not has_host:
        raise ConfigError(no_address)
    # Security: the bearer token must not be sent unencrypted.
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ConfigError("not an https address", "write https://…", path=shown_url(source))
    headers = {"authorization": f"Bearer {token}"} if token else {}
    name = f"{parts.scheme}://{parts.hostname}"
    with TemporaryFile() as body:
        try:
            status = fetch_into(
                body, asked, headers=headers, max_bytes=MAX_ANSWER_BYTES, read_s=TIMEOUT_S, total_s=ANSWER_TIMEOUT_S
            )
        except httpx.HTTPError as error:
            raise ConfigError(located(name, None, f"cannot be read ({type(error).__name__})", "try again")) from error
        except TooLongError as error:
            raise ConfigError(located(name, None, f"the answer is {error}", "check the address")) from error
        except TimeoutError as error:
            what = f"no whole answer within {ANSWER_TIMEOUT_S:g} s"
            raise ConfigError(located(name, None, what, "try again, or check the address")) from error
        except OSError as error:  # of the file: a full disk
            what = f"the answer cannot be kept ({error.strerror})"
            raise ConfigError(located(name, None, what, "make room for temporary files")) from error
        if status != 200:
            remedy = f"check the address, and {SYNC_VARIABLE}"
            raise ConfigError(located(name, None, f"answered with status {status}", remedy))
        body.seek(0)
        yield _lines_of(iter(partial(body.read, MAX_LINE_BYTES), b""))


def _lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream, without line ends.

    Of a line that is too long only the beginning is returned, still too long.
    """
    rest = b""
    given = False  # whether the current line was returned already, so that its rest is skipped
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if not given:
                yield line
            given = False
        if len(rest) > MAX_LINE_BYTES:
            if not given:
                yield rest
            given, rest = True, b""
    if rest and not given:
        yield rest
