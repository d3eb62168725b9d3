"""A finding: what a stage noticed, where, how much it matters, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from newsletter.errors import Located, located

Severity = Literal["error", "warning", "hint"]
"""How much a finding matters: readers will be missing something; something will look or read worse; good to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the author or operator should know that did not stop the work.

    `line` and `column` count from 1 in the file that was read; None where the finding has no place. `path` is that
    file, where it is one of several.
    """

    code: str
    what: str
    remedy: str = ""
    line: int | None = None
    column: int | None = None
    severity: Severity = "warning"
    path: str = ""

    def at(self, path: str) -> Located:
        return located(self.path or path, self.line, self.what, self.remedy, self.column)
