"""Fix what can be fixed automatically (`--fix`), and verify that nothing else changed."""

from __future__ import annotations

import contextlib
import difflib
import re
import stat
import sys
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import combinations, islice
from pathlib import Path

from newsletter.check.source.fixes import Fix, FixedText, fix_text
from newsletter.config.config import Config
from newsletter.errors import ConfigError, ContentError
from newsletter.files import write_atomically
from newsletter.frozen import frozen
from newsletter.model.issue import Issue
from newsletter.pipeline.read_post_file import open_post
from newsletter.pipeline.render_post import Rendering, parse_in_place
from newsletter.post.parse import Post, decode_post
from newsletter.post.templating.conditions import Condition

MAX_CONDITIONS = 4
"""Up to this many conditions a fixed post is compared in every combination of their results, 16; beyond it the lines
that conditions may hide are left alone.
"""


_CONDITION = re.compile(r"\{%-?\s*(?:end)?(?:if|unless)\b[^%{]*+(?:(?:%(?!\})|\{(?!%))[^%{]*+)*%\}")


_BOM = b"\xef\xbb\xbf"


def issues(text: str, name: str, folder: Path, config: Config, post: Post | None = None) -> Iterator[Issue]:
    """The post as subscribers may read it: first with every condition false, then other combinations; see
    `_answers`. `post` is the first of them, where it is at hand.
    """
    read = partial(parse_in_place, text, name, folder, config)
    post = post or read()
    yield post.issue
    for yes in _answers(post.conditions):
        # Some combinations are impossible or render nothing; skip them.
        with contextlib.suppress(ContentError):
            yield read(choose=yes.__contains__).issue


def _answers(conditions: Sequence[Condition]) -> Iterator[tuple[Condition, ...]]:
    """The true conditions, for each combination but the one in which none is.

    If there are too many: all of them, and each of the first ones alone.
    """
    every = len(conditions)
    sizes = range(every, 0, -1) if every <= MAX_CONDITIONS else (every, 1)
    for size in sizes:
        yield from islice(combinations(conditions, size), 2**MAX_CONDITIONS)


@frozen
class FixResult:
    """A fixed post: the unified diff, and the path of the backup.

    `backup` is None if nothing was written: there was nothing to fix, or only the diff was requested.
    """

    fixes: tuple[Fix, ...]
    diff: str
    backup: Path | None = None


def fix_post(post: str, config: Config, *, secure: Collection[str] = (), write: bool = True) -> FixResult:
    """Fix a post without changing its content. `secure`: http addresses that answer over https.

    Line ends, a byte order mark and the file's permissions stay. Raises ContentError, ConfigError; then the file is
    unchanged.
    """
    if post == "-":
        raise ConfigError("--fix rewrites a file, and standard input is none", "name the post")
    name, data, folder = open_post(post, sys.stdin.buffer)
    text = decode_post(data, name)
    mended = fixed_text(text, name, folder, config, secure)
    before = _source_lines(data)
    after = [_with_ends(line, mended.lines.get(number)) for number, line in enumerate(before, 1)]
    diff = _diff(before, after, Path(name).as_posix())
    if not mended.fixes or not write:
        return FixResult(mended.fixes, diff)
    path = Path(post).resolve()  # a symbolic link stays a link to the same file
    try:
        mode = path.stat().st_mode & 0o7777
        unchanged = path.read_bytes() == data
    except OSError as error:
        raise ContentError(f"cannot be read any more ({error.strerror})", "run --fix again", path=name) from error
    if not unchanged:
        raise ContentError("the post was changed while it was read", "run --fix again", path=name)
    backup = _keep_backup(Path(post), data, mode)
    write_atomically(path, (_BOM if data.startswith(_BOM) else b"") + "".join(after).encode(), mode)
    return FixResult(mended.fixes, diff, backup)


def fixable(rendering: Rendering, config: Config) -> frozenset[tuple[str, int | None]]:
    """What --fix can fix in a rendered post: the rules, and the lines."""
    mended = fixed_text(rendering.text, rendering.path, rendering.folder, config, post=rendering.post)
    return frozenset((fix.code, fix.line) for fix in mended.fixes)


def fixed_text(
    text: str, name: str, folder: Path, config: Config, secure: Collection[str] = (), post: Post | None = None
) -> FixedText:
    """`post` is the text as it was parsed, where that is at hand."""
    parsed = post or parse_in_place(text, name, folder, config)

    def read(changed: str) -> Iterator[Issue]:
        return issues(changed, name, folder, config, parsed if changed == text else None)

    unread = _conditional_lines(text) if len(parsed.conditions) > MAX_CONDITIONS else range(0)
    return fix_text(text, read, name, secure, unread)


def _conditional_lines(text: str) -> range:
    """From the first condition to the last end tag: lines that may be hidden from some."""
    tags = [(found.start(), found.end()) for found in _CONDITION.finditer(text)]
    if not tags:
        return range(0)
    return range(text.count("\n", 0, tags[0][0]) + 1, text.count("\n", 0, tags[-1][1]) + 2)


def _source_lines(data: bytes) -> list[str]:
    """The file's lines with their ends, numbered as by `decode_post`."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", data.decode("utf-8-sig"))


def _with_ends(line: str, new: str | None) -> str:
    if new is None:
        return line
    end = line[len(line.rstrip("\r\n")) :]
    return new.replace("\n", end or "\n") + end


def _diff(before: list[str], after: list[str], name: str) -> str:
    lines = [*before], [line for each in after for line in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", each)]
    out = []
    for line in difflib.unified_diff(*lines, fromfile=f"a/{name}", tofile=f"b/{name}"):
        out.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(out)


def _keep_backup(path: Path, data: bytes, mode: int) -> Path:
    """Keep the original beside the file with the same permissions: POST.md.bak, or the next free name of that form."""
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.bak{'' if number == 1 else number}")
        try:
            held = backup.lstat()
        except FileNotFoundError:
            # Security: never readable by more users than the post, not even for a moment.
            write_atomically(backup, data, mode)
            return backup
        except OSError as error:
            raise ConfigError(f"cannot be written ({error.strerror})", "rename the post", path=backup) from error
        if stat.S_ISREG(held.st_mode) and _holds(backup, data):
            return backup
        number += 1


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False
