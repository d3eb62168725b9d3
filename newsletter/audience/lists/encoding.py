"""Decode a list: which encoding it has, and whether that is certain or a guess.

UTF-8, and UTF-16 with a byte order mark, are certain. Any other encoding is a guess from the whole file, in passes of
constant memory: most encodings can be decoded as one another, only the names come out wrong.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from newsletter.audience.lists.guess_encoding import ESCAPES, rank_encodings, rank_escaped, refutes
from newsletter.errors import ConfigError, ContentError, Located, located
from newsletter.files import is_handed_down, require_regular
from newsletter.frozen import frozen

# An unclosed quote would consume the rest of the list; a row longer than this many characters is rejected.
MAX_ROW_CHARS = 100_000

SAVE_AS_UTF8 = 'save it as UTF-8 (in Excel: "CSV UTF-8")'
SAVE_OR_CONVERT = f"{SAVE_AS_UTF8}, or have `newsletter subscribers convert` do it, and look at the names"

# Python's own codecs and short forms (docs.python.org/3/library/codecs.html, "Python Specific Encodings"), which are no
# list's encoding: they decode any ASCII, and change or refuse the rest.
_NO_FILES_ENCODING = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_HEAD_BYTES = 8192
_CHUNK_BYTES = 1 << 16
_PAGE_CHARS = 20_000
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"(?<![^\s,;\"'])[\x00-\x08\x0e-\x1b!#-&(-+\--:<-\x7f]*+[^\x00-\x7f\s,;\"'][^\s,;\"']*")
# Characters of Windows-1252 that are control characters in Latin-1, which no list contains.
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")
_CELL = re.compile(rb"[,;\t\r\n\"]+")
NAMES_SHOWN = 3
_ASCII_SHARE = 0.25
_NAME_SHOWN = 30
_MOST_LINES = 200
_CELL_BYTES = 400
_GUESSED_FROM = 6_000
"""How many bytes of non-ASCII cells are used to guess; the whole file is checked against the guess."""

_CHARS_SHOWN = 20


@frozen
class Encoding:
    """The encoding of a list: a display name, Python's codec, whether it is a guess, a sample word.

    `names` are a few of its decoded cells, to let the user judge the guess.
    """

    name: str
    codec: str
    guessed: bool = False
    sample: str = ""
    names: tuple[str, ...] = field(default=(), compare=False)


UTF_8 = Encoding("UTF-8", "utf-8-sig")
_UTF_16 = Encoding("UTF-16", "utf-16")


class Lines:
    """The file's lines, numbered from 1, each with its line end. Lines may be pushed back."""

    def __init__(self, path: Path, raw: BinaryIO, encoding: Encoding) -> None:
        self.path = path
        self.number = 0
        self.encoding = encoding
        self._raw = raw
        # Bytes that are not UTF-8 are decoded as surrogates, so that the error can name their line.
        strictness = "surrogateescape" if encoding.codec == UTF_8.codec else "strict"
        self._readline = io.TextIOWrapper(raw, encoding.codec, errors=strictness).readline
        self._returned: list[str] = []
        self._fault: ContentError | None = None  # found while reading ahead

    @property
    def bytes_read(self) -> int:
        """The position in the file, a little ahead of the line; 0 for a pipe."""
        return self._raw.tell() if self._raw.seekable() else 0

    def next(self) -> str | None:
        """The next line; None at the end. ContentError for bytes that are invalid in the encoding."""
        if self._returned:
            line = self._returned.pop()
        else:
            if self._fault is not None:
                raise self._fault
            try:
                line = self._readline(MAX_ROW_CHARS + 1)
                if len(line) > MAX_ROW_CHARS:
                    self._pass_over(line)
            except UnicodeError as error:  # UnicodeDecodeError, or what UTF-16 without its byte order mark raises
                reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
                what = f"bytes near this line are not {self.encoding.name}: {reason}"
                raise ContentError(located(str(self.path), self.number + 1, what, SAVE_AS_UTF8)) from error
            if not line:
                return None
        self.number += 1
        if not line.isascii() and (bad := _SURROGATE.search(line)):
            raise ContentError(self._not_utf8(line, bad))
        return line

    def page(self, most: int) -> list[str]:
        """The next lines: at most so many, of little more than `_PAGE_CHARS`.

        Empty where only `next` can tell: at the end, for a line at fault, in any encoding but UTF-8. Lines that were
        pushed back make a page of their own.
        """
        page: list[str] = []
        if self.encoding.codec != UTF_8.codec:
            return page
        if self._returned:
            page = self._returned[: -most - 1 : -1]
            del self._returned[-len(page) :]
        elif self._fault is None:
            self._read_page(page, most)
        text = "".join(page)
        if page and (len(page[-1]) > MAX_ROW_CHARS or (not text.isascii() and _SURROGATE.search(text))):
            self._returned.extend(reversed(page))
            return []
        self.number += len(page)
        return page

    def _read_page(self, page: list[str], most: int) -> None:
        readline = self._readline
        chars = 0
        while len(page) < most and chars < _PAGE_CHARS and (line := readline(MAX_ROW_CHARS + 1)):
            page.append(line)
            chars += len(line)
            if len(line) > MAX_ROW_CHARS:
                self._pass_over(line)
                break

    def peek(self, most: int, most_chars: int) -> list[str]:
        """The next lines without consuming them: about this many of each."""
        start = self.number
        ahead: list[str] = []
        chars = 0
        try:
            while len(ahead) < most and chars < most_chars and (line := self.next()) is not None:
                ahead.append(line)
                chars += len(line)
        except ContentError as error:
            self._fault = error  # raised when its line is requested
        self._returned.extend(reversed(ahead))
        self.number = start
        return ahead

    def give_back(self, lines: list[str]) -> None:
        self._returned.extend(reversed(lines))
        self.number -= len(lines)

    def _pass_over(self, rest: str) -> None:
        """Skip the rest of an endless line, beyond one character more than a row may have."""
        while len(rest) > MAX_ROW_CHARS and not rest.endswith("\n"):
            rest = self._readline(MAX_ROW_CHARS + 1)

    def _not_utf8(self, line: str, bad: re.Match[str]) -> Located:
        byte = ord(bad[0]) & 0xFF
        column = len(line[: bad.start()].encode("utf-8", "surrogateescape")) + 1
        what = f"byte {column} of the line, 0x{byte:02x}, is not UTF-8"
        # A pipe can be read only once; opening it again would block forever.
        guess = detect_encoding(self.path) if self.path.is_file() else UTF_8
        if not guess.guessed:
            return located(str(self.path), self.number, what, SAVE_AS_UTF8)
        sample = f", with words such as {guess.sample!r}" if guess.sample else ""
        return located(str(self.path), self.number, f"{what}; it looks like {guess.name}{sample}", SAVE_OR_CONVERT)


@contextmanager
def open_lines(path: Path, *, guess: bool = False, encoding: str = "") -> Iterator[Lines]:
    """The lines of a list. Without `guess` only certain encodings are read; `encoding`, a codec's name, is not doubted.

    ConfigError if the file cannot be read or the encoding is unknown; ContentError if it contains no text.
    """
    with _open(path) as raw:
        yield Lines(path, raw, _chosen(path, raw, guess=guess, encoding=encoding))


def detect_encoding(path: Path) -> Encoding:
    """The encoding of a list, from all of it. ContentError for a binary file; ConfigError as `open_lines`."""
    with _open(path) as raw:
        return _detect(path, raw)


def _chosen(path: Path, raw: io.BufferedReader, *, guess: bool, encoding: str) -> Encoding:
    if encoding:
        return _named(encoding)
    head = raw.peek(_HEAD_BYTES)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise ContentError(located(str(path), 1, "the list is UTF-32, not UTF-8", SAVE_AS_UTF8))
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _UTF_16
    if b"\0" not in head and not (guess and raw.seekable()):
        return UTF_8
    if not raw.seekable():
        raise ContentError(located(str(path), None, "what comes through the pipe is not UTF-8", SAVE_AS_UTF8))
    found = _detect(path, raw)
    if found.guessed and not guess:
        what = f"the list looks like {found.name}, without the mark that would say so"
        raise ContentError(located(str(path), 1, what, SAVE_OR_CONVERT))
    raw.seek(0)
    return found


def _named(encoding: str) -> Encoding:
    """The encoding that the user named."""
    try:
        codec = codecs.lookup(encoding).name
        "".encode(codec)  # LookupError for a codec that is not a text encoding, such as "hex"
        codecs.getincrementaldecoder(codec)
    except (LookupError, ValueError) as error:
        raise ConfigError(_unknown(encoding)) from error
    if codec.replace("-", "_") in _NO_FILES_ENCODING:
        raise ConfigError(_unknown(encoding))
    return Encoding(encoding, UTF_8.codec if codec == "utf-8" else codec)


def _unknown(encoding: str) -> Located:
    remedy = "write one such as utf-8, gb18030, big5, windows-1252"
    return located("", None, f"--encoding {encoding!r} is no encoding that is known", remedy)


def _detect(path: Path, raw: io.BufferedReader) -> Encoding:
    head = raw.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _UTF_16
    if b"\0" in head:
        codec = _silent_utf16(head)
        if codec and _decodes(raw, codec):
            names = tuple(islice(_foreign_words(raw, codec), NAMES_SHOWN))
            return Encoding(f"UTF-16 ({codec[-2:].upper()})", codec, guessed=True, names=names)
        raise ContentError(
            located(str(path), None, "a binary file, not a list in CSV", "export the list as CSV in UTF-8")
        )
    is_ascii, has_escapes = _seven_bit(raw)
    if is_ascii and not has_escapes:
        return UTF_8
    escaped = _lines_with_escapes(raw) if has_escapes else []
    if escaped and (seven_bit := next((each for each in rank_escaped(escaped) if _decodes(raw, each.codec)), None)):
        return _guess(raw, seven_bit.name, seven_bit.codec)
    if _decodes(raw, "utf-8"):
        return UTF_8
    cells = _foreign_cells(raw)
    found = next((each for each in rank_encodings(cells) if _decodes(raw, each.codec)), None)
    if found is None:
        what = "the bytes that are not ASCII fit no encoding that is known"
        raise ContentError(located(str(path), None, what, f"{SAVE_AS_UTF8}, or write --encoding NAME"))
    if found.codec == "cp1252" and not any(_WINDOWS_ONLY.search(chunk) for chunk in _chunks(raw)):
        return _guess(raw, "Latin-1", "latin-1")
    return _guess(raw, found.name, found.codec)


def _guess(raw: BinaryIO, name: str, codec: str) -> Encoding:
    found = list(islice(_foreign_words(raw, codec), NAMES_SHOWN))
    word = _WORD.search(found[0]) if found else None
    return Encoding(name, codec, guessed=True, sample=word[0][:_CHARS_SHOWN] if word else "", names=tuple(found))


def _seven_bit(raw: BinaryIO) -> tuple[bool, bool]:
    """Whether a file is all 7-bit, and whether it has the escape sequences of a 7-bit encoding then."""
    found = False
    for chunk in _chunks(raw):
        if not chunk.isascii():
            return False, False
        found = found or any(escape in chunk for escape in ESCAPES)
    return True, found


def _lines_with_escapes(raw: BinaryIO) -> list[bytes]:
    """The first lines with escape sequences."""
    raw.seek(0)
    lines = iter(lambda: raw.readline(_CHUNK_BYTES), b"")
    escaped = (line.rstrip(b"\r\n") for line in lines if any(escape in line for escape in ESCAPES))
    return list(islice(escaped, _MOST_LINES))


def _foreign_cells(raw: BinaryIO) -> list[bytes]:
    """The first distinct cells that are not ASCII; addresses only if there is nothing else."""
    found: dict[bytes, None] = {}
    addresses: list[bytes] = []
    size = 0
    raw.seek(0)
    while size < _GUESSED_FROM and (line := raw.readline(_CHUNK_BYTES)):
        if line.isascii():
            continue
        for cell in _CELL.split(line):
            if cell.isascii() or cell in found:
                continue
            if b"@" in cell:
                addresses = addresses or [cell[:_CELL_BYTES]]
                continue
            found[cell[:_CELL_BYTES]] = None
            size += len(cell)
    return list(found) or addresses


def _foreign_words(raw: BinaryIO, codec: str) -> Iterator[str]:
    """The first distinct cells that are not ASCII, decoded by that codec."""
    seen: set[str] = set()
    raw.seek(0)
    for line in codecs.iterdecode(iter(lambda: raw.readline(_CHUNK_BYTES), b""), codec, "replace"):
        for cell in re.split(r"[,;\t\r\n\"|]+", line):
            word = cell.strip()[:_NAME_SHOWN]
            if not word.isascii() and word not in seen:
                seen.add(word)
                yield word


def _silent_utf16(head: bytes) -> str:
    """UTF-16 without a byte order mark: decoded so, at least a quarter is ASCII, and nothing refutes it."""
    shares = {}
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(head)
        except UnicodeDecodeError:
            continue
        if text and not refutes(text):
            shares[codec] = sum(map(str.isascii, text)) / len(text)
    best = max(shares, key=shares.__getitem__, default="")
    return best if best and shares[best] >= _ASCII_SHARE else ""


def _chunks(raw: BinaryIO) -> Iterator[bytes]:
    raw.seek(0)
    while chunk := raw.read(_CHUNK_BYTES):
        yield chunk


def _decodes(raw: BinaryIO, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for chunk in _chunks(raw):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def _open(path: Path) -> Iterator[io.BufferedReader]:
    try:
        if not is_handed_down(path):
            require_regular(path)
        raw = path.open("rb")
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from error
    with raw:
        yield raw


def _unreadable(path: Path, error: OSError) -> Located:
    match error:
        case FileNotFoundError():
            return located(str(path), None, "there is no such file", "give the path of a CSV file")
        case IsADirectoryError():
            return located(str(path), None, "a folder, not a list", "give the path of a CSV file")
    return located(str(path), None, f"cannot be read: {error.strerror}", "make the file readable")
