"""Posts in, files out: every unreadable post is a sentence, every file is whole or not there."""

from __future__ import annotations

import io
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest
from command_line import without_root

from newsletter.errors import ConfigError, ContentError
from newsletter.files import files_below, write_atomically
from newsletter.pipeline.read_post_file import STDIN, open_post
from newsletter.post.parse import MAX_BYTES

NOTHING = io.BytesIO()


def test_a_post_is_read_with_the_folder_its_pictures_are_beside(tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    post.write_bytes(b"# Hi\xff\n")
    assert open_post(str(post), NOTHING) == (str(post), b"# Hi\xff\n", tmp_path)


def test_a_dash_is_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_text("a file of this name is not meant")
    assert open_post("-", io.BytesIO(b"# Hi\n")) == (STDIN, b"# Hi\n", tmp_path)


def test_a_huge_post_is_not_read_whole(tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    with post.open("wb") as file:
        file.truncate(MAX_BYTES * 3)
    assert len(open_post(str(post), NOTHING)[1]) == MAX_BYTES + 1
    assert len(open_post("-", io.BytesIO(bytes(MAX_BYTES * 3)))[1]) == MAX_BYTES + 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.md", "there is no such file; check the name"),
        (".", "this is a folder; name the post inside it"),
        ("post.md/more.md", "cannot be read (Not a directory)"),
        ("x" * 300, "cannot be read (File name too long)"),
        ("", "name the post"),
    ],
)
def test_what_is_no_post_is_one_sentence(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "post.md").write_text("x")
    with pytest.raises(ContentError) as caught:
        open_post(name, NOTHING)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_post_that_may_not_be_read_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        post = Path(open_to_all) / "post.md"
        post.touch(mode=0)
        with without_root(), pytest.raises(ContentError, match=r"cannot be read \(Permission denied\); check its"):
            open_post(str(post), NOTHING)


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_a_post_that_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    post = tmp_path / "post.md"
    if kind == "pipe":
        os.mkfifo(post)
    elif kind == "device":
        post = Path("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(post))
    with pytest.raises(ContentError, match="this is a pipe, a socket or a device, not a file; name a file, or write -"):
        open_post(str(post), NOTHING)


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_file_is_written_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "email.html"
    write_atomically(path, b"one")
    assert path.read_bytes() == b"one"
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["email.html"]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"")
        assert os.umask(0o027) == 0o027, "the umask was changed"
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_reader_of_the_old_file_keeps_it(tmp_path: Path) -> None:
    """The new file takes the old one's name; nobody sees a part of either."""
    path = tmp_path / "file"
    write_atomically(path, b"old" * 1000)
    with path.open("rb") as reader:
        head = reader.read(3)
        write_atomically(path, b"new")
        assert head + reader.read() == b"old" * 1000


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_takes_no_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "below", tmp_path / "folder", tmp_path / ("x" * 300)):
        with pytest.raises(ConfigError, match=r"cannot be written \(.+\); choose another place"):
            write_atomically(path, b"data")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / ("長" * 80 + ".html")
    write_atomically(path, b"data")
    assert path.read_bytes() == b"data"


def test_a_pipe_or_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    """As root, a rename would take /dev/null's place, and break the machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"whole")
        assert os.read(reader, 100) == b"whole"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "list.csv").write_text("old")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.symlink_to("kept/list.csv")
    second.symlink_to("first.csv")
    write_atomically(second, b"new")
    assert (first.is_symlink(), second.is_symlink()) == (True, True)
    assert (tmp_path / "kept" / "list.csv").read_bytes() == b"new"
    (tmp_path / "later.csv").symlink_to("kept/later.csv")
    write_atomically(tmp_path / "later.csv", b"made")
    assert (tmp_path / "kept" / "later.csv").read_bytes() == b"made"
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_a_name_that_no_file_can_have_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match=r"cannot be written \(Too many levels of symbolic links\); choose another"):
        write_atomically(tmp_path / "loop", b"data")
    assert (tmp_path / "loop").is_symlink()
    for name in ("", "."):
        with pytest.raises(ConfigError, match="not the name of a file; write one"):
            write_atomically(Path(name), b"data")


def test_folders_of_any_depth_are_walked_and_links_are_not_followed(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(1_100):  # Python's recursion ends at 1,000
        deep /= "d"
        deep.mkdir()
    for path in (deep / "z.md", tmp_path / "b.md", tmp_path / "a.md"):
        path.write_text("")
    (tmp_path / "c").symlink_to(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.md").write_text("")
    found = files_below(tmp_path, enters=lambda name: not name.startswith("."))
    assert list(found) == [tmp_path / "a.md", tmp_path / "b.md", deep / "z.md"]
    with pytest.raises(FileNotFoundError):
        list(files_below(tmp_path / "nowhere"))
    (deep / "z.md").unlink()
    while deep != tmp_path:  # pytest's own removal of the folder recurses
        deep.rmdir()
        deep = deep.parent
