"""What is told of long work, and what must not stop it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from newsletter.cli.progress import JsonLog
from newsletter.text import json_text


def test_a_log_that_breaks_in_the_middle_says_so_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with JsonLog(str(pipe), "hello") as log:
        log.write("start", due=2)
        assert json.loads(os.read(reader, 1_000))["due"] == 2
        os.close(reader)
        log.write("outcome", address="ann@example.com")
        log.write("outcome", address="bo@example.com")
    said = capsys.readouterr().err
    assert said.startswith(f"warning: {pipe}: the log cannot be written any more (Broken pipe) and ends here; the rest")
    assert said.count("\n") == 1


def test_bytes_that_were_no_text_are_logged(tmp_path: Path) -> None:
    with JsonLog(str(tmp_path / "log"), "hello") as log:
        log.write("news", text="caf\udce9")
    assert json.loads((tmp_path / "log").read_text("utf-8"))["text"] == "caf\udce9"


def test_json_moves_no_cursor_and_says_the_same() -> None:
    value = {"a\x9b2J": "\x7f\x80\x85\x9f\x1b[2J\u00a0é王"}
    for ascii_only in (False, True):
        text = json_text(value, ascii_only=ascii_only)
        assert not any(0x7F <= ord(char) <= 0x9F or ord(char) < 0x20 for char in text)
        assert json.loads(text) == value
    assert "é王" in json_text(value)
