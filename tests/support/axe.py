"""Run axe-core on a page: serious accessibility findings, with their elements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from machine import CHECKOUT, missing

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = CHECKOUT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")

RUN = """async ([grave, rules]) => {
  const chosen = rules.length ? { runOnly: rules } : {};
  const options = { iframes: false, preload: false, resultTypes: ["violations"], ...chosen };
  const { violations } = await axe.run(document, options);
  return violations
    .filter((found) => grave.includes(found.impact))
    .flatMap((found) => found.nodes.map((node) => `${found.id}: ${node.html.slice(0, 160)}`));
}"""


def axe_script() -> Path:
    if not SCRIPT.is_file():
        missing("tests/node/node_modules has no axe-core; run `npm ci --prefix tests/node`")
    return SCRIPT


COLOURS = ("color-contrast", "link-in-text-block")
"""The rules whose findings differ where colours alone do, as in dark mode."""


def grave_findings(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """The findings that axe-core rates serious or critical on the open page, of these `rules` or of all."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe_script().read_text("utf-8"))
    found: list[str] = page.evaluate(RUN, [list(GRAVE), list(rules)])
    return found
