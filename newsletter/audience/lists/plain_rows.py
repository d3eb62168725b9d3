"""Read a page of plain rows at once: lines without quotes, fit as they stand.

Each check is made of the whole page, which takes a fraction of the time of checking every line. A page that fails one
is read line by line, so that a check may refuse more than it must, and never less.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

from newsletter.addresses import normalize_plain
from newsletter.audience.lists.cells import bare_address
from newsletter.audience.lists.columns import Header
from newsletter.audience.lists.standing import may_speak_of_leaving

MAX_VALUE_CHARS = 10_000


class PlainPage(NamedTuple):
    """The addresses of a page, and the cells of all its lines after each other, each address as normalized.

    `odd` are the places of lines that must be read alone, for their address; what stands for them means nothing.
    """

    emails: list[str]
    cells: list[str]
    odd: Sequence[int] = ()


def plain_rows(lines: Sequence[str], header: Header, delimiter: str, *, addresses: bool) -> PlainPage | None:
    """The addresses and the cells; None if the lines must be read one by one.

    `addresses` as in `open_list`. The cells are trimmed of spaces.
    """
    text = "".join(lines)
    if '"' in text:
        return None
    bodies = text.removesuffix("\n").split("\n")
    plain = text.replace("\n", "")
    if delimiter == "\t":
        plain = plain.replace("\t", "")
    # No white space but the space is printable, and no control character.
    if not plain.isprintable() or max(map(len, bodies)) > MAX_VALUE_CHARS:
        return None
    width = len(header.names)
    if set(map(str.count, bodies, repeat(delimiter))) != {width - 1}:
        return None
    cells = delimiter.join(bodies).split(delimiter)
    if header.others and may_speak_of_leaving(cells, text):
        return None
    if " " in text and (" \n" in text or "\n " in text or _is_padded(text, delimiter)):
        cells = list(map(str.strip, cells))
    written = cells[header.email_cell :: width]
    found = normalize_plain(written) if addresses else _bare_addresses(written)
    emails = [email or "" for email in found]
    cells[header.email_cell :: width] = emails
    return PlainPage(emails, cells, () if all(emails) else [n for n, email in enumerate(emails) if not email])


def _bare_addresses(written: list[str]) -> list[str]:
    """As `bare_address`, which changes none without a colon, a bracket or invisible characters."""
    together = "".join(written)
    if together.isascii() and ":" not in together and "<" not in together:
        return written
    return list(map(bare_address, written))


def _is_padded(text: str, delimiter: str) -> bool:
    return f" {delimiter}" in text or f"{delimiter} " in text or text[0] == " " or text[-1] == " "
