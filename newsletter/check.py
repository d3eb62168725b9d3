"""A post looked over before it goes out: what its readers would stumble over, and what can be mended by itself.

Reads files and, only when asked, the web. `newsletter check` and the preview page call this.
"""

from __future__ import annotations

import difflib
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.checks.compat import compat_findings
from newsletter.checks.reachable import link_findings
from newsletter.checks.rendered import rendered_findings, sample_text, size_findings
from newsletter.checks.slips import Slip, find_slips, mend_text
from newsletter.checks.source import link_places, source_findings
from newsletter.checks.spam import spam_findings
from newsletter.checks.support import Support
from newsletter.clients import load_support
from newsletter.config import Config
from newsletter.errors import ConfigError, ContentError
from newsletter.files import STDIN, open_post, write_atomically
from newsletter.message import Composer
from newsletter.model import Finding, Issue
from newsletter.pipeline import SAMPLE, Rendering, masthead_of, render_post, site_of
from newsletter.post import decode_post, parse_post

if TYPE_CHECKING:
    from newsletter.audience import Audience
    from newsletter.images import ImageMode
    from newsletter.weblinks import LinkChecker

_ORDER = {"error": 0, "warning": 1, "hint": 2}
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Checked:
    """A post and what was found. Without a rendering it could not be read; the only finding says why."""

    path: str
    rendering: Rendering | None
    findings: tuple[Finding, ...]
    mendable: frozenset[tuple[str, int | None]] = frozenset()

    def is_mendable(self, finding: Finding) -> bool:
        """Whether --fix would very likely mend it; it makes sure when it does."""
        return (finding.code, finding.line) in self.mendable

    def count(self, severity: Literal["error", "warning", "hint"]) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def check_post(
    post: str,
    config: Config,
    audience: Audience | None = None,
    *,
    images: ImageMode | None = None,
    more: Callable[[Rendering], Iterable[Finding]] = lambda rendering: (),
) -> Checked:
    """Everything that is to be said of a post. `more` adds what somebody else is asked for, such as dead links.

    A post that cannot be read is a finding. Raises ConfigError.
    """
    try:
        rendering = render_post(post, config, audience, images=images)
    except ContentError as error:
        path = STDIN if post == "-" else post
        return Checked(path, None, tuple(finding_of(line, path) for line in str(error).split("\n")))
    slips = find_slips(rendering.text, (rendering.issue,), rendering.path)
    findings = in_order((*_findings(rendering, config, slips), *more(rendering)))
    return Checked(rendering.path, rendering, findings, frozenset((slip.code, slip.line) for slip in slips))


def findings_of(rendering: Rendering, config: Config) -> tuple[Finding, ...]:
    """What is to be said of a rendering, its parser's findings included, in the order of their places."""
    slips = find_slips(rendering.text, (rendering.issue,), rendering.path)
    return in_order(_findings(rendering, config, slips))


def _findings(rendering: Rendering, config: Config, slips: tuple[Slip, ...]) -> Iterable[Finding]:
    yield from rendering.findings
    yield from source_findings(rendering.issue, rendering.text, slips)
    yield from rendered_findings(rendering.issue, rendering.email, masthead_of(config))
    yield from compat_findings(sample_text(rendering.email.html), _support(), config.settings.check.clients)
    for email in rendering.variants.emails.values():
        yield from size_findings(email)


@lru_cache(maxsize=1)
def _support() -> Support:
    return load_support()


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once, by line; what concerns the whole comes last."""
    once = dict.fromkeys(findings)
    return tuple(sorted(once, key=lambda each: (each.line or sys.maxsize, each.column or 0, _ORDER[each.severity])))


def finding_of(sentence: str, path: str) -> Finding:
    """An error's sentence, taken apart again: `path:line:column: what; remedy`."""
    rest = sentence.removeprefix(f"{path}:")
    found = re.fullmatch(r"(?:(?P<line>\d+):(?:(?P<column>\d+):)?)?\s*(?P<what>.*)", rest, re.DOTALL)
    if not found:
        return Finding("unreadable", sentence, severity="error")
    what, _, remedy = found["what"].rpartition("; ")
    line, column = (int(found[name]) if found[name] else None for name in ("line", "column"))
    return Finding("unreadable", what or remedy, remedy if what else "", line, column, "error")


# --- asking others --------------------------------------------------------------------------------------------------


Progress = Callable[[int, int], None]


def ask_links(
    rendering: Rendering, checker: LinkChecker, on_progress: Progress = lambda done, total: None
) -> tuple[Finding, ...]:
    """What became of the pages that an issue links to. Asks the web."""
    places = link_places(rendering.issue, rendering.text)
    answers = checker.check(tuple(places), on_progress)
    return (*link_findings(answers, places), *checker.findings)


def secure_links(
    post: str, config: Config, checker: LinkChecker, on_progress: Progress = lambda done, total: None
) -> frozenset[str]:
    """The http addresses of a post, of links and of pictures, that answer over https, too. Asks the web.

    Raises ContentError, ConfigError.
    """
    name, data, _ = open_post(post, sys.stdin.buffer)
    text = decode_post(data, name)
    issue = _issues(text, name, config)[0]
    urls = (*link_places(issue, text), *(image.src for image in issue.images))
    answers = checker.upgrades([url for url in urls if url.startswith("http://")], on_progress)
    return frozenset(url for url, secure in answers.items() if secure)


def ask_spam(
    rendering: Rendering, config: Config, when: datetime, spamc: Sequence[str] = ("spamc",)
) -> tuple[Finding, ...]:
    """What SpamAssassin says of the issue's message; nothing where it is not installed or does not answer."""
    from newsletter.spam import spam_score

    if shutil.which(spamc[0]) is None:
        return ()
    composer = Composer(rendering.variants, config.sample_sender, issue=rendering.issue.slug, when=when)
    verdict = spam_score(composer.compose(SAMPLE).data, spamc=spamc)
    return spam_findings(verdict) if verdict else ()


def _issues(text: str, name: str, config: Config) -> tuple[Issue, ...]:
    """The post as whoever answers every condition with no reads it, and as whoever answers yes does."""
    site, language = site_of(config), config.settings.newsletter.language
    post = parse_post(text, path=name, site=site, language=language)
    if not post.conditions:
        return (post.issue,)
    other = parse_post(text, path=name, site=site, language=language, choose=lambda condition: True)
    return post.issue, other.issue


# --- mending --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mending:
    """A post's file, mended: the unified diff of what was written, and where the file as it was is kept.

    `backup` is None where nothing was written: there was nothing to mend, or it was only to be shown.
    """

    slips: tuple[Slip, ...]
    diff: str
    backup: Path | None = None


def mend_post(post: str, config: Config, *, secure: Collection[str] = (), write: bool = True) -> Mending:
    """Mend what can be mended without changing what the post says. `secure`: http addresses that answer over https.

    Line ends, a byte order mark and the file's permissions stay. Raises ContentError, ConfigError; then the file is
    as it was.
    """
    if post == "-":
        raise ConfigError("--fix rewrites a file, and standard input is none; name the post")
    name, data, _ = open_post(post, sys.stdin.buffer)
    text = decode_post(data, name)
    mended = mend_text(text, lambda changed: _issues(changed, name, config), name, secure)
    before = _source_lines(data)
    after = [_with_ends(line, mended.lines.get(number)) for number, line in enumerate(before, 1)]
    diff = _diff(before, after, Path(name).as_posix())
    if not mended.slips or not write:
        return Mending(mended.slips, diff)
    path = Path(post).resolve()  # a link goes on leading to the same file
    if path.read_bytes() != data:
        raise ContentError(f"{name}: the post was changed while it was read; run --fix again")
    backup = _keep_backup(Path(post), data)
    mode = path.stat().st_mode & 0o7777
    write_atomically(path, (_BOM if data.startswith(_BOM) else b"") + "".join(after).encode())
    path.chmod(mode)
    return Mending(mended.slips, diff, backup)


def _source_lines(data: bytes) -> list[str]:
    """The file's lines with their ends, numbered as `decode_post` numbers them."""
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


def _keep_backup(path: Path, data: bytes) -> Path:
    """The file as it was, beside it: POST.md.bak, or the next such name that nothing else holds."""
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.bak{'' if number == 1 else number}")
        if not backup.exists():
            write_atomically(backup, data)
            return backup
        if backup.read_bytes() == data:
            return backup
        number += 1
