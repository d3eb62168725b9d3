"""A finding of a stage: severity, place, text, and the remedy."""

from __future__ import annotations

from typing import Literal

from newsletter.errors import Located, located
from newsletter.frozen import frozen

Severity = Literal["error", "warning", "hint"]
"""error: readers will be missing something; warning: something will look or read worse; hint: good to know."""


@frozen
class Finding:
    """Something for the author or operator to know that did not stop the work.

    `line` and `column` count from 1 in the file that was read; None if the finding has no place. `path` is that file,
    if it is one of several.
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
