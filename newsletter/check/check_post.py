"""Lint a post: run every rule on its source and on the rendered email.

Reads files and, only on request, the web. `newsletter check` and the preview page use this.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from newsletter.check.clients.compatibility import compat_findings
from newsletter.check.clients.load_support import load_support
from newsletter.check.clients.support import Support
from newsletter.check.fix_post import fixable, issues
from newsletter.check.links.answers import link_findings
from newsletter.check.rendered.email_rules import rendered_findings, sample_text, size_findings
from newsletter.check.rendered.width import width_findings
from newsletter.check.source.fixes import Fix, find_fixes
from newsletter.check.source.source_rules import link_places, source_findings
from newsletter.check.spam.spam_rules import spam_findings
from newsletter.check.spam.spamassassin import spam_score
from newsletter.config.config import Config
from newsletter.errors import ContentError, Located
from newsletter.frozen import frozen
from newsletter.message.compose import Composer
from newsletter.model.findings import Finding
from newsletter.pipeline.read_post_file import STDIN, open_post
from newsletter.pipeline.render_post import SAMPLE, Rendering, empty_fields, masthead_of, render_post, zone_of
from newsletter.pipeline.template_sentences import template_sentences
from newsletter.post.parse import decode_post
from newsletter.post.publication import held_findings

if TYPE_CHECKING:
    from newsletter.audience.audience import Audience
    from newsletter.check.links.checker import LinkChecker
    from newsletter.render.images.resolve import ImageMode

_ORDER = {"error": 0, "warning": 1, "hint": 2}


@frozen
class Checked:
    """A post and its findings. Without a rendering it is invalid; the only finding says why."""

    path: str
    rendering: Rendering | None
    findings: tuple[Finding, ...]
    fixable: frozenset[tuple[str, int | None]] = frozenset()

    def is_fixable(self, finding: Finding) -> bool:
        """Whether --fix can fix it."""
        return (finding.code, finding.line) in self.fixable

    def count(self, severity: Literal["error", "warning", "hint"]) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def check_post(
    post: str,
    config: Config,
    audience: Audience | None = None,
    *,
    images: ImageMode | None = None,
    when: datetime | None = None,
    theme: bool = False,
    more: Callable[[Rendering], Iterable[Finding]] = lambda rendering: (),
) -> Checked:
    """All findings about a post at `when`, now by default.

    `more` adds findings from elsewhere, such as dead links. With `theme`, hints about the theme's CSS in some mail
    clients are included: they are the same for every post, and its author cannot fix them. An invalid post is a
    finding. Raises ConfigError.
    """
    try:
        rendering = render_post(post, config, audience, images=images)
    except ContentError as error:
        path = STDIN if post == "-" else post
        return Checked(path, None, tuple(finding_of(fault, path) for fault in error.faults))
    empty = empty_fields(rendering, audience) if audience else ()
    own = (finding for finding in findings_of(rendering, config, when) if theme or not is_theme_hint(finding))
    findings = in_order((*own, *empty, *more(rendering)))
    return Checked(rendering.path, rendering, findings, fixable(rendering, config))


def is_theme_hint(finding: Finding) -> bool:
    """Whether it is about the theme's CSS, without which the email is still complete."""
    return finding.severity == "hint" and finding.code.startswith("client-")


def findings_of(rendering: Rendering, config: Config, when: datetime | None = None) -> tuple[Finding, ...]:
    """The findings about a rendering, its parser's included, in order of their places.

    `when` is the time that its date is compared with, now by default.
    """
    fixes = find_fixes(rendering.text, (rendering.issue,), rendering.path)
    held = held_findings(rendering.issue, when or datetime.now(UTC), zone_of(config), rendering.text)
    return in_order((*held, *_findings(rendering, config, fixes)))


def _findings(rendering: Rendering, config: Config, fixes: tuple[Fix, ...]) -> Iterable[Finding]:
    yield from rendering.findings
    yield from _template_findings(rendering.text)
    written = source_findings(rendering.issue, rendering.text, fixes)
    # A mail to one reader is of the day on which it is sent.
    yield from (each for each in written if rendering.is_issue or each.code != "date-missing")
    has_list = rendering.letter is None or not rendering.letter.has_button
    yield from rendered_findings(rendering.issue, rendering.email, masthead_of(config), has_list=has_list)
    yield from width_findings(rendering.issue, sample_text(rendering.email.html))
    yield from compat_findings(sample_text(rendering.email.html), _support(), config.settings.check.clients)
    for email in rendering.variants.emails.values():
        yield from size_findings(email)


def _template_findings(text: str) -> Iterable[Finding]:
    for line, sentence in template_sentences(text):
        words = sentence.strip("*")
        shown = words if len(words) <= 40 else words[:39] + "…"
        yield Finding(
            "template-untouched", f"“{shown}” is the template's sentence", "write your own, or take it out", line
        )


@lru_cache(maxsize=1)
def _support() -> Support:
    return load_support()


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Deduplicated, by line; findings about the whole post come last."""
    once = dict.fromkeys(findings)
    return tuple(sorted(once, key=lambda each: (each.line or sys.maxsize, each.column or 0, _ORDER[each.severity])))


def finding_of(fault: Located, path: str) -> Finding:
    """The error of the invalid post at `path`, as a finding. A fault of another file names that file."""
    elsewhere = "" if fault.path == path else fault.path
    return Finding("unreadable", fault.what, fault.remedy, fault.line, fault.column, "error", elsewhere)


Progress = Callable[[int, int], None]


def ask_links(
    rendering: Rendering, checker: LinkChecker, on_progress: Progress = lambda done, total: None
) -> tuple[Finding, ...]:
    """Check an issue's links, and its pictures on the web. Uses the network."""
    links = link_places(rendering.issue, rendering.text)
    pictures = {image.src: image.line for image in reversed(rendering.issue.images) if image.src not in links}
    places = {**links, **pictures}
    answers = checker.check(tuple(places), on_progress)
    return (*link_findings(answers, places, pictures), *checker.findings)


def secure_links(
    post: str, config: Config, checker: LinkChecker, on_progress: Progress = lambda done, total: None
) -> frozenset[str]:
    """The http addresses of a post, of links and of pictures, that answer over https, too. Uses the network.

    Raises ContentError, ConfigError.
    """
    name, data, folder = open_post(post, sys.stdin.buffer)
    text = decode_post(data, name)
    issue = next(issues(text, name, folder, config))
    urls = (*link_places(issue, text), *(image.src for image in issue.images))
    answers = checker.upgrades([url for url in urls if url.startswith("http://")], on_progress)
    return frozenset(url for url, secure in answers.items() if secure)


def ask_spam(
    rendering: Rendering, config: Config, when: datetime, spamc: Sequence[str] = ("spamc",)
) -> tuple[Finding, ...]:
    """SpamAssassin's findings about the issue's message; none if it is not installed or does not answer."""

    if shutil.which(spamc[0]) is None:
        return ()
    sender = rendering.sender(config.sample_sender)
    composer = Composer(rendering.variants, sender, issue=rendering.issue.slug, when=when)
    verdict = spam_score(composer.compose(SAMPLE).data, spamc=spamc)
    return spam_findings(verdict) if verdict else ()
