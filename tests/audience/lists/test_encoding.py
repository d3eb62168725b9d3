"""What a list is written in: known, guessed with a name and a sample, or no text at all."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.audience.lists.encoding import Encoding, detect_encoding, open_lines
from newsletter.errors import ConfigError, ContentError

CHINESE = "邮箱,姓名,城市\nwang@example.com,王小明,杭州\nli@example.com,李娜,北京 AI 爱好者\n"
GERMAN = "email,name\njurg@example.ch,Jürg Müller\nzoe@example.fr,Zoë Noël\nmuller@example.de,Müller\n"


def write(folder: Path, data: bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(data)
    return path


def lines_of(path: Path, *, guess: bool = True, encoding: str = "") -> list[str]:
    with open_lines(path, guess=guess, encoding=encoding) as lines:
        found = []
        while (line := lines.next()) is not None:
            found.append(line)
        return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (CHINESE.encode(), Encoding("UTF-8", "utf-8-sig")),
        (CHINESE.encode("utf-8-sig"), Encoding("UTF-8", "utf-8-sig")),
        (CHINESE.encode("utf-16"), Encoding("UTF-16", "utf-16")),
        (b"\xfe\xff" + CHINESE.encode("utf-16-be"), Encoding("UTF-16", "utf-16")),
        (CHINESE.encode("utf-16-le"), Encoding("UTF-16 (LE)", "utf-16-le", guessed=True)),
        (CHINESE.encode("utf-16-be"), Encoding("UTF-16 (BE)", "utf-16-be", guessed=True)),
        (CHINESE.encode("gb18030"), Encoding("GB18030", "gb18030", guessed=True, sample="邮箱")),
        (
            "email,name\nchen@example.com,陳曉雨\n".encode("gbk"),
            Encoding("GB18030", "gb18030", guessed=True, sample="陳曉雨"),
        ),
        ("email,name\nx@example.com,𠮷田\n".encode("gb18030"), Encoding("GB18030", "gb18030", True, "𠮷田")),
        (GERMAN.encode("latin-1"), Encoding("Latin-1", "latin-1", guessed=True, sample="Jürg")),
        (
            "email,name\na@example.com,Jürg\n".encode("latin-1"),
            Encoding("Latin-1", "latin-1", guessed=True, sample="Jürg"),
        ),
        (
            "email,name,note\na@example.com,Zoë,“€5”\n".encode("cp1252"),
            Encoding("Windows-1252", "cp1252", guessed=True, sample="Zoë"),
        ),
    ],
)
def test_an_encoding_is_detected_and_named(tmp_path: Path, data: bytes, expected: Encoding) -> None:
    path = write(tmp_path, data)
    assert detect_encoding(path) == expected
    assert lines_of(path) == data.decode(expected.codec).splitlines(keepends=True)


def test_a_guess_looks_at_the_whole_file(tmp_path: Path) -> None:
    plain = "".join(f"reader{number}@example.com,Reader\n" for number in range(50_000))
    path = write(tmp_path, f"email,name\n{plain}last@example.com,王小明\n".encode("gb18030"))
    assert detect_encoding(path).sample == "王小明"
    path = write(tmp_path, f"email,name\n{plain}last@example.com,Jürg\n".encode("latin-1"))
    assert detect_encoding(path) == Encoding("Latin-1", "latin-1", guessed=True, sample="Jürg")


def test_detecting_keeps_nothing(tmp_path: Path) -> None:
    row = "reader@example.com,王小明\n".encode("gb18030")
    path = write(tmp_path, b"email,name\n" + row * 100_000)
    tracemalloc.start()
    try:
        assert detect_encoding(path).name == "GB18030"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000 < path.stat().st_size


@pytest.mark.parametrize("codec", ["gb18030", "utf-16-le", "latin-1"])
def test_without_leave_to_guess_a_guess_is_refused(tmp_path: Path, codec: str) -> None:
    path = write(tmp_path, (GERMAN if codec == "latin-1" else CHINESE).encode(codec))
    with pytest.raises(ContentError, match=r"looks like .* or have `newsletter subscribers convert` do it"):
        lines_of(path, guess=False)


def test_a_named_encoding_ends_all_doubt(tmp_path: Path) -> None:
    path = write(tmp_path, "email,name\na@example.com,山田\n".encode("shift-jis"))
    assert lines_of(path, encoding="Shift-JIS")[1] == "a@example.com,山田\n"
    assert lines_of(write(tmp_path, "\ufeffemail\n".encode()), encoding="utf8") == ["email\n"]
    with pytest.raises(ContentError, match=r"list.csv:2: bytes near this line are not big5"):
        lines_of(write(tmp_path, b"email\n" + b"x" * 9_000 + b"\n\xff\xff\n"), encoding="big5")[1:]


@pytest.mark.parametrize("name", ["utf-16", "utf-32"])
def test_a_named_encoding_without_its_mark_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ContentError, match=f"list.csv:1: bytes near this line are not {name}: UTF-.. stream does not"):
        lines_of(write(tmp_path, "email\n".encode(f"{name}-le")), encoding=name)


@pytest.mark.parametrize(
    "name", ["klingon", "hex", "rot13", "utf-8\x00", "zip", "idna", "punycode", "unicode-escape", "\udcff", "undefined"]
)
def test_an_encoding_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is no encoding that is known; write one such as utf-8"):
        lines_of(write(tmp_path, b"email\n"), encoding=name)


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04\x00\x00", b"email\x00\n", b"\x00" * 50, bytes(range(256)) * 40, "email\n".encode("utf-32")]
)
def test_a_binary_file_is_no_list(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ContentError, match=r"a binary file, not a list in CSV|the list is UTF-32"):
        lines_of(write(tmp_path, data))


@settings(deadline=None)  # it writes files
@given(st.binary(max_size=300))
def test_any_bytes_are_lines_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = write(tmp_path_factory.mktemp("bytes"), data)
    for guess in (True, False):
        sentences = []
        try:
            lines_of(path, guess=guess)
        except ContentError as error:
            sentences.append(str(error))
        assert all(sentence.isprintable() for sentence in sentences)
