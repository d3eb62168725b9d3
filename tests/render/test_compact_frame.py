"""What is taken out of the frame, and what must stay."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from types import MappingProxyType

import pytest
from themes import THEMES

from newsletter.config.load import load_config
from newsletter.message.compose import Composer
from newsletter.model.rendered_email import Theme
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.render_post import render_post
from newsletter.render.compact_frame import compact_frame, names_in, used_rules
from newsletter.render.themes.load import load_theme

NOON = datetime(2025, 12, 1, 12, tzinfo=UTC)
DARK = "@media (prefers-color-scheme:dark)"
OWN = frozenset({"card", "m", "chip", "th"})

WHOLE = """
[newsletter]
name = "AI 日报"
from = "AI 日报 <news@example.com>"
postal_address = "AI 日报, 1 Main Street, Springfield"
unsubscribe_mailto = "leave@example.com"
subscribe_url = "https://example.com/subscribe"
ai_notice = "assisted"
first_number = 1
[theme]
name = "mine"
[site]
url = "https://example.com"
[serve]
url = "https://news.example.com"
[archive]
url = "https://example.com/archive"
[footer]
forward = true
feedback = "serve"
social = ["https://weibo.com/aidaily", "https://github.com/aidaily", "https://x.com/aidaily"]
sponsor = "本期由 Example 赞助"
sponsor_url = "https://example.org"
"""


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".card .m{a:b}.card .chip{c:d}", ".card .m{a:b}"),
        (".card .chip,.card .m{a:b}", ".card .m{a:b}"),
        ("th,td{a:b}", "td{a:b}"),
        ("@media x{.chip{a:b}}.m{c:d}", ".m{c:d}"),
        ("@media x{.chip{a:b}.m{c:d}}", "@media x{.m{c:d}}"),
        ("@media x{.m{a:b}}[data-ogsc] .chip{c:d}", "@media x{.m{a:b}}"),
        # What a client adds is in no template.
        ("u + .card{a:b}.ExternalClass{c:d}#outlook td{e:f}", "u + .card{a:b}.ExternalClass{c:d}#outlook td{e:f}"),
        ("[data-ogsc] .m{a:b}[class~=chip] .m{c:d}", "[data-ogsc] .m{a:b}[class~=chip] .m{c:d}"),
        (".m:not(.chip){a:b}@font-face{c:d}", ".m:not(.chip){a:b}@font-face{c:d}"),
        ('.chip::before{content:"}"}', '.chip::before{content:"}"}'),
        ('td,th{font-family:"A B"}[title="a,.chip"] .chip{c:d}', 'td{font-family:"A B"}[title="a,.chip"] .chip{c:d}'),
        # One rule for one selector.
        (".m{a:b}.m{c:d}.card{e:f}.m{g:h}", ".m{a:b;c:d}.card{e:f}.m{g:h}"),
        ("@media x{.m{a:b}}.m{c:d}", "@media x{.m{a:b}}.m{c:d}"),
        (
            DARK + "{.m{a:b}}[data-ogsc] .m{c:d}" + DARK + "{.card{e:f}}",
            DARK + "{.m{a:b}.card{e:f}}[data-ogsc] .m{c:d}",
        ),
        (
            DARK + "{.m{a:b}}@media y{.m{c:d}}" + DARK + "{.m{e:f}}",
            DARK + "{.m{a:b}}@media y{.m{c:d}}" + DARK + "{.m{e:f}}",
        ),
        ("", ""),
        (".m{a:b", ".m{a:b"),
        ("}}.m{a:b}", "}}.m{a:b}"),
    ],
)
def test_rules_that_nothing_matches_are_left_out(css: str, kept: str) -> None:
    assert used_rules(css, names_in('<table class="card"><tr><td class="x m">'), OWN) == kept


@pytest.fixture
def theme(tmp_path: Path) -> Theme:
    return load_theme("classic", tmp_path)


def test_columns_of_a_theme_of_ones_own_keep_their_rules(theme: Theme) -> None:
    html = (
        '<html><head><style type="text/css">@media only screen and (min-width:480px){.mj-column-per-50{width:50%}}'
        '</style></head><body><div class="mj-outlook-group-fix mj-column-per-50">a</div></body></html>'
    )
    assert compact_frame(html, theme) == html.replace(' type="text/css"', "")


def test_what_word_reads_stays(theme: Theme) -> None:
    vml = '<html xmlns:v="urn:schemas-microsoft-com:vml"><body><!--[if mso]><v:rect/><![endif]--></body></html>'
    assert compact_frame(vml, theme) == vml
    beside = (
        "<body><!--[if mso | IE]><table><![endif]-->\n<!--[if mso | IE]><tr><![endif]-->a<!--[if mso]><td><![endif]-->"
    )
    assert compact_frame(beside, theme) == "<body><!--[if mso]><table><tr><![endif]-->a<!--[if mso]><td><![endif]-->"


def test_words_that_look_like_the_frame_are_the_authors(theme: Theme) -> None:
    text = (
        'color:#ffffff; background:#ffffff;background-color:#ffffff; style="a:b;" class="mj-column-per-100" '
        'word-spacing:normal; role="presentation" </b>.card .chip{a:b} mso | IE'
    )
    html = f'<html><body style="word-spacing:normal;"><td title="{theme.name};">{text}</td></body></html>'
    assert text in compact_frame(html, theme)


@pytest.mark.parametrize("name", THEMES)
def test_the_reference_in_the_whole_frame_stays_under_its_budget(posts: Path, tmp_path: Path, name: str) -> None:
    """Logo, number, notice on AI and every line of the footer, with links as a send makes them."""
    (tmp_path / "newsletter.toml").write_text(WHOLE, "utf-8")
    (tmp_path / "templates" / "mine").mkdir(parents=True)
    logos = 'logo = "https://example.com/logo.png"\nlogo_dark = "https://example.com/logo-dark.png"\n'
    (tmp_path / "templates" / "mine" / "theme.toml").write_text(f'extends = "{name}"\n[brand]\n{logos}')
    config = load_config(None, {"NEWSLETTER_SECRET": "a secret of some letters"}, tmp_path)
    rendering = render_post(str(posts / "2025-12-01-ai-daily.md"), config)
    subscriber = Subscriber("ada.lovelace@example.com", MappingProxyType({"email": "ada.lovelace@example.com"}))
    composer = Composer(rendering.email, config.sender, issue=rendering.issue.slug, when=NOON)
    part = message_from_bytes(composer.compose(subscriber).data, policy=SMTP).get_body(("html",))
    assert isinstance(part, EmailMessage)
    html = part.get_content().replace("\r\n", "\n")
    for words in (
        "logo-dark.png",
        "第\u00a01\u00a0期",
        "AI 辅助",
        "/up",
        "mailto:?subject",
        "/subscribe",
        "/p/",
        "/u/",
        "weibo",
        "赞助",
    ):
        assert words in html, words
    assert len(html.encode()) <= 44_500
    assert len(part.get_payload().encode()) <= 61_000


@pytest.mark.parametrize("name", THEMES)
def test_no_selector_of_a_rendered_email_is_of_a_class_that_it_lacks(posts: Path, name: str, tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(f'[theme]\nname = "{name}"\n')
    rendering = render_post(str(posts / "2026-01-17-ai-info-hub.md"), load_config(None, {}, tmp_path))
    head, _, body = "".join(part for part in rendering.email.html.parts if isinstance(part, str)).partition("<body")
    styles = "".join(re.findall("<style>(.*?)</style>", re.sub("<!--.*?-->", "", head, flags=re.DOTALL), re.DOTALL))
    classes = {each for value in re.findall(' class="([^"]*)"', body) for each in value.split()}
    unused = set(re.findall(r"\.([a-z][\w-]*)(?=[^{}]*\{)", styles)) - classes
    assert unused == set()
    for dead in ("data-premailer", "mso | IE", "lte mso 11", "X-UA-Compatible", "mj-column"):
        assert dead not in head + body, dead
