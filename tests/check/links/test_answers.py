"""From answers to findings: how much each matters, where it stands, what to write instead."""

from __future__ import annotations

import pytest

from newsletter.check.links.answers import NOT_FOR_PROGRAMS, LinkAnswer, State, link_findings

GONE = "the server answers 404 Not Found"


def findings(*answers: LinkAnswer, **lines: int) -> list[tuple[str, str, str, str]]:
    places = {answer.url: lines.get(answer.url.rpartition("/")[2]) for answer in answers}
    found = link_findings({answer.url: answer for answer in answers}, places)
    return [(finding.severity, finding.code, finding.what, finding.remedy) for finding in found]


def test_a_live_link_is_no_finding() -> None:
    assert findings(LinkAnswer("https://a.test/", "ok", 200, "the server answers 200 OK")) == []


def test_a_dead_link_is_an_error() -> None:
    assert findings(LinkAnswer("https://a.test/x", "dead", 404, GONE)) == [
        ("error", "link-dead", f"the link https://a.test/x is dead: {GONE}", "correct it, or take it out")
    ]


def test_a_moved_link_has_the_address_to_write() -> None:
    assert findings(LinkAnswer("http://a.test/x", "moved", 200, "", "https://b.test/" + "y" * 300)) == [
        (
            "hint",
            "link-moved",
            "the link http://a.test/x has moved for good",
            "write https://b.test/" + "y" * 300,
        )
    ]


@pytest.mark.parametrize("target", ["https://a.test/", "https://a.test", "https://b.test/#top"])
def test_a_page_that_became_the_front_page_is_probably_gone(target: str) -> None:
    assert findings(LinkAnswer("http://a.test/x", "moved", 200, "", target)) == [
        (
            "hint",
            "link-moved",
            f"the link http://a.test/x leads to the front page {target} now",
            "look where it went, or take the link out",
        )
    ]


def test_a_front_page_may_become_another() -> None:
    ((_, _, what, remedy),) = findings(LinkAnswer("http://a.test", "moved", 200, "", "https://a.test/"))
    assert (what, remedy) == ("the link http://a.test has moved for good", "write https://a.test/")


@pytest.mark.parametrize("code", sorted(NOT_FOR_PROGRAMS))
def test_what_a_browser_may_be_shown_is_a_hint(code: int) -> None:
    ((severity, kind, what, remedy),) = findings(LinkAnswer("https://a.test/", "unsure", code, "it says no"))
    assert (severity, kind) == ("hint", "link-unsure")
    assert (what, remedy) == ("the link https://a.test/ may not work: it says no", "open it in a browser")


@pytest.mark.parametrize("code", [0, 302, 400, 429, 500, 503])
def test_what_may_not_work_for_anyone_is_a_warning(code: int) -> None:
    ((severity, *_),) = findings(LinkAnswer("https://a.test/", "unsure", code, "it does not answer"))
    assert severity == "warning"


def test_findings_stand_in_the_order_of_the_post() -> None:
    answers = [LinkAnswer(f"https://a.test/{name}", "dead", 404, GONE) for name in ("nowhere", "c", "a", "b")]
    found = link_findings(
        {answer.url: answer for answer in answers},
        {"https://a.test/a": 3, "https://a.test/b": 40, "https://a.test/c": 20},
    )
    assert [finding.line for finding in found] == [3, 20, 40, None]


def test_no_login_and_no_command_reaches_a_terminal() -> None:
    hostile = LinkAnswer("https://ada:secret@a.test/\x1b[2J", "moved", 200, "", "https://b.test/\x1b[2J")
    broken = LinkAnswer("https://ada:secret@[", "dead", 0, "it is no address")
    text = repr(findings(hostile, broken))
    assert "secret" not in text
    assert "\x1b" not in "".join(part for finding in findings(hostile, broken) for part in finding)
    assert "https://a.test/" in text


def test_a_long_link_is_shortened() -> None:
    ((*_, what, _remedy),) = findings(LinkAnswer("https://a.test/" + "x" * 5000, "dead", 404, GONE))
    assert len(what) < 300


@pytest.mark.parametrize(("state", "leads_to"), [("moved", ""), ("ok", "https://b.test/"), ("dead", "https://b.test/")])
def test_a_link_leads_elsewhere_if_and_only_if_it_moved(state: State, leads_to: str) -> None:
    with pytest.raises(ValueError, match="leads to"):
        LinkAnswer("https://a.test/", state, 200, "", leads_to)
