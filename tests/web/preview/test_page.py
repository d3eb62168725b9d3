"""The preview's page in Chromium: every control, the keys, live reload, a test send, and a post that means harm.

Whatever the page logs as an error, and whatever its policy had to block, fails the test.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from machine import CHECKOUT
from preview_server import LIST, POST, SETTINGS, Running, preview_of

from newsletter.check.clients.views import GMAIL_CLIP
from newsletter.web.catcher.server import Catcher

DEADLINE_MS = 600_000

LONG = POST + "".join(f"\n{n}. **Story {n}** tells a little.\n" for n in range(1, 60))


@dataclass(slots=True)
class Page:
    """The page of one preview, and what went wrong in it."""

    page: Any
    running: Running
    faults: list[str] = field(default_factory=list)

    def see(self, text: str, selector: str = "body") -> None:
        self.page.locator(selector, has_text=text).first.wait_for(state="attached")

    def settle(self, **attributes: str) -> None:
        """Wait until the view is drawn and its facts are known."""
        wanted = "".join(f'[data-{name}="{value}"]' for name, value in attributes.items())
        self.page.wait_for_selector(f"body[data-shown][data-facts$=inspected]{wanted}", state="attached")

    def view(self, name: str) -> None:
        self.page.click(f"[data-view={name}]")
        self.page.wait_for_selector(f"body[data-shown$=' {name}']", state="attached")

    @property
    def email(self) -> Any:
        return self.page.frame_locator("#device iframe:not(.coming)")

    @property
    def hash(self) -> str:
        return str(self.page.evaluate("location.hash"))

    def inside(self, script: str) -> Any:
        """Of a script that gets the email's document; it runs in our page, since none may run in the frame."""
        return self.page.evaluate(f"((email) => ({script}))(document.querySelector('#device iframe').contentDocument)")

    def becomes(self, script: str) -> None:
        """Wait until the email's document is as asked; asked with each frame that is painted."""
        self.page.evaluate(
            f"""new Promise((resolve, reject) => {{
              const started = performance.now();
              const look = () => {{
                const email = document.querySelector("#device iframe:not(.coming)")?.contentDocument;
                if (email && ({script})) resolve();
                else if (performance.now() - started > {DEADLINE_MS}) reject(new Error("it never came"));
                else requestAnimationFrame(look);
              }};
              look();
            }})"""
        )


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """`opened(running)` gives its page; at the end no fault may have been logged."""
    pages: list[Page] = []

    def opens(running: Running, path: str = "", width: int = 1280, harmless: tuple[str, ...] = ()) -> Page:
        # Without emulated colours: those would reach the email, whose colours are the frame's to choose.
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="null")
        context.set_default_timeout(DEADLINE_MS)
        page = Page(context.new_page(), running)

        def note(text: str) -> None:
            if not any(words in text for words in harmless):
                page.faults.append(text)

        page.page.on("console", lambda message: message.type in ("error", "warning") and note(message.text))
        page.page.on("pageerror", lambda error: note(str(error)))
        page.page.on("dialog", lambda dialog: (note(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.page.goto(running.server.url + path)
        pages.append(page)
        return page

    yield opens
    faults = [fault for page in pages for fault in page.faults]
    for page in pages:
        page.page.context.close()
    assert faults == []


# --- the controls ---------------------------------------------------------------------------------------------------


def test_every_view_shows_its_own(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path) as running:
        page = opened(running)
        page.settle()
        page.see("Hello Ada", "#subject")
        page.see("A short one", "#preheader")
        assert "Only for those who pay." in page.email.locator("body").inner_text()
        for name, words in {
            "text": "The first paragraph.",
            "html": "<!doctype html>",
            "mjml": "<mj-body",
            "headers": "Message-ID",
            "post": "title: Hello {{ subscriber.name",
        }.items():
            page.view(name)
            page.see(words, "#sheet")
            assert not page.page.is_visible("#device")
            assert not page.page.is_visible("#switches")
            assert f"view={name}" in page.hash
        for name in ("clipped", "plain", "word"):
            page.view(name)
            assert "The first paragraph." in page.email.locator("body").inner_text()
            assert page.inside("email.styleSheets.length > 0") is (name != "plain")
        page.see("An approximation", "#note")


def test_widths_colours_and_images(tmp_path: Path, opened: Any) -> None:
    (tmp_path / "chip.png").write_bytes((CHECKOUT / "examples" / "images" / "chip.png").read_bytes())
    blocked = "violates the following Content Security Policy directive: \"img-src 'none'\""
    with preview_of(tmp_path, POST + "\n![A chip](chip.png)\n") as running:
        page = opened(running, harmless=(blocked,))
        page.settle()
        widths = {}
        for name in ("320", "390", "640", "full"):
            page.page.click(f"[name=width][value='{name}'] + span")
            widths[name] = page.inside("email.defaultView.innerWidth")
        assert widths == {"320": 320, "390": 390, "640": 640, "full": 940}
        dark = "email.defaultView.matchMedia('(prefers-color-scheme: dark)').matches"
        colour = "email.defaultView.getComputedStyle(email.body).backgroundColor"
        assert page.inside(dark) is False
        light_colour = page.inside(colour)
        page.page.click("[name=scheme][value=dark] + span")
        page.becomes(dark)
        assert page.inside(colour) != light_colour
        picture = "[...email.images].some((image) => image.naturalWidth > 0)"
        page.becomes(picture)
        page.page.click(".switches .switch")
        page.page.wait_for_selector("#device iframe[src*='images=off']:not(.coming)")
        assert page.inside(picture) is False
        assert page.hash == "#width=full&scheme=dark&images=off"
        assert page.page.get_attribute("#own-tab", "href") == "/frame/email?reader=1&images=off"


def test_the_address_keeps_what_is_looked_at(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path) as running:
        page = opened(running, "#view=word&width=390&scheme=dark&reader=2&answers=11")
        page.settle()
        page.see("Hello Bob", "#subject")
        assert "Only for those who pay." in page.email.locator("body").inner_text()
        page.page.reload()
        page.settle()
        assert page.page.get_attribute("#tab-word", "aria-selected") == "true"
        assert page.page.is_checked("[name=width][value='390']")
        assert page.page.is_checked("[name=scheme][value=dark]")
        page.see("Hello Bob", "#subject")
        page.page.evaluate("location.hash = '#view=nonsense&width=7&reader=3'")
        page.see("Hello Cy", "#subject")
        assert page.page.get_attribute("#tab-email", "aria-selected") == "true"


def test_readers_by_step_number_and_search_and_variants_by_their_conditions(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path) as running:
        page = opened(running)
        page.settle()
        assert page.page.is_disabled("#reader-back")
        page.page.click("#reader-next")
        page.see("Hello Bob", "#subject")
        page.see("bob@example.com", "#reader-email")
        page.page.fill("#reader-number", "3")
        page.page.press("#reader-number", "Enter")
        page.see("Hello Cy", "#subject")
        assert page.page.is_disabled("#reader-next")
        page.page.fill("#find", "london")
        page.page.locator("#found button").nth(0).wait_for()
        page.page.click("#found button:has-text('Ada')")
        page.see("Hello Ada", "#subject")
        page.see("London", "#reader-columns")
        page.page.locator("#found").wait_for(state="hidden")
        page.page.fill("#find", "nobody at all")
        page.see("Nobody has these words.", "#found")
        page.page.evaluate("location.hash = '#reader=2'")
        page.see("Hello Bob", "#subject")
        page.settle()
        switches = page.page.locator("#condition-list .switch")
        assert switches.count() == 2
        switches.nth(0).click()
        page.email.locator("text=Only for those who pay.").wait_for()
        switches.nth(1).click()
        page.email.locator("text=You live in").wait_for()
        assert page.hash == "#reader=2&answers=11"
        page.page.click("#own-answers")
        page.email.locator("text=For everyone else.").wait_for()
        assert page.hash == "#reader=2"
        page.page.locator("#condition-list a").nth(1).click()
        page.page.wait_for_selector("#L15.here")


def test_size_and_its_sections(tmp_path: Path, opened: Any) -> None:
    long = "---\ntitle: Long\n---\n\n" + "".join(
        f"## Part {part}\n\n"
        + "".join(f"{n}. **Story {n}** {'words ' * 70}\n" for n in range(part * 20, part * 20 + 20))
        for part in range(4)
    )
    with preview_of(tmp_path, long, people=None) as running:
        page = opened(running)
        page.settle()
        sizes = running.ask("/facts").json["sizes"]
        page.see(f"{sizes['decoded'] / 1000:.1f}", "#size-decoded")
        assert float(page.page.evaluate("parseFloat(document.getElementById('bar-decoded').style.width)")) > 20
        assert not page.page.is_visible("#section-list")
        page.page.click("#sections summary")
        page.see("Part 2", "#section-list")
        page.view("clipped")
        page.see("shows this email whole", "#note")


def test_an_email_that_gmail_clips_says_so(tmp_path: Path, opened: Any) -> None:
    theme = tmp_path / "templates" / "heavy"
    shutil.copytree(CHECKOUT / "templates" / "classic", theme)
    # What a theme says in its header is outside of the budget that rows are measured against.
    (theme / "live.css").write_text((theme / "live.css").read_text() + "\n.x{color:#123456}" * (GMAIL_CLIP // 10))
    with preview_of(tmp_path, settings='[theme]\nname = "heavy"\n') as running:
        page = opened(running, "#view=clipped")
        page.settle()
        page.email.locator("text=[Message clipped]").wait_for()
        page.page.wait_for_selector(".meter.over #size-encoded")


def test_findings_lead_to_their_place(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path, LONG + "\n[[source](https://example.com)\n") as running:
        line = LONG.count("\n") + 2
        page = opened(running)
        page.settle()
        page.see("wrapped in brackets twice", "#findings li.warning")
        page.see("write [source]", "#findings em")
        page.page.click(f"#findings a:has-text('line {line}')")
        page.page.wait_for_selector(f"#L{line}.here .remark")
        assert page.page.locator(f"#L{line}").evaluate("(line) => line.getBoundingClientRect().bottom < innerHeight")
        page.page.go_back()
        page.page.wait_for_selector("#device iframe:not(.coming)")


def test_nothing_to_mend_and_no_relay_are_said(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path) as running:
        page = opened(running)
        page.settle()
        page.see("no [relay] url is set", "#relay")
        assert page.page.is_disabled("#send")
        page.see("Nothing to mend.", "#findings")
        lacked = running.ask("/facts").json["findings"]
        assert {finding["code"].partition("-")[0] for finding in lacked} == {"client"}
        page.see(f"{len(lacked)} things some mail programs lack", "#findings summary")
        page.page.click("#findings summary")
        page.see(lacked[0]["remedy"], "#findings details li")


def test_findings_of_a_rule_stand_together_and_what_can_be_mended_is_on_a_button(tmp_path: Path, opened: Any) -> None:
    slips = "".join(f"\n[[source](https://example.com/{number})\n" for number in range(5))
    with preview_of(tmp_path, POST + slips) as running:
        page = opened(running)
        page.settle()
        page.see("link-wrapped5", "#findings h4")
        assert page.page.locator("#findings h4:has-text('link-wrapped') + ol > li").count() == 3
        page.see("2 more", "#findings details[data-rule=link-wrapped] summary")
        page.see("Fix 5", "#fix")
        before = running.ask("/facts").json["revision"]
        page.page.click("#fix")
        page.see("5 mended in the file; as it was, it is in", "#fixed")
        page.page.wait_for_selector(f"body:not([data-facts^='{before} '])", state="attached")
        page.settle()
        page.page.wait_for_selector("#fix", state="hidden")
    assert "[[source]" not in next(tmp_path.glob("*.md")).read_text("utf-8")


def test_the_inbox_row_is_cut_as_three_programs_cut_it(tmp_path: Path, opened: Any) -> None:
    subject = "国产芯片与模型的又一年：价格、能耗与开源社区里的十二个问题，以及编辑部的一封长信"
    words = "第一句话说明本期讲了什么。" * 8
    with preview_of(tmp_path, f"---\ntitle: {subject}\ndescription: {words}\n---\n\n正文。\n") as running:
        page = opened(running)
        page.settle()
        for name, lines in (("iphone", 2), ("gmail", 1), ("qq", 1)):
            row = page.page.locator(f".inbox .{name}")
            assert row.locator(".what").text_content() == subject
            is_cut = "(e) => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight + 1"
            assert row.locator(".what").evaluate(is_cut)
            assert row.locator(".more").evaluate(is_cut)
            height = "(e) => Math.round(e.clientHeight / parseFloat(getComputedStyle(e).lineHeight))"
            assert row.locator(".more").evaluate(height) == lines


def test_forced_colours_ask_no_dark_style_and_keys_work_while_the_email_has_the_focus(
    tmp_path: Path, opened: Any
) -> None:
    with preview_of(tmp_path) as running:
        page = opened(running)
        page.settle()
        page.page.click("[name=scheme][value=forced] + span")
        page.becomes("email.head.innerHTML.includes('#1f1f1f')")
        assert "prefers-color-scheme" not in page.inside("email.head.innerHTML")
        page.see("Gmail’s app turns the colours over", "#note")
        page.page.keyboard.press("d")
        page.becomes("email.head.innerHTML.includes('prefers-color-scheme')")
        assert page.hash in ("", "#")
        page.email.locator("text=The first paragraph.").click()
        page.page.keyboard.press("2")
        page.page.wait_for_selector("body[data-shown$=' text']", state="attached")


def test_a_test_goes_out_from_the_page(tmp_path: Path, opened: Any) -> None:
    with Catcher() as catcher, preview_of(tmp_path, relay_url=str(catcher.relay)) as running:
        page = opened(running, "#reader=2")
        page.settle()
        page.see(str(catcher.relay), "#relay")
        page.page.fill("#address", "me@example.org")
        page.page.press("#address", "Enter")
        page.see("Sent to me@example.org", "#outcome.good")
        (caught,) = catcher.wait_for(1, 10)
        assert b"Hello Bob" in caught.data
        page.page.reload()
        assert page.page.input_value("#address") == "me@example.org"


def test_a_narrow_window_has_the_details_behind_a_button(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path, POST + "\n[[source](https://example.com)\n") as running:
        page = opened(running, width=390)
        page.settle()
        assert not page.page.is_visible("#findings")
        assert page.page.inner_text("#side-count") == "1"
        page.page.click("#side-button")
        page.page.wait_for_selector("#findings li", state="visible")
        page.page.keyboard.press("Escape")
        page.page.wait_for_selector("#findings li", state="hidden")
        assert page.page.evaluate("document.documentElement.scrollWidth") == 390


# --- the keys -------------------------------------------------------------------------------------------------------


def test_everything_by_keyboard(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path, POST + "\n[[source](https://example.com)\n") as running:
        page = opened(running)
        page.settle()
        keys = page.page.keyboard
        for number, name in enumerate(
            ("email", "text", "html", "mjml", "headers", "post", "clipped", "plain", "word"), 1
        ):
            keys.press(str(number))
            assert page.hash == ("" if name == "email" else f"#view={name}")
        keys.press("1")
        page.settle()
        keys.press("w")
        keys.press("d")
        keys.press("i")
        assert page.hash == "#width=full&scheme=dark&images=off"
        keys.press("i")
        keys.press("j")
        page.see("Hello Bob", "#subject")
        keys.press("k")
        page.see("Hello Ada", "#subject")
        keys.press("s")
        page.page.wait_for_selector("#section-list", state="visible")
        keys.press("f")
        assert page.page.evaluate("document.activeElement.className") == "place"
        keys.press("Enter")
        page.page.wait_for_selector(".here")
        keys.press("t")
        keys.type("1w@example.org")
        assert page.page.input_value("#address") == "1w@example.org"
        keys.press("Escape")
        keys.press("/")
        keys.type("bob")
        page.page.wait_for_selector("#found li:first-child button:has-text('Bob')")
        keys.press("Tab")
        keys.press("Enter")
        page.see("Hello Bob", "#subject")
        keys.press("?")
        page.page.wait_for_selector("#keys[open]")
        keys.press("Escape")
        page.page.wait_for_selector("#keys:not([open])", state="attached")
        page.page.focus("#tab-post")
        keys.press("ArrowRight")
        page.page.wait_for_selector("#tab-clipped[aria-selected=true]:focus")


def test_every_control_is_reached_by_tab_and_shows_it(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path, relay_url="smtp://127.0.0.1:1") as running:
        page = opened(running)
        page.settle()
        reached = set()
        for _ in range(60):
            page.page.keyboard.press("Tab")
            reached |= set(
                page.page.evaluate(
                    """(() => {
                      const at = document.activeElement;
                      const shown = at.closest("label") || at;
                      const style = [at, ...shown.children].map((each) => getComputedStyle(each));
                      const seen = style.some((s) => s.outlineStyle !== "none" || /184, 60, 10/.test(s.borderColor));
                      return [(at.id || at.name || at.dataset.view || at.tagName) + (seen ? "" : " unseen")];
                    })()"""
                )
            )
        controls = {
            *(
                f"tab-{name}"
                for name in ("email", "text", "html", "mjml", "headers", "post", "clipped", "plain", "word")
            ),
            *("width", "scheme", "images", "own-tab", "reader-next", "reader-number", "find", "address", "send"),
            "keys-button",
        }
        assert controls <= reached
        assert not {name for name in reached if name.endswith(" unseen")} - {"IFRAME unseen", "BODY unseen"}


# --- live -----------------------------------------------------------------------------------------------------------


def test_saving_redraws_in_place_without_a_flash(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path, LONG) as running:
        page = opened(running, "#width=390")
        page.settle()
        page.inside("email.defaultView.scrollTo(0, 700)")
        # At no moment is the stage without a drawn email.
        page.page.evaluate(
            """(() => {
              const device = document.getElementById("device");
              window.bare = 0;
              new MutationObserver(() => {
                const seen = device.querySelector("iframe:not(.coming)");
                if (!seen || !seen.contentDocument || !seen.contentDocument.body.childElementCount) window.bare += 1;
              }).observe(device, { childList: true, subtree: true, attributes: true });
            })()"""
        )
        running.post.write_text(LONG.replace("Story 7", "Chapter 7"), "utf-8")
        page.email.locator("text=Chapter 7").wait_for()
        assert page.inside("email.defaultView.scrollY") == 700
        assert page.page.evaluate("window.bare") == 0
        page.settle()
        page.view("post")
        new = tmp_path / "new.md"
        new.write_text(LONG.replace("A short one", "A new one"), "utf-8")
        new.replace(running.post)
        page.see("A new one", "#preheader")
        page.see("description: A new one", "#sheet")


MANY = LONG.partition("\n20. ")[0]
SHORT = LONG.partition("\n10. ")[0]

EDITS = {
    "a word": MANY.replace("Story 7", "Chapter 7"),
    "a story more": MANY.replace("\n7. **", "\n6. **Between** two others.\n\n7. **"),
    "stories less": SHORT,
    "others in their place": SHORT.replace("**Story", "A *tale* and `code`: **Story"),
    "another language": SHORT.replace("---\n", "---\nlang: ar\n", 1),
    "a quote, a list and a table": SHORT + "\n> Quoted.\n\n* one\n* two\n\n| a | b |\n| - | - |\n| 1 | 2 |\n",
    "nearly all": POST.replace("first", "only"),
}
LOADED_ANEW = ("another language", "nearly all")
"""After these the frame is as high as in a page that is loaded anew: its style sheets hold too."""


def test_a_save_gives_the_email_that_a_reload_gives(tmp_path: Path, opened: Any) -> None:
    fresh = "new email.defaultView.DOMParser().parseFromString(window.asked, 'text/html')"
    with preview_of(tmp_path, MANY) as running:
        page = opened(running)
        page.settle()
        other = opened(running)
        page.page.evaluate("window.kept = document.querySelector('#device iframe').contentDocument")
        for revision, (edit, text) in enumerate(EDITS.items(), 2):
            running.post.write_text(text, "utf-8")
            page.page.wait_for_selector(f"body[data-shown='{revision} email'][data-facts='{revision} inspected']")
            page.page.evaluate("html => { window.asked = html; }", running.ask("/frame/email?reader=1").text)
            assert page.inside("window.kept === email"), edit
            assert page.inside(f"email.documentElement.isEqualNode({fresh}.documentElement)"), edit
            if edit in LOADED_ANEW:
                height = page.inside("email.documentElement.scrollHeight")
                other.page.reload()
                other.settle()
                assert other.inside("email.documentElement.scrollHeight") == height, edit


def test_a_new_picture_is_there_when_the_email_is_seen(tmp_path: Path, opened: Any) -> None:
    shutil.copy(CHECKOUT / "examples" / "images" / "chip.png", tmp_path / "chip.png")
    with preview_of(tmp_path) as running:
        page = opened(running)
        page.settle()
        running.post.write_text(f"{POST}\n![chip](chip.png)\n", "utf-8")
        page.page.wait_for_selector("body[data-shown='2 email']")
        pictures = "[...email.images].filter((image) => image.src.includes('/pictures/'))"
        assert page.inside(f"{pictures}.length") == 1
        assert page.inside(f"{pictures}.every((image) => image.complete && image.naturalWidth)")
        page.settle()
        page.page.evaluate("window.kept = document.querySelector('#device iframe').contentDocument")
        running.post.write_text(f"{POST}\n![chip](chip.png)\n\nOnce more.\n", "utf-8")
        page.page.wait_for_selector("body[data-shown='3 email']")
        assert page.inside("window.kept === email")
        assert page.inside(f"{pictures}.every((image) => image.complete && image.naturalWidth)")


def test_a_frame_that_a_link_led_elsewhere_is_loaded_anew(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path) as running:
        page = opened(running, "#images=off")
        page.settle()
        page.page.evaluate("document.querySelector('#device iframe').contentWindow.location = '/frame/plain?reader=2'")
        page.becomes("email.URL.includes('/frame/plain') && email.readyState === 'complete'")
        running.ask("/frame/email?reader=1&images=off")
        running.post.write_text(POST.replace("first", "new"), "utf-8")
        page.page.wait_for_selector("body[data-shown='2 email']")
        assert "images=off" in page.inside("email.URL")
        assert "The new paragraph." in page.inside("email.body.innerText")


def test_trouble_stands_over_the_last_good_rendering(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path) as running:
        page = opened(running)
        page.settle()
        running.post.write_text("---\ntitle: x\n---\n\n{{ subscriber.shoe }}\n", "utf-8")
        page.see("hello.md:5: subscriber.shoe is not a column of the list", "#trouble")
        page.page.wait_for_selector(".stale #device")
        assert "The first paragraph." in page.email.locator("body").inner_text()
        page.page.click("#trouble-link")
        page.page.wait_for_selector("#L5.bad.here")
        page.view("email")
        running.post.unlink()
        page.see("there is no such file", "#trouble-text")
        running.post.write_text(POST.replace("first", "mended"), "utf-8")
        page.email.locator("text=The mended paragraph.").wait_for()
        page.page.wait_for_selector("#trouble", state="hidden")
        assert page.page.locator(".stale").count() == 0


def test_a_post_that_starts_broken_appears_once_it_is_mended(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path, "") as running:
        page = opened(running)
        page.see("the post is empty", "#trouble-text")
        page.page.wait_for_selector("#blank", state="visible")
        running.post.write_text(POST, "utf-8")
        page.email.locator("text=The first paragraph.").wait_for()
        page.page.wait_for_selector("#blank", state="hidden")


# --- a post that means harm -----------------------------------------------------------------------------------------

HOSTILE = """<mj-raw><img src="https://evil.example/seen.png" alt="">
<script>window.top.document.title = "owned"; window.top.owned = 1</script>
<img src="nowhere" onerror="window.top.owned = 1" alt="x">
<svg onload="window.top.owned = 1"></svg>
<a id="js" href="javascript:window.top.owned=1">run</a>
<a id="top" href="https://evil.example/" target="_top">leave</a>
<form id="form" action="https://evil.example/" target="_top"><input name="a"><button id="go">go</button></form>
<form action="/test" method="post" enctype="text/plain"><button id="own">own</button></form>
<meta http-equiv="refresh" content="0;url=https://evil.example/">
<base href="https://evil.example/">
<style>html,body,:host,iframe{position:fixed!important;inset:0!important;z-index:99999!important}
@import "https://evil.example/x.css";</style>
<iframe src="https://evil.example/"></iframe><object data="https://evil.example/"></object>
<link rel="stylesheet" href="https://evil.example/x.css">
</mj-raw>
"""
BLOCKED = (
    "Content Security Policy",
    "Blocked script execution in",
    "Blocked form submission to",
    "Unsafe attempt to initiate navigation",
    "Failed to load resource",
    "Refused to execute the redirect",
)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another site, by its address, and what it was asked for."""
    asked: list[str] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        serving.join()


def hostile_theme(folder: Path, site: str) -> str:
    """A theme whose templates hold what a post's raw HTML is not let through with."""
    theme = folder / "templates" / "evil"
    shutil.copytree(CHECKOUT / "templates" / "classic", theme)
    issue = theme / "issue.mjml.j2"
    harm = HOSTILE.replace("https://evil.example", site)
    issue.write_text(issue.read_text().replace("</mj-body>", harm + "</mj-body>"))
    return '[newsletter]\nname = "Letters"\n[theme]\nname = "evil"\n'


def test_a_hostile_email_does_nothing_to_the_page(
    tmp_path: Path, opened: Any, elsewhere: tuple[str, list[str]]
) -> None:
    site, asked = elsewhere
    settings = hostile_theme(tmp_path, site)
    with Catcher() as catcher, preview_of(tmp_path, settings=settings, relay_url=str(catcher.relay)) as running:
        assert "window.top.owned" in running.ask("/frame/email").text
        page = opened(running, "#width=full", harmless=BLOCKED)
        page.settle()
        bounds = page.page.locator("#device").bounding_box()
        for control in ("#js", "#top", "#go", "#own"):
            page.email.locator(control).click(force=True)
            page.inside(f"email.querySelector('{control}').click()")
        for other in page.page.context.pages[1:]:
            assert other.evaluate("window.owned") is None
        for name in ("word", "plain", "clipped", "email"):
            page.view(name)
        assert page.page.evaluate("window.owned") is None
        assert page.page.title() == "2026-03-01-hello.md · Preview"
        assert page.page.url.startswith(running.server.url)
        assert page.page.locator("#device").bounding_box() == bounds
        assert [frame.url for frame in page.page.frames if frame.url.startswith(site)] == []
        # Nor does it when its elements come with a save.
        page.settle()
        page.page.evaluate("window.kept = document.querySelector('#device iframe').contentDocument")
        theme = tmp_path / "templates" / "evil" / "issue.mjml.j2"
        harmful = theme.read_text("utf-8")
        theme.write_text(harmful.partition("<mj-raw><img")[0] + "</mj-body>\n</mjml>\n", "utf-8")
        page.becomes("!email.querySelector('#form')")
        page.settle()
        theme.write_text(harmful, "utf-8")
        page.becomes("email.querySelector('#form')")
        page.settle()
        assert page.inside("window.kept === email")
        assert page.page.evaluate("window.owned") is None
        assert page.page.url.startswith(running.server.url)
        assert page.page.locator("#device").bounding_box() == bounds
        assert [frame.url for frame in page.page.frames if frame.url.startswith(site)] == []
        # A picture is fetched, as by every mail client that shows pictures; nothing else.
        assert set(asked) == {"/seen.png"}
        assert catcher.messages() == ()


def test_with_images_off_a_hostile_email_asks_for_nothing_at_all(
    tmp_path: Path, opened: Any, elsewhere: tuple[str, list[str]]
) -> None:
    site, asked = elsewhere
    with preview_of(tmp_path, settings=hostile_theme(tmp_path, site)) as running:
        page = opened(running, "#images=off", harmless=BLOCKED)
        page.settle()
        page.view("word")
        page.settle()
        running.post.write_text(POST.replace("first", "new"), "utf-8")
        page.page.wait_for_selector("body[data-shown='2 word']")
        assert asked == []


def test_hostile_words_are_shown_as_they_are_written(tmp_path: Path, opened: Any) -> None:
    words = "</iframe></script></code></li></ol><script>window.owned=1</script><img src=x onerror=window.owned=1>"
    post = f"---\ntitle: '{words}'\ndescription: \"<b>{words}</b>\"\n---\n\n`{words}`\n\n[[<i>](https://example.com)\n"
    people = LIST + f'"eve@example.com","{words}","{words}",{words}\n'
    with preview_of(tmp_path, post, people=people) as running:
        page = opened(running, "#reader=4")
        page.settle()
        page.see("window.owned=1", "#subject")  # a title has no tags
        page.see(words, "#reader-name")
        page.see(words, "#reader-columns")
        for name in ("text", "headers", "post", "html", "mjml"):
            page.view(name)
            page.see("owned", "#sheet")
        page.page.fill("#find", "eve@")
        page.see(words, "#found")
        assert page.page.evaluate("window.owned") is None
        assert page.page.locator("#sheet img, #sheet script, #found img, #reader-columns img").count() == 0


# --- what sticks out ------------------------------------------------------------------------------------------------


def test_what_is_wider_than_the_window_is_named(tmp_path: Path, opened: Any) -> None:
    """Measured in the frame: a theme of the author's that keeps a line in one piece."""
    theme = tmp_path / "templates" / "mine"
    theme.mkdir(parents=True)
    (theme / "theme.toml").write_text('extends = "classic"\n')
    (theme / "paragraph.j2").write_text('<p style="width:500px">{{ block.inlines | inline }}</p>')
    with preview_of(tmp_path, settings=SETTINGS + '\n[theme]\nname = "mine"\n') as running:
        page = opened(running)
        page.settle()
        assert not page.page.is_visible("#note")
        page.page.click("text=320")
        page.see("pixels wide in a window of 320: <p> “The first paragraph.” cannot be narrower than 500.", "#note")
        page.page.click("text=640")
        page.page.wait_for_selector("#note", state="hidden")


def test_our_themes_stick_out_nowhere(tmp_path: Path, opened: Any) -> None:
    with preview_of(tmp_path, POST + "\nhttps://example.com/" + "long_word_" * 40 + "\n") as running:
        page = opened(running)
        page.page.click("text=320")
        page.settle()
        assert not page.page.is_visible("#note")
