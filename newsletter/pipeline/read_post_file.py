"""Read a post from a file or from standard input."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from newsletter.errors import ContentError, located
from newsletter.files import NotAFileError, open_regular
from newsletter.post.parse import MAX_BYTES

STDIN = "<stdin>"


def open_post(post: str, stdin: BinaryIO) -> tuple[str, bytes, Path]:
    """A post's name for messages, its bytes, and the folder that its pictures are relative to.

    `-` is standard input.
    """
    if post == "-":
        return STDIN, stdin.read(MAX_BYTES + 1), Path.cwd()
    path = Path(post)
    try:
        if path.is_dir():
            raise ContentError(located(post, None, "this is a folder", "name the post inside it"))
        with open_regular(path) as file:
            return post, file.read(MAX_BYTES + 1), path.parent
    except FileNotFoundError:
        raise ContentError(located(post, None, "there is no such file", "check the name")) from None
    except NotAFileError as error:
        raise ContentError(
            located(post, None, f"this is {error.strerror}", "name a file, or write - to read standard input")
        ) from None
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise ContentError(located(post, None, what, "check its permissions")) from error
