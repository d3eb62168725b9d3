"""A whole day at the home in Chromium, by mouse and by keys: look, mend, test, send, stop, go on, report.

Whatever a page logs as an error, and whatever its policy had to block, fails the test; the one by mouse also asks
axe-core about every page, light and dark, and looks for what sticks out at four widths.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe import COLOURS, grave_findings
from home_server import SETTINGS, Newsletter, home_of
from machine import PATIENT_MS
from sink import smtp_sink
from smtp_server import Fault, Rule, SmtpServer

from newsletter.model.delivery import State

PEOPLE = [f"reader{number}@example.org" for number in range(4)]
SCHEMES = {"light": (), "dark": COLOURS}
WIDTHS = (320, 390, 640, 1280)


@pytest.fixture
def letters(tmp_path: Path) -> Newsletter:
    letters = Newsletter(tmp_path)
    letters.post(f"{datetime.now(UTC):%Y-%m-%d}-today", '"News "of today" for all"', "description: A few lines of it")
    (tmp_path / "subscribers.csv").write_text("email\n" + "".join(f"{each}\n" for each in PEOPLE))
    return letters


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    contexts: list[Any] = []
    faults: list[str] = []

    def opens(url: str, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        context.set_default_timeout(PATIENT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        return page

    yield opens
    for context in contexts:
        context.close()
    assert faults == []


def inspect(page: Any) -> None:
    """No grave finding of axe-core, and nothing wider than the window."""
    for scheme, rules in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        assert (page.url, scheme, grave_findings(page, rules)) == (page.url, scheme, [])
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)


IS_FOCUSED = """([wanted, words]) => {
    const at = document.activeElement;
    return at.matches(wanted) && at.textContent.includes(words);
}"""


def tab_until(page: Any, selector: str, words: str = "") -> None:
    """Press Tab until what has the focus matches, and has these words."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(IS_FOCUSED, [selector, words]):
            return
    raise AssertionError(f"{selector} {words} is not reached by Tab")


def test_a_whole_day_by_mouse(letters: Newsletter, opened: Any) -> None:
    with smtp_sink() as sink, home_of(letters.folder, relay_url=sink.url) as home:
        page = opened(home.server.url, bypass_csp=True)
        page.wait_for_selector("#live[data-state=on]")
        inspect(page)
        page.locator("a.title").click()
        page.wait_for_url("**/post/**")
        page.wait_for_selector("body[data-facts$=inspected]")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.click("#fix")
        page.wait_for_selector("#fixed:not(:empty)")
        post = letters.posts / f"{datetime.now(UTC):%Y-%m-%d}-today.md"
        assert '\\"of today\\"' in post.read_text()
        page.get_by_role("link", name="All posts").click()
        page.locator(".next a.button", has_text="Send").click()
        inspect(page)
        page.fill("#address", "me@example.org")
        page.get_by_role("button", name="Send a test").click()
        page.get_by_text("Sent to me@example.org.").wait_for()
        assert sink.recipients == ["me@example.org"]
        page.get_by_role("button", name="Plan the send").click()
        page.get_by_role("heading", name="Send to 4 subscribers?").wait_for()
        inspect(page)
        page.get_by_role("button", name="Send to 4 subscribers").click()
        assert page.url.endswith("/plan")  # the first send has to be ticked
        page.get_by_label("There is no ledger here").check()
        page.get_by_role("button", name="Send to 4 subscribers").click()
        page.get_by_text("Everyone who was to be mailed was answered for").wait_for()
        inspect(page)
        assert sorted(sink.recipients) == ["me@example.org", *PEOPLE]
        page.get_by_role("link", name="Report").click()
        page.get_by_text("Everyone has it.").wait_for()
        page.goto(home.server.url)
        assert page.locator(".post.sent .words").inner_text() == "sent to 4"
        inspect(page)


def test_a_whole_day_by_keys(letters: Newsletter, opened: Any) -> None:
    """Look, mend, test, send, report. The page follows the folder meanwhile; a send is stopped, loaded again, and gone
    on with.
    """
    hold = Rule("dot", Fault.HOLD, times=(3,))
    settings = SETTINGS + "connections = 1\n"
    with SmtpServer(hold) as relay, home_of(letters.folder, settings=settings, relay_url=relay.url) as home:
        page = opened(home.server.url)
        tab_to = partial(tab_until, page)
        page.wait_for_selector("#live[data-state=on]")
        tab_to("a.title")
        page.keyboard.press("Enter")
        page.wait_for_url("**/post/**")
        page.wait_for_selector("body[data-facts$=inspected]")
        tab_to("#fix")
        page.keyboard.press("Enter")
        page.wait_for_selector("#fixed:not(:empty)")
        assert '\\"of today\\"' in (letters.posts / f"{datetime.now(UTC):%Y-%m-%d}-today.md").read_text()
        tab_to("a", "All posts")
        page.keyboard.press("Enter")
        page.wait_for_selector("#live[data-state=on]")
        for number in range(12):
            letters.post(f"2020-01-{number + 1:02}-old", f"Old news, {'a pelican' if number == 7 else number}")
        page.wait_for_selector("#filter")  # the page took them up by itself
        page.keyboard.press("/")
        page.keyboard.type("pelican NEWS")
        page.wait_for_selector(".post[hidden]", state="attached")
        assert page.locator(".post:not([hidden])").count() == 1
        page.keyboard.press("Escape")
        assert page.locator(".post[hidden]").count() == 0
        page.keyboard.press("Control+Home")
        page.evaluate("document.activeElement.blur()")
        tab_to(".next a.button")
        page.keyboard.press("Enter")
        page.wait_for_selector("#plan")
        tab_to("#address")
        page.keyboard.type("me@example.org")
        tab_to("button", "Send a test")
        page.keyboard.press("Enter")
        page.get_by_text("Sent to me@example.org.").wait_for()
        page.evaluate("document.activeElement.blur()")
        tab_to("[name=list0]")
        page.keyboard.press("Space")
        page.keyboard.press("Space")
        tab_to("[name=where]")
        page.keyboard.press("Enter")  # plans, and tests nothing
        page.wait_for_selector("#ask")
        assert relay.recipients == ["me@example.org"]
        tab_to("[name=first]")
        page.keyboard.press("Space")
        tab_to("#ask button")
        page.keyboard.press("Enter")
        page.wait_for_selector("#bar")
        relay.wait_for(lambda server: server.seen("dot") == 3)
        page.locator("#sent", has_text="1").wait_for()
        page.reload()
        page.locator("#total", has_text="4").wait_for()
        tab_to("#stop")
        page.keyboard.press("Enter")
        page.wait_for_selector("#stop:disabled")
        relay.release()
        page.get_by_text("Stopped: interrupted.").wait_for()
        tab_to("a.button[href^='/send/']")
        page.keyboard.press("Enter")
        page.wait_for_selector("#plan")
        tab_to("button[form=plan]")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Send to the other").wait_for()
        tab_to("#ask button")
        page.keyboard.press("Enter")
        page.get_by_text("Everyone who was to be mailed was answered for").wait_for()
        assert sorted(relay.recipients) == ["me@example.org", *PEOPLE]
        tab_to("a", "Report")
        page.keyboard.press("Enter")
        page.get_by_text("Everyone has it.").wait_for()


def test_the_uncertain_by_mouse_and_a_planned_time_by_keys(letters: Newsletter, opened: Any) -> None:
    day = datetime.now(UTC).date()
    title = 'News "of today" for all'
    letters.post(f"{day}-today", f"'{title}'")
    letters.send(f"{day}-today", title, [State.SENT, State.UNCERTAIN, State.UNCERTAIN, State.REJECTED], day)
    letters.post(f"{day}-more", "More of it")
    with SmtpServer() as relay, home_of(letters.folder, relay_url=relay.url) as home:
        page = opened(home.server.url, bypass_csp=True)
        page.wait_for_selector("#live[data-state=on]")
        inspect(page)
        page.get_by_role("link", name="Decide about the uncertain").click()
        page.get_by_role("heading", name="2 people may have it").wait_for()
        inspect(page)
        page.get_by_role("button", name="Count 2 as sent").click()
        page.get_by_text("2 counted as sent.").wait_for()
        page.get_by_role("heading", name="Try again").wait_for()  # the refused are still there
        page.get_by_role("link", name="All posts").first.click()
        page.wait_for_selector("#live[data-state=on]")
        assert page.locator(".post.sent .words").inner_text() == "sent to 3, 1 refused"
        page.set_viewport_size({"width": 1280, "height": 900})
        tab_to = partial(tab_until, page)
        tab_to(".post a[href^='/send/']")
        page.keyboard.press("Enter")
        page.wait_for_selector("#plan")
        tab_to("summary")
        page.keyboard.press("Enter")
        tab_to("[name=at]")
        page.keyboard.type(f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}")
        page.keyboard.press("Enter")
        page.wait_for_selector("#ask")
        inspect(page)
        tab_to("#ask button", "then")
        page.keyboard.press("Enter")
        page.wait_for_selector("#wait:not([hidden])")
        page.get_by_text("nobody has been mailed yet").wait_for()
        inspect(page)
        tab_to("#stop")
        page.keyboard.press("Enter")
        page.get_by_text("it was stopped before it began").wait_for()
        assert relay.messages == []
