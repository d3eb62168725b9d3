"""Findings from link answers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal
from urllib.parse import urlsplit

from newsletter.frozen import frozen
from newsletter.model.findings import Finding, Severity
from newsletter.text import printable

State = Literal["ok", "moved", "dead", "unsure"]

# The server rejects bots, or requires a login: a reader's browser may succeed. 999 is LinkedIn's.
NOT_FOR_PROGRAMS = frozenset({401, 402, 403, 407, 451, 999})

_MAX_SHOWN = 200


@frozen
class LinkAnswer:
    """The answer of one link.

    `code` is the HTTP status, 0 without a response; `what` the same as a phrase, "the server answers 404 Not Found".
    `leads_to` is the target of permanent redirects, only for a link that has moved.
    """

    url: str
    state: State
    code: int = 0
    what: str = ""
    leads_to: str = ""

    def __post_init__(self) -> None:
        if bool(self.leads_to) != (self.state == "moved"):
            raise ValueError(f"a link that is {self.state} leads to {self.leads_to!r}")


def link_findings(
    answers: Mapping[str, LinkAnswer], lines: Mapping[str, int | None], pictures: Collection[str] = ()
) -> tuple[Finding, ...]:
    """A finding for each faulty link, in the order of the post.

    `lines` has the first line of the post with each URL, None if unknown; `pictures` the URLs of pictures.
    """
    found = [
        _finding(answer, "picture" if url in pictures else "link", lines.get(url))
        for url, answer in answers.items()
        if answer.state != "ok"
    ]
    return tuple(sorted(found, key=lambda finding: (finding.line is None, finding.line or 0)))


def _finding(answer: LinkAnswer, kind: Literal["link", "picture"], line: int | None) -> Finding:
    link = f"the {kind} {_shown(answer.url)}"
    if answer.state == "dead":
        return Finding(
            "link-dead", f"{link} is dead: {answer.what}", "correct it, or take it out", line, severity="error"
        )
    if answer.state == "moved":
        target = _shown(answer.leads_to, len(answer.leads_to))
        if _is_front_page(answer.leads_to) and not _is_front_page(answer.url):
            what, remedy = (
                f"{link} leads to the front page {target} now",
                f"look where it went, or take the {kind} out",
            )
        else:
            what, remedy = f"{link} has moved for good", f"write {target}"
        return Finding("link-moved", what, remedy, line, severity="hint")
    severity: Severity = "hint" if answer.code in NOT_FOR_PROGRAMS else "warning"
    return Finding(
        "link-unsure", f"{link} may not work: {answer.what}", "open it in a browser", line, severity=severity
    )


def without_login(url: str) -> str:
    """A URL without its user name and password. ValueError if it is invalid."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url


def _shown(url: str, length: int = _MAX_SHOWN) -> str:
    try:
        # Security: reports go to terminals and logs; passwords must not.
        url = without_login(url)
    except ValueError:
        url = url.rpartition("@")[2]
    return printable(url if len(url) <= length else url[: length - 1] + "…")


def _is_front_page(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.path in {"", "/"} and not parts.query
