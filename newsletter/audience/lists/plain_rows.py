"""Read a page of plain rows at once: lines without quotes, fit as they stand.

Each check is made of the whole page, which takes a fraction of the time of checking every line. A page that fails one
is read line by line, so that a check may refuse more than it must, and never less.
"""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.addresses import normalize_addresses
from newsletter.audience.lists.cells import bare_address
from newsletter.audience.lists.columns import Header
from newsletter.audience.lists.standing import may_speak_of_leaving

MAX_VALUE_CHARS = 10_000


def plain_rows(
    lines: Sequence[str], header: Header, delimiter: str, *, addresses: bool
) -> tuple[list[str], list[list[str]]] | None:
    """The addresses and the cells of each line; None if the lines must be read one by one.

    `addresses` as in `open_list`. A cell is trimmed of spaces, and that of the address is as written.
    """
    text = "".join(lines)
    bodies = text.removesuffix("\n").split("\n")
    plain = text.replace("\n", "")
    if delimiter == "\t":
        plain = plain.replace("\t", "")
    # No white space but the space is printable, and no control character.
    if '"' in plain or not plain.isprintable() or max(map(len, bodies)) > MAX_VALUE_CHARS:
        return None
    rows = [body.split(delimiter) for body in bodies]
    if set(map(len, rows)) != {len(header.names)}:
        return None
    if header.others and may_speak_of_leaving([cell for cells in rows for cell in cells], text):
        return None
    if " " in text and (" \n" in text or "\n " in text or _is_padded(text, delimiter)):
        rows = [[cell.strip() for cell in cells] for cells in rows]
    at = header.email_cell
    written = [cells[at] for cells in rows]
    if not all(written):
        return None
    try:
        return normalize_addresses(written) if addresses else _bare_addresses(written), rows
    except ValueError:
        return None


def _bare_addresses(written: list[str]) -> list[str]:
    """As `bare_address`, which changes none without a colon, a bracket or invisible characters."""
    together = "".join(written)
    if together.isascii() and ":" not in together and "<" not in together:
        return written
    return list(map(bare_address, written))


def _is_padded(text: str, delimiter: str) -> bool:
    return f" {delimiter}" in text or f"{delimiter} " in text or text[0] == " " or text[-1] == " "
