"""What the site has beside docs/: README as its first page, the pages at the top of the project, the files of examples.

A hook of MkDocs: on_files and on_page_markdown are its names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": "index.md",
    "README.zh.md": "index.zh.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
LINK = re.compile(r"(?<=\]\()(?P<path>(?!\w+:|#)[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages, each with its links as they are seen from docs/, and whatever file a page links to."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text("utf-8")
        files.append(File.generated(config, page, content=LINK.sub(lambda link: _seen(link, ROOT), text)))
    files.append(File.generated(config, "decisions/index.md", content=_decisions()))
    linked = {
        path
        for page in (ROOT / "docs").rglob("*.md")
        for path in (_target(link, page.parent) for link in LINK.finditer(page.read_text("utf-8")))
        if path is not None
    }
    for path in sorted(linked):
        files.append(File.generated(config, f"files/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """A page of docs/, its links out of docs/ leading to where `on_files` put what they mean."""
    if page.file.generated_by is not None:
        return markdown
    folder = Path(page.file.abs_src_path).parent
    return LINK.sub(lambda link: _seen(link, folder), markdown)


def _decisions() -> str:
    """The list of decisions, each by the heading of its page."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    headings = [(page.name, page.read_text("utf-8").splitlines()[0].removeprefix("# ")) for page in pages]
    return "# Decisions\n\n" + "\n".join(f"* [{heading}]({name})" for name, heading in headings) + "\n"


def _target(link: re.Match[str], folder: Path) -> str | None:
    """The file outside docs/ that the link means, from the project's folder on; None for pages."""
    path = (folder / link["path"]).resolve()
    if not path.is_file() or path.is_relative_to(ROOT / "docs"):
        return None
    name = str(path.relative_to(ROOT))
    return None if name in PAGES else name


def _seen(link: re.Match[str], folder: Path) -> str:
    path = (folder / link["path"]).resolve()
    up = "../" * len(folder.resolve().relative_to(ROOT / "docs").parts) if folder != ROOT else ""
    anchor = link["anchor"] or ""
    if path == ROOT / "docs" / "decisions":
        return "decisions/index.md"
    if path.is_relative_to(ROOT / "docs"):
        return link[0] if folder != ROOT else f"{path.relative_to(ROOT / 'docs')}{anchor}"
    if not path.is_relative_to(ROOT) or not path.exists():
        return link[0]  # MkDocs says what is wrong with it
    name = str(path.relative_to(ROOT))
    return f"{up}{PAGES.get(name, f'files/{name}')}{anchor}"
