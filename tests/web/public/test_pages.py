"""The public pages in a browser, as people use them: with a pointer, by keyboard alone, without scripts, on a phone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from themes import THEMES
from web_site import ADA, LISTS, TOML, Site, button_of, running

from newsletter.audience.people.records import Preferences, Reason, SignUpState

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path, TOML + LISTS) as opened:
        yield opened


def opened(browser: Browser, **options: Any) -> Page:
    """A page that complains of everything that it could not load or was not allowed."""
    page = browser.new_context(locale="en", **options).new_page()
    page.set_default_timeout(600_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    # A picture that was still loading when the reader went on is no fault of the page's.
    page.on("requestfailed", lambda it: None if "ERR_ABORTED" in (it.failure or "") else complaints.append(it.url))
    page.complaints = complaints  # type: ignore[attr-defined]
    return page


@pytest.mark.parametrize(
    ("options", "scripts"),
    [(DESKTOP, True), pytest.param(PHONE, True, marks=pytest.mark.whole), (PHONE, False)],
    ids=["desktop", "phone", "no scripts"],
)
def test_join_confirm_choose_leave_and_come_back(
    browser: Browser, site: Site, options: dict[str, Any], scripts: bool
) -> None:
    page = opened(browser, **options, java_script_enabled=scripts)
    page.goto(f"{site.url}/join")
    page.get_by_label("Email address").fill(ADA)
    page.get_by_label("Name").fill("Ada")
    assert not page.get_by_label("Long reads about AI").is_checked(), "nothing is ticked beforehand"
    page.get_by_label("Every morning").check()
    site.clock.forward(seconds=5)
    page.get_by_role("button", name="Subscribe").click()
    assert page.get_by_role("heading").inner_text() == "Look into your inbox"

    page.goto(site.url + button_of(site.mail()))
    assert site.people.person(ADA).state is SignUpState.PENDING  # type: ignore[union-attr]
    page.get_by_role("button", name="Yes, subscribe me").click()
    assert page.get_by_role("heading").inner_text() == "You are subscribed"
    assert [person.email for person in site.people.confirmed("daily")] == [ADA]

    page.get_by_role("link", name="Choose what you get").click()
    assert page.get_by_label("Every morning").is_checked()
    assert not page.get_by_label("Long reads about AI").is_checked()
    page.get_by_label("At most one mail a week").check()
    page.get_by_label("No mail for a month").check()
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text() == "Your choices are saved."
    wanted = site.people.preferences(ADA)
    assert (wanted.lists, wanted.frequency, wanted.paused_until is None) == (("daily",), "weekly", False)

    welcome = site.mail()
    path = str(welcome["list-unsubscribe"]).partition(site.url)[2].partition(">")[0]
    page.goto(site.url + path)
    page.get_by_role("button", name="Unsubscribe").click()
    assert page.get_by_role("heading").inner_text() == "You have left"
    assert [row.reason for row in site.people.suppressions_of([ADA])[ADA]] == [Reason.UNSUBSCRIBED]
    page.get_by_role("button", name="Undo").click()
    assert page.get_by_role("heading").inner_text() == "Welcome back"
    assert not site.people.is_suppressed(ADA)
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


def test_everything_can_be_done_by_keyboard(browser: Browser, site: Site) -> None:
    page = opened(browser, **DESKTOP)

    def tab_to(name: str, most: int = 12) -> None:
        """Press Tab until the element with this name has the focus, which must be seen."""
        for _ in range(most):
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            label = focused.evaluate("e => (e.labels?.[0]?.innerText ?? e.innerText).trim()")
            assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
            assert label != "Website", "the trap is no stop"
            if label.startswith(name):
                return
        raise AssertionError(f"no Tab leads to {name}")

    page.goto(f"{site.url}/join")
    tab_to("Email address")
    page.keyboard.type(ADA)
    tab_to("Every morning")
    page.keyboard.press("Space")
    tab_to("Subscribe")
    site.clock.forward(seconds=5)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Look into your inbox")
    page.goto(site.url + button_of(site.mail()))
    tab_to("Yes, subscribe me")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You are subscribed")
    tab_to("Choose what you get")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=How often")
    tab_to("Every issue")
    page.keyboard.press("ArrowDown")
    tab_to("Save")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Your choices are saved")
    assert site.people.preferences(ADA) == Preferences(("daily",), None, "weekly")
    tab_to("Unsubscribe")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Leave AI Daily?")
    tab_to("Unsubscribe")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You have left")
    assert site.people.is_suppressed(ADA)
    tab_to("Undo")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Welcome back")
    assert not site.people.is_suppressed(ADA)
    page.context.close()


def test_a_wrong_address_keeps_the_focus_at_its_field(browser: Browser, site: Site) -> None:
    page = opened(browser, **DESKTOP)
    page.goto(f"{site.url}/join")
    page.get_by_label("Email address").fill("ada@b")  # which browsers take
    site.clock.forward(seconds=5)
    page.get_by_role("button", name="Subscribe").click()
    field = page.locator(":focus")
    assert field.get_attribute("aria-invalid") == "true"
    described = field.get_attribute("aria-describedby")
    assert "This is not an email address" in page.locator(f"#{described}").inner_text()
    page.context.close()


@contextmanager
def other_site(framed: list[str]) -> Iterator[str]:
    """The address of another site, whose only page shows the first of `framed` in a frame."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(f'<!doctype html><iframe src="{framed[0]}" width="360" height="500"></iframe>'.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_the_form_works_in_a_frame_of_a_site_that_may_show_it(browser: Browser, tmp_path: Path) -> None:
    framed: list[str] = []
    with (
        other_site(framed) as blog,
        other_site(framed) as stranger,
        running(tmp_path, f'{TOML}[serve]\nembed_on = ["{blog}"]\n') as site,
    ):
        framed.append(f"{site.url}/join/form")
        page = opened(browser, **PHONE)
        page.goto(f"{blog}/post")
        frame = page.frame_locator("iframe")
        frame.get_by_label("Email address").fill(ADA)
        site.clock.forward(seconds=5)
        frame.get_by_role("button", name="Subscribe").click()
        frame.get_by_text("Look into your inbox").wait_for()
        assert site.mail()["to"] == ADA
        page.goto(f"{stranger}/post")
        assert page.frame_locator("iframe").get_by_label("Email address").count() == 0
        assert "frame-ancestors" in str(page.complaints)  # type: ignore[attr-defined]
        page.context.close()


LUMINANCE = """
() => {
  const light = c => c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const back = e => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (own && e.offsetParent && !e.closest(".trap")) {
      const found = ratio(rgb(getComputedStyle(e).color).slice(0, 3), back(e));
      if (found < 4.5) poor.push(`${e.tagName} ${e.innerText.slice(0, 30)}: ${found.toFixed(2)}`);
    }
    if (e.matches("input[type=email], input[type=text]") && !e.closest(".trap")) {
      const found = ratio(rgb(getComputedStyle(e).borderTopColor).slice(0, 3), back(e.parentElement));
      if (found < 3) poor.push(`border of ${e.name}: ${found.toFixed(2)}`);
    }
  }
  return poor;
}
"""
SMALL = """
() => [...document.querySelectorAll("button, .button, .choice, input[type=email], input[type=text]")]
  .filter(e => !e.closest(".trap") && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)
"""


@pytest.mark.parametrize("theme", THEMES)
def test_pages_can_be_read_and_touched(browser: Browser, tmp_path: Path, theme: str) -> None:
    """Contrast by WCAG 2.2, 1.4.3 and 1.4.11; what is touched by 2.5.5; no scrolling sideways by 1.4.10, at 320 px."""
    with running(tmp_path, f'{TOML}[theme]\nname = "{theme}"\n{LISTS}') as site:
        page = opened(browser, viewport={"width": 320, "height": 600})
        address = "a.very.long.name.without.any.place.to.break.it.in.two.parts@subdomain.of.a.long.domain.example.com"
        paths = ["/join?lang=de", f"/p/{site.link('preferences', address)}", f"/c/{site.link('confirm', within_s=-1)}"]
        if theme == THEMES[0]:  # the others have the same elements
            paths += ["/join/form", "/u/x", f"/u/{site.link('unsubscribe', address)}"]
        for path in paths:
            page.goto(site.url + path)
            if path.startswith("/p/"):
                page.get_by_role("button").click()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                assert page.evaluate(LUMINANCE) == [], (path, scheme)
            assert page.evaluate(SMALL) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        page.context.close()


@pytest.mark.parametrize("lang", ["ar", "fa", "he", "ru"])
def test_a_page_in_any_language_fits_a_phone_and_begins_on_its_side(browser: Browser, site: Site, lang: str) -> None:
    page = opened(browser, viewport={"width": 320, "height": 600})
    address = "a.very.long.name.without.any.place.to.break.it@subdomain.of.a.long.domain.example.com"
    for path in ("/join", "/join/form", f"/u/{site.link('unsubscribe', address)}", f"/p/{site.link('preferences')}"):
        page.goto(f"{site.url}{path}?lang={lang}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert page.evaluate("() => { scrollTo(-500, 0); return scrollX }") == 0, "nothing lies out of sight"
        direction = page.locator("h1").evaluate("e => getComputedStyle(e).direction")
        assert direction == ("ltr" if lang == "ru" else "rtl")
    page.context.close()


def test_a_month_may_be_chosen_and_any_other_word_is_every_issue(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        page = f"/p/{site.link('preferences')}"
        for word, kept in (("monthly", "monthly"), ("weekly", "weekly"), ("hourly", "every"), ("", "every")):
            answer = site.post(page, {"often": word})
            assert answer.status == 200
            assert site.people.preferences(ADA).frequency == kept
        site.post(page, {"often": "monthly"})
        assert 'value="monthly" checked' in site.get(page).text
