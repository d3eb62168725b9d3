"""What the sign-up page shows of the newsletter: logo, pitch, the latest issue, and what is seen where it is shared."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from archived import Shelf
from axe import COLOURS, grave_findings
from PIL import Image
from web_site import ADA, Site, running

from newsletter.archive.build import build_archive
from newsletter.archive.latest_issue import LatestIssue
from newsletter.errors import ConfigError
from newsletter.files import package_folder
from newsletter.ledger.ledger import Ledger
from newsletter.web.page_templates import page_folder, page_words
from newsletter.web.public.logo import read_logo
from newsletter.web.public.page_writer import shown_issue

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NEWSLETTER = """
[newsletter]
name = "The Lamp"
from = "The Lamp <lamp@example.com>"
postal_address = "The Lamp, 1 Quay"
unsubscribe_mailto = "leave@example.com"
language = "en"
[delivery]
time_zone = "UTC"
"""
ARCHIVE = '[archive]\ndir = "site"\n'
SERVE = '[serve]\npitch = """What keepers read.\n\nAnd <others>."""\nhow_often = "Every Friday"\n'


def logo_file(folder: Path, size: tuple[int, int], brand: str = 'logo = "logo.png"') -> str:
    """A theme with a logo of this size in a project's folder; the section that chooses it."""
    theme = folder / "templates" / "mine"
    theme.mkdir(parents=True)
    Image.new("RGBA", size, "#1d4ed8").save(theme / "logo.png")
    (theme / "theme.toml").write_text(f'extends = "classic"\n[brand]\n{brand}\nlogo_width = 90\n')
    return '[theme]\nname = "mine"\n'


@contextmanager
def opened(shelf: Shelf) -> Iterator[Site]:
    """The site of a shelf, with its archive where the settings have one."""
    with running(shelf.folder, shelf.settings) as site:
        build(shelf, site)
        yield site


def build(shelf: Shelf, site: Site) -> None:
    if site.config.archive_folder:
        with Ledger.open(site.config.ledger_place, lambda: shelf.now) as ledger:
            build_archive(site.config, ledger, site.config.archive_folder)


def tags(page: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)">', page))


# --- the latest issue -----------------------------------------------------------------------------------------------


def test_the_newest_issue_of_the_archive_is_shown_and_leads_to_its_page(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, settings=NEWSLETTER + ARCHIVE)
    shelf.publish("2026-02-01-fog", "Long.", title="Fog for days", date="2026-02-01")
    hello = 'Hello {{ subscriber.name | default("keeper") }}.'
    shelf.publish(
        "2026-02-08-oil", hello, title='"Oil for {{ subscriber.town | default(\\"us\\") }}"', date="2026-02-08"
    )
    with opened(shelf) as site:
        page = site.get("/join").text
        assert '<a href="/archive/issues/2026-02-08-oil.html">Oil for us</a>' in page
        assert "Hello keeper." in page
        assert "Fog" not in page
        assert site.get("/archive/issues/2026-02-08-oil.html").status == 200
        assert 'The latest issue&#160;· <time datetime="2026-02-08">February 8, 2026</time>' in page
        assert '最新一期&#160;· <time datetime="2026-02-08">2026年2月8日</time>' in site.get("/join?lang=zh").text
        assert '<a href="/archive/">Archive</a>' in page
        assert "Oil for us" not in site.get("/join/form").text, "a frame is small"
        assert "Oil for us" not in site.get("/u/nonsense").text
        assert "Oil for us" in site.join(ADA).text, "the page of thanks"
        confirm = f"/c/{site.link('confirm')}"
        assert "Oil for us" not in site.get(confirm).text


def test_an_issue_that_went_out_since_is_there_within_a_minute(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, settings=NEWSLETTER + ARCHIVE)
    shelf.publish("fog", title="Fog for days")
    with opened(shelf) as site:
        assert "Fog for days" in site.get("/join").text
        shelf.publish("oil", title="Oil for us")
        build(shelf, site)
        site.clock.forward(seconds=59)
        assert "Fog for days" in site.get("/join").text
        site.clock.forward(seconds=2)
        assert "Oil for us" in site.get("/join").text


def test_who_has_confirmed_finds_something_to_read(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, settings=NEWSLETTER + ARCHIVE)
    shelf.publish("fog", title="Fog for days")
    with opened(shelf) as site:
        site.join(ADA)
        text = site.mail().get_body(("plain",)).get_content()  # type: ignore[union-attr]
        path = next(line for line in text.splitlines() if "/c/" in line).partition(site.url)[2]
        assert "Fog for days" in site.post(path).text


def test_without_an_archive_it_is_the_post_on_the_site(tmp_path: Path) -> None:
    settings = f'{NEWSLETTER}[site]\nurl = "https://lamp.example"\npermalink = "/:title/"\n'
    shelf = Shelf(tmp_path, settings=settings)
    shelf.publish("2026-02-01-fog", title="Fog for days", date="2026-02-01")
    shelf.publish("2026-02-08-own", title="Between us", date="2026-02-08", newsletter="{archive: false}")
    shelf.send(shelf.write("2026-02-09-few", title="For a few", date="2026-02-09"), segment="plan == 'pro'")
    shelf.send(shelf.write("2026-02-10-other", title="Of others", date="2026-02-10"), newsletter="other.example.com")
    shelf.publish("2026-02-11-gone", title="Gone since", date="2026-02-11").unlink()
    shelf.publish("2026-02-12-torn", title="Torn since", date="2026-02-12").write_text("---\ntitle: [\n")
    with opened(shelf) as site:
        page = site.get("/join").text
    assert '<a href="https://lamp.example/fog/">Fog for days</a>' in page
    for hidden in ("Between us", "For a few", "Of others", "Gone since", "Torn since"):
        assert hidden not in page, hidden


def test_what_went_out_by_mail_alone_is_not_shown_to_strangers(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, settings=NEWSLETTER)
    shelf.publish("fog", title="Fog for days")
    with opened(shelf) as site:
        page = site.get("/join")
        assert page.status == 200
        assert "Fog" not in page.text
        assert "latest" not in page.text


def test_an_archive_that_is_elsewhere_is_linked_there() -> None:
    issue = LatestIssue(
        "Fog", "", "en", "ltr", date(2026, 2, 1), "https://a.example/issues/fog.html", "issues/fog.html", "assets/1.png"
    )
    assert shown_issue(issue, "https://news.example").url == "https://a.example/issues/fog.html"
    assert shown_issue(issue, "https://news.example").picture == "/archive/assets/1.png"


def test_a_broken_archive_costs_the_page_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, settings=NEWSLETTER + ARCHIVE)
    shelf.site.mkdir()
    (shelf.site / ".newsletter-archive.json").write_text("{")
    with opened(shelf) as site:
        (shelf.site / ".newsletter-archive.json").write_text("[1]")
        assert site.get("/join").status == 200


# --- pitch, logo, sharing -------------------------------------------------------------------------------------------


def test_the_pitch_how_often_and_the_language(tmp_path: Path) -> None:
    with running(tmp_path, NEWSLETTER + SERVE) as site:
        page = site.get("/join?lang=de").text
        assert '<p class="lead" dir="auto" lang="en">What keepers read.</p>' in page
        assert "And &lt;others&gt;.</p>" in page
        assert '<bdi lang="en">Every Friday</bdi>' in page
        assert '<bdi lang="en">In English</bdi>' in page
        assert tags(page)["description"] == "What keepers read. And &lt;others&gt;."
        assert "keepers" not in site.get("/join/form").text


def test_what_is_shown_where_the_page_is_shared(tmp_path: Path) -> None:
    settings = NEWSLETTER + SERVE + logo_file(tmp_path, (300, 60))
    with running(tmp_path, settings) as site:
        page = site.get("/join?lang=zh")
        found = tags(page.text)
        assert found["og:title"] == "The Lamp"
        assert found["og:description"].startswith("What keepers read.")
        assert found["og:url"] == f"{site.url}/join"
        assert found["og:locale"] == "zh"
        assert found["twitter:card"] == "summary_large_image"
        assert "noindex" not in page.text
        picture = site.get(found["og:image"].removeprefix(site.url))
        assert picture.headers["content-type"] == "image/png"
        assert picture.headers["cross-origin-resource-policy"] == "cross-origin"
        with Image.open(BytesIO(picture.body)) as card:
            assert card.size == (1200, 630)
        for path in ("/join/form", f"/c/{site.link('confirm')}"):
            assert "og:" not in site.get(path).text
        assert "og:" not in site.post("/join", {"email": "x"}).text


def test_without_a_logo_the_letter_is_the_icon_and_nothing_is_promised(tmp_path: Path) -> None:
    with running(tmp_path, NEWSLETTER) as site:
        page = site.get("/join").text
        assert tags(page)["twitter:card"] == "summary"
        assert "og:image" not in page
        assert '<span class="mono" aria-hidden="true">T</span><span dir="auto">The Lamp</span>' in page
        assert ">T</text>" in site.get("/icon.svg").text


@pytest.mark.parametrize(("size", "has_icon"), [((300, 60), False), ((64, 64), True), ((64, 80), True)])
def test_a_logo_is_the_icon_unless_it_is_a_line_of_letters(
    tmp_path: Path, size: tuple[int, int], has_icon: bool
) -> None:
    with running(tmp_path, NEWSLETTER + logo_file(tmp_path, size)) as site:
        page = site.get("/u/nonsense").text
        src = re.findall(r'<img class="backed" src="(/look/logo-\w+\.png)" alt="The Lamp" width="90"', page)
        assert site.get(src[0]).headers["cache-control"] == "public, max-age=31536000, immutable"
        icon = re.findall('<link rel="icon" href="([^"]+)"', page)
        assert icon[0].startswith("/look/icon-") == has_icon
        assert site.get(icon[0]).status == 200
        assert site.get("/look/logo-000000000000.png").status == 404


def test_a_logo_of_its_own_for_the_dark_stands_on_no_light_card(tmp_path: Path) -> None:
    logo = logo_file(tmp_path, (90, 90), 'logo = "logo.png"\nlogo_dark = "logo.png"')
    with running(tmp_path, NEWSLETTER + logo) as site:
        page = site.get("/join").text
        assert re.search(r'<source srcset="/look/logo-dark-\w+\.png" media="\(prefers-color-scheme: dark\)">', page)
        assert "backed" not in page


def test_a_logo_elsewhere_is_the_one_address_that_the_policy_lets_in(tmp_path: Path) -> None:
    address = "https://cdn.example.com/a;script-src,x/logo.png?v=1;2"
    logo = logo_file(tmp_path, (9, 9), f'logo = "{address}"')
    with running(tmp_path, NEWSLETTER + logo) as site:
        answer = site.get("/join")
        policy = answer.headers["content-security-policy"]
        assert "img-src 'self' https://cdn.example.com/a%3Bscript-src%2Cx/logo.png; form-action" in policy
        assert policy.count(";") == 5
        assert f'src="{address}"' in answer.text
        assert "cdn.example.com" not in site.get("/health").headers["content-security-policy"]


def test_a_logo_that_cannot_be_shown_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.png: cannot be read"):
        read_logo({"brand": {"logo": str(tmp_path / "gone.png")}})
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(ConfigError, match="the theme's logo"):
        read_logo({"brand": {"logo": str(tmp_path / "text.png")}})


# --- words and looks ------------------------------------------------------------------------------------------------


def test_archive_and_pages_call_things_alike() -> None:
    words = page_words(page_folder("web"))
    archive = tomllib.loads((package_folder("templates", "archive") / "labels.toml").read_text("utf-8"))
    frame = tomllib.loads((package_folder("templates") / "labels.toml").read_text("utf-8"))
    for lang, own in words.items():
        assert own["latest"] == archive[lang]["latest"]
        assert own["archive"] == frame[lang]["archive"]
    assert len({own["written_in"] for own in words.values()}) == len(words), "each language in its own words"


@pytest.mark.parametrize(("lang", "theme"), [("en", "classic"), ("zh", "magazine"), ("ar", "essay")])
def test_nothing_sticks_out_and_nothing_grave_is_found(browser: Browser, tmp_path: Path, lang: str, theme: str) -> None:
    settings = f'{NEWSLETTER}[theme]\nname = "{theme}"\n{ARCHIVE}{SERVE}privacy_url = "https://example.com/p"\n'
    shelf = Shelf(tmp_path, settings=settings)
    Image.new("RGB", (900, 400), "#336699").save(tmp_path / "posts" / "sea.png")
    shelf.publish("fog", "![Sea](sea.png)\n\nA long description of the days in the fog.", title="W" * 60)
    with opened(shelf) as site:
        for scheme, rules in (("light", ()), ("dark", COLOURS)):
            page = browser.new_context(color_scheme=scheme, locale=lang, bypass_csp=True).new_page()  # type: ignore[arg-type]
            page.goto(f"{site.url}/join")
            for width in (1280, 640, 390, 320):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") == width, width
            assert page.evaluate("document.querySelector('.issue img').naturalWidth") > 0
            if scheme == "light":
                assert grave_findings(page) == []
            # A fault is said in red, with a mark.
            page.evaluate("document.querySelector('form').noValidate = true")
            page.fill("#email", "nonsense")
            site.clock.forward(seconds=5)
            page.click("form button")
            assert page.locator("#email-fault svg.icon").count() == 1
            red = page.evaluate("getComputedStyle(document.querySelector('#email-fault')).color")
            assert red != page.evaluate("getComputedStyle(document.querySelector('a')).color")
            assert grave_findings(page, rules) == [], scheme
            page.context.close()
