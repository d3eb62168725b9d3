"""One Chromium for a module's emails: measures horizontal overflow, clipped content, and what printing loses."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# For each visible element: its right edge, and whether it clips its content. Text is measured by itself: a line may
# overflow a box that is in place.
MEASURE = """() => {
  const width = document.documentElement.clientWidth, found = [];
  const named = (element) => {
    const words = (element.textContent || element.getAttribute("alt") || "").trim().replace(/\\s+/g, " ");
    return `<${element.tagName.toLowerCase()} class="${element.className}"> “${words.slice(0, 40)}”`;
  };
  const seen = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") return false;
    }
    return true;
  };
  const out = (box) => box.width > 0 && box.height > 0 && (box.right > width + 0.5 || box.left < -0.5);
  for (const element of document.body.querySelectorAll("*")) {
    if (!seen(element) || ["STYLE", "SCRIPT", "TITLE"].includes(element.tagName)) continue;
    const box = element.getBoundingClientRect();
    if (out(box)) found.push(`${named(element)} ends at ${Math.round(box.right)} of ${width}`);
    const style = getComputedStyle(element);
    if (/hidden|clip/.test(style.overflowX + style.overflowY) &&
        (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1))
      found.push(`${named(element)} clips ${element.scrollWidth} to ${element.clientWidth}`);
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const cell = element.closest("td, th"), edge = cell && cell.getBoundingClientRect();
      // An ideographic space at a line's end hangs beyond it, unseen.
      const hanging = 1 + (node.data.includes("\u3000") ? parseFloat(style.fontSize) : 0);
      for (const line of range.getClientRects()) {
        if (out(line)) found.push(`the words “${node.data.trim().slice(0, 40)}” end at ${Math.round(line.right)}`);
        else if (edge && line.width > 1 && (line.right > edge.right + hanging || line.left < edge.left - hanging))
          found.push(`the words “${node.data.trim().slice(0, 40)}” end beyond their cell`);
      }
    }
  }
  if (document.documentElement.scrollWidth > width)
    found.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${width}`);
  return [...new Set(found)];
}"""


@dataclass(slots=True)
class EmailPage:
    """A browser page in which one email after the other is opened from a file."""

    page: Any
    pdftotext: str
    folder: Path

    def open(self, html: str, *, width: int = 640, dark: bool = False) -> None:
        path = self.folder / "email.html"
        path.write_text(html, "utf-8")
        self.page.emulate_media(media="screen", color_scheme="dark" if dark else "light")
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto(path.as_uri())

    def sticking_out(self, html: str, *widths: int) -> dict[int, list[str]]:
        """What overflows the window, or is clipped, at these widths."""
        self.open(html, width=widths[0])
        found = {}
        for width in widths:
            self.page.set_viewport_size({"width": width, "height": 900})
            found[width] = self.page.evaluate(MEASURE)
        return {width: named for width, named in found.items() if named}

    def printed(self) -> list[str]:
        """The words of each printed page (A4), without white space."""
        path = self.folder / "email.pdf"
        self.page.pdf(path=str(path), format="A4")
        done = subprocess.run([self.pdftotext, path, "-"], capture_output=True, check=True, timeout=600)
        return [squeezed(page) for page in done.stdout.decode().split("\f")[:-1]]

    def words(self) -> list[str]:
        """The visible texts of the open email, in order, without white space."""
        texts: list[str] = self.page.evaluate(
            """() => { const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
              while (walker.nextNode()) {
                const element = walker.currentNode.parentElement;
                if (element.checkVisibility({opacityProperty: true}) && !element.closest("style, title"))
                  found.push(walker.currentNode.data);
              }
              return found; }"""
        )
        return [word for text in texts if (word := squeezed(text))]


def squeezed(text: str) -> str:
    """Without white space, joiners and hyphens, which line breaking on paper changes."""
    return re.sub(r"[\s\u00ad\u034f\u200b-\u200f\u2060\u2066-\u2069\ufe0e\ufe0f-]+", "", text)
