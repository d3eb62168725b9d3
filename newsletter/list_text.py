"""A list's bytes -> its lines of text, numbered. Which encoding they are in, and whether that is known or guessed.

Known are UTF-8, and UTF-16 with its mark at the start. Any other is a guess, made from the whole file in passes that
keep nothing: most encodings can be read as one another, only the names come out wrong.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from newsletter.errors import ConfigError, ContentError, located
from newsletter.regular import is_handed_down, require_regular

# A quote that is never closed would swallow the list; past this many characters a row is given up as such.
MAX_ROW_CHARS = 100_000

SAVE_AS_UTF8 = 'save it as UTF-8 (in Excel: "CSV UTF-8")'
SAVE_OR_CONVERT = f"{SAVE_AS_UTF8}, or have `newsletter subscribers convert` do it, and look at the names"

# Forms of names and of Python's source (docs.python.org/3/library/codecs.html, "Python Specific Encodings"), which no
# list is in: they would read any ASCII as it is, and change or refuse what else there is.
_NO_FILES_ENCODING = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_HEAD_BYTES = 8192
_CHUNK_BYTES = 1 << 16
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"(?<![^\s,;\"'])(?:(?![^\x00-\x7f])[^\s,;\"'])*+[^\x00-\x7f\s,;\"'][^\s,;\"']*")
_FOREIGN = re.compile("[^\x00-\x7f]")
_HANZI = "[\u3400-\u9fff\ue000-\uf8ff]"  # with the private ones that GB18030 fills its gaps with
_HANZI_BESIDE_LETTER = re.compile(f"(?<=[A-Za-z]){_HANZI}|{_HANZI}(?=[A-Za-z])")
# What Windows-1252 has and Latin-1 does not; Latin-1 has control characters there, which no list holds.
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a list is written in: a name for people, Python's codec, whether it is a guess, a word to judge it by."""

    name: str
    codec: str
    guessed: bool = False
    sample: str = ""


UTF_8 = Encoding("UTF-8", "utf-8-sig")
_UTF_16 = Encoding("UTF-16", "utf-16")


class Lines:
    """The file's lines, numbered from 1, each with its line end. Lines may be given back to be read again."""

    def __init__(self, path: Path, raw: BinaryIO, encoding: Encoding) -> None:
        self.path = path
        self.number = 0
        self.encoding = encoding
        self._raw = raw
        # Bytes that are not UTF-8 come through as surrogates, so that the error can name their line.
        strictness = "surrogateescape" if encoding.codec == UTF_8.codec else "strict"
        self._readline = io.TextIOWrapper(raw, encoding.codec, errors=strictness).readline
        self._returned: list[str] = []

    @property
    def bytes_read(self) -> int:
        """How far into the file the reading is, a little ahead of the line; 0 through a pipe."""
        return self._raw.tell() if self._raw.seekable() else 0

    def next(self) -> str | None:
        """The next line; None at the end. ContentError where the bytes are none of the encoding's."""
        if self._returned:
            line = self._returned.pop()
        else:
            try:
                line = self._readline(MAX_ROW_CHARS + 1)
                if len(line) > MAX_ROW_CHARS:
                    self._pass_over(line)
            except UnicodeError as error:  # UnicodeDecodeError, or what UTF-16 without its mark gets
                reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
                what = f"bytes near this line are not {self.encoding.name}: {reason}"
                raise ContentError(located(str(self.path), self.number + 1, what, SAVE_AS_UTF8)) from error
            if not line:
                return None
        self.number += 1
        if not line.isascii() and (bad := _SURROGATE.search(line)):
            raise ContentError(self._not_utf8(line, bad))
        return line

    def give_back(self, lines: list[str]) -> None:
        self._returned.extend(reversed(lines))
        self.number -= len(lines)

    def _pass_over(self, rest: str) -> None:
        """Skip what an endless line has beyond the one character more than a row may have."""
        while len(rest) > MAX_ROW_CHARS and not rest.endswith("\n"):
            rest = self._readline(MAX_ROW_CHARS + 1)

    def _not_utf8(self, line: str, bad: re.Match[str]) -> str:
        byte = ord(bad[0]) & 0xFF
        column = len(line[: bad.start()].encode("utf-8", "surrogateescape")) + 1
        what = f"byte {column} of the line, 0x{byte:02x}, is not UTF-8"
        # A pipe is gone once it is read, and opened again it would wait for ever.
        guess = detect_encoding(self.path) if self.path.is_file() else UTF_8
        if not guess.guessed:
            return located(str(self.path), self.number, what, SAVE_AS_UTF8)
        sample = f", with words such as {guess.sample!r}" if guess.sample else ""
        return located(str(self.path), self.number, f"{what}; it looks like {guess.name}{sample}", SAVE_OR_CONVERT)


@contextmanager
def open_lines(path: Path, *, guess: bool = False, encoding: str = "") -> Iterator[Lines]:
    """The lines of a list. Without `guess` only what is known is read; `encoding`, a codec's name, ends all doubt.

    ConfigError when the file cannot be read or there is no such encoding; ContentError when it holds no text.
    """
    with _open(path) as raw:
        yield Lines(path, raw, _chosen(path, raw, guess=guess, encoding=encoding))


def detect_encoding(path: Path) -> Encoding:
    """What a list is written in, from all of it. ContentError for a binary file; ConfigError as `open_lines`."""
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
    """An encoding that a person named."""
    try:
        codec = codecs.lookup(encoding).name
        "".encode(codec)  # LookupError for what is no text, such as "hex"
        codecs.getincrementaldecoder(codec)
    except (LookupError, ValueError) as error:
        raise ConfigError(_unknown(encoding)) from error
    if codec.replace("-", "_") in _NO_FILES_ENCODING:
        raise ConfigError(_unknown(encoding))
    return Encoding(encoding, UTF_8.codec if codec == "utf-8" else codec)


def _unknown(encoding: str) -> str:
    remedy = "write one such as utf-8, gb18030, big5, windows-1252"
    return f"--encoding {encoding!r} is no encoding that is known; {remedy}"


def _detect(path: Path, raw: io.BufferedReader) -> Encoding:
    head = raw.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _UTF_16
    if b"\0" in head:
        codec = _silent_utf16(head)
        if codec and _decodes(raw, codec):
            return Encoding(f"UTF-16 ({codec[-2:].upper()})", codec, guessed=True)
        raise ContentError(
            located(str(path), None, "a binary file, not a list in CSV", "export the list as CSV in UTF-8")
        )
    if _decodes(raw, "utf-8"):
        return UTF_8
    line = _first_foreign_line(raw)
    if _reads_as_chinese(raw):
        return Encoding("GB18030", "gb18030", guessed=True, sample=_word(line, "gb18030"))
    if any(_WINDOWS_ONLY.search(chunk) for chunk in _chunks(raw)) and _decodes(raw, "cp1252"):
        return Encoding("Windows-1252", "cp1252", guessed=True, sample=_word(line, "cp1252"))
    return Encoding("Latin-1", "latin-1", guessed=True, sample=_word(line, "latin-1"))


def _silent_utf16(head: bytes) -> str:
    """UTF-16 without its mark: of the ASCII that every list has, one byte of each two is zero, always the same one."""
    zeros = head[0::2].count(0), head[1::2].count(0)
    if zeros[0] == 0 and zeros[1] * 8 >= len(head):
        return "utf-16-le"
    if zeros[1] == 0 and zeros[0] * 8 >= len(head):
        return "utf-16-be"
    return ""


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


def _reads_as_chinese(raw: BinaryIO) -> bool:
    """Whether it is GB18030 from end to end, with words of its own.

    An umlaut of Latin-1 and the letter after it often make a hanzi too, but one in the middle of a Latin word.
    """
    decoder = codecs.getincrementaldecoder("gb18030")()
    foreign = beside_letters = 0
    try:
        for chunk in _chunks(raw):
            text = decoder.decode(chunk)
            foreign += len(_FOREIGN.findall(text))
            beside_letters += len(_HANZI_BESIDE_LETTER.findall(text))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return 2 * beside_letters < foreign


def _first_foreign_line(raw: BinaryIO) -> bytes:
    raw.seek(0)
    while line := raw.readline(_CHUNK_BYTES):
        if not line.isascii():
            return line
    return b""


def _word(line: bytes, codec: str) -> str:
    """The first word of a line that is not ASCII, at most 20 letters of it."""
    found = _WORD.search(line.decode(codec, "replace"))
    return found[0][:20] if found else ""


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


def _unreadable(path: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return located(str(path), None, "there is no such file", "give the path of a CSV file")
        case IsADirectoryError():
            return located(str(path), None, "a folder, not a list", "give the path of a CSV file")
    return located(str(path), None, f"cannot be read: {error.strerror}", "make the file readable")
