"""Quoted-printable with values spliced in: Python's own decoder reads it, and every line is one for the wire."""

from __future__ import annotations

import quopri

from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.quoted_printable import LINE, encode_quoted, quote_text, quoted_size

texts = st.lists(st.sampled_from(["a", "b", ".", " ", "\t", "=", "é", "\r\n", "日", "a" * 74]), max_size=60).map(
    "".join
)
values = st.text("xy. =ö", max_size=160)


@given(st.lists(st.one_of(texts, st.just(0)), max_size=6), values)
@example(["a" * 76, 0], "")
@example(["a" * 75 + ".", 0, " "], ".")
@settings(max_examples=300, deadline=None)
def test_it_decodes_to_the_filled_text(parts: list[str | int], value: str) -> None:
    data = b"".join(quote_text([*parts, "end\r\n"]).lines([value]))
    lines = data.split(b"\r\n")
    assert all(len(line) <= LINE and not line.startswith(b".") for line in lines)
    assert b"\n" not in b"".join(lines)
    filled = "".join(value if isinstance(part, int) else part for part in parts)
    decoded = quopri.decodestring(data.replace(b"\r\n", b"\n")).decode()
    assert decoded == f"{filled}end\r\n\r\n".replace("\r\n", "\n")


@given(st.text("ab =é日", max_size=3_000))
def test_the_size_is_known_beforehand(text: str) -> None:
    size = len(encode_quoted(text))
    assert abs(quoted_size(text.encode()) - size) <= 8 + size // 10
