"""The kinds of mail that the sign-up pages and the series send to one reader."""

from __future__ import annotations

from typing import Literal

LetterKind = Literal["confirm", "already", "welcome", "goodbye", "series"]
