"""No output of a command takes the place of a post, or of a list that the issue was sent to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_line import newsletter, write_list

from newsletter.cli.main import cli
from newsletter.errors import ConfigError
from newsletter.pipeline.guard_outputs import require_free
from newsletter.web.catcher.server import Catcher


@pytest.mark.parametrize("name", ["p.md", "P.MD", "notes.markdown"])
@pytest.mark.parametrize("way", ["itself", "through a link", "through a folder's link"])
def test_a_post_is_no_output(name: str, way: str, tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    post = tmp_path / "posts" / name
    post.write_text("# Title\n")
    (tmp_path / "page.html").symlink_to(post)
    (tmp_path / "out").symlink_to(tmp_path / "posts")
    output = {"itself": post, "through a link": tmp_path / "page.html"}.get(way, tmp_path / "out" / name)
    with pytest.raises(ConfigError, match="this is a post, and would be overwritten"):
        require_free([output])


def test_what_is_not_there_is_free(tmp_path: Path) -> None:
    require_free([tmp_path / "new.md", tmp_path / "new.html", "-", None])


@pytest.mark.parametrize("target", [lambda folder: folder / "post.txt", lambda folder: folder / "list.csv"])
def test_a_report_takes_the_place_of_nothing_that_its_issue_is_made_of(
    target: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_list(tmp_path, "ada@example.com")
    (tmp_path / "post.txt").write_text("---\ntitle: One\n---\n\nWords.\n")
    with Catcher() as catcher:
        relay = f"smtp://127.0.0.1:{catcher.smtp_port}"
        sent = newsletter("send", "post.txt", "--to", "list.csv", "--yes", "--first", "--relay", relay, cwd=tmp_path)
    assert sent.code == 0, sent.err
    monkeypatch.chdir(tmp_path)
    before = target(tmp_path).read_bytes()
    (tmp_path / "link.html").symlink_to(target(tmp_path))
    for name in ("link.html", target(tmp_path).name):
        done = CliRunner().invoke(cli, ["report", "post", "--html", name], standalone_mode=False)
        assert isinstance(done.exception, ConfigError)
        assert "would be overwritten" in str(done.exception)
    assert target(tmp_path).read_bytes() == before
    assert CliRunner().invoke(cli, ["report", "post", "--html", "page.html"], standalone_mode=False).exception is None
