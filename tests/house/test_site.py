"""The documentation as a site: every page is reached, every link and anchor leads somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from machine import CHECKOUT


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        cwd=CHECKOUT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Write your newsletter as a Markdown post" in (site / "index.html").read_text("utf-8")
    for page in (CHECKOUT / "docs").rglob("*.md"):
        assert (site / page.relative_to(CHECKOUT / "docs")).with_suffix(".html").is_file()
    assert (site / "files" / "examples" / "publish.yml").read_bytes() == (
        CHECKOUT / "examples/publish.yml"
    ).read_bytes()
