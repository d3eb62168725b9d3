"""Judge the one-click unsubscribe address (RFC 8058) by its responses to a POST and a GET with an invalid token."""

from __future__ import annotations

import re

from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.frozen import frozen

_FORM = re.compile(r"<form\b[^<>]*\bmethod\s*=\s*[\"']?post", re.IGNORECASE)
_REDIRECTS = range(300, 400)


@frozen
class WebAnswer:
    """`status` is 0 without a response, and `failure` says why. `page` is the beginning of the body.

    `private`: no request was made, since the address is on a network that readers cannot reach.
    """

    status: int = 0
    location: str = ""
    page: str = ""
    date: str = ""
    failure: str = ""
    private: bool = False


def judge_address(unsubscribe_url: str, mailto: str) -> Verdict | None:
    """The verdict by the settings alone; None if there is an address to request."""
    if not unsubscribe_url:
        if not mailto:
            return None  # the `needed` verdict covers that
        what = "no one-click address, which Gmail and Yahoo ask of bulk senders; only a mailto"
        return yellow("one-click", what, "run `newsletter serve` and set [serve] url, or set unsubscribe_url")
    if "{token}" not in unsubscribe_url:
        return yellow(
            "one-click",
            "unsubscribe_url has no {token}: whoever knows an address can take it off the list",
            "write {token} where the code goes",
        )
    return None


def judge_one_click(place: str, post: WebAnswer, get: WebAnswer, *, local: bool) -> tuple[Verdict, ...]:
    """`place` is the address up to its path; `local`, whether it is on this machine."""
    if post.private:
        return (red("one-click", f"{place}: {post.failure}", "publish it under an address that readers can reach"),)
    if post.failure:
        return (
            red("one-click", f"{place}: {post.failure}", "start `newsletter serve`, or mend its proxy", outside=True),
        )
    verdicts = [_judged_post(place, post)]
    page = _judged_get(place, post, get)
    if page is not None:
        verdicts.append(page)
    if local:
        verdicts.append(
            yellow("one-click", f"{place}: only this machine can reach it", "set the public https address to send")
        )
    return tuple(verdicts)


def _judged_post(place: str, post: WebAnswer) -> Verdict:
    said = f"{place}: a one-click POST is answered {post.status}"
    if post.status in _REDIRECTS:
        to = f" to {post.location[:60]}" if post.location else ""
        return red("one-click", f"{said}, a redirect{to}; RFC 8058 forbids that", "answer it there, with 200")
    if post.status in (401, 403, 407):
        return red("one-click", f"{said}: it asks for a login, or a firewall stands before it", "let POSTs through")
    if post.status in (405, 501):
        return red("one-click", f"{said}: it takes no POST", "answer POST (RFC 8058); `newsletter serve` does")
    if post.status >= 500:
        return red("one-click", f"{said}: the server failed", "see its log", outside=True)
    if post.status >= 400:
        return yellow("one-click", f"{said}, to a token of nobody's", "see that a real one is answered 200")
    return green("one-click", f"{said}, without a redirect")


def _judged_get(place: str, post: WebAnswer, get: WebAnswer) -> Verdict | None:
    """Mail scanners follow every link: a GET must show a button and change nothing."""
    if get.failure or not 200 <= get.status < 300 or _FORM.search(get.page):
        return None
    remedy = "show a page with a form that POSTs, and take nobody off the list before that"
    if get.page == post.page and post.status == get.status:
        return yellow("one-click", f"{place}: GET answers as POST does, and may unsubscribe whoever opens it", remedy)
    return yellow("one-click", f"{place}: GET shows no button, and may unsubscribe whoever opens it", remedy)
