"""Run axe-core on a page: serious accessibility findings, with their elements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from machine import CHECKOUT, missing

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = CHECKOUT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")

RUN = """async (grave) => {
  const { violations } = await axe.run(document, { iframes: false, preload: false, resultTypes: ["violations"] });
  return violations
    .filter((found) => grave.includes(found.impact))
    .flatMap((found) => found.nodes.map((node) => `${found.id}: ${node.html.slice(0, 160)}`));
}"""


def axe_script() -> Path:
    if not SCRIPT.is_file():
        missing("tests/node/node_modules has no axe-core; run `npm ci --prefix tests/node`")
    return SCRIPT


def grave_findings(page: Page) -> list[str]:
    """The findings that axe-core rates serious or critical on the open page."""
    page.evaluate(axe_script().read_text("utf-8"))
    found: list[str] = page.evaluate(RUN, list(GRAVE))
    return found
