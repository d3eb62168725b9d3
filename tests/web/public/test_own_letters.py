"""Mails of the sign-up pages in the author's own words: posts that are rendered, with our button and our footer."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_site import ADA, SECRET, TOML, Site, button_of, running

from newsletter.config.load import load_config
from newsletter.errors import NewsletterError
from newsletter.web.public.appearance import read_appearance
from newsletter.web.public.confirmation_mail import ConfirmationMails


def write(folder: Path, name: str, text: str) -> None:
    (folder / "letters").mkdir(exist_ok=True)
    (folder / "letters" / name).write_text(text, "utf-8")


def text_of(site: Site) -> tuple[str, str]:
    message = site.mail()
    body = message.get_body(("plain",))
    assert body is not None
    return str(message["Subject"]), body.get_content()


def test_each_mail_is_the_authors_own(tmp_path: Path) -> None:
    write(tmp_path, "confirm.md", "---\ntitle: One click more\n---\nSo that *nobody else* signs you up.\n")
    write(tmp_path, "welcome.md", "---\ntitle: How good that you came\n---\n## What to expect\n\nA letter a day.\n")
    write(tmp_path, "goodbye.md", "---\ntitle: Farewell\n---\nThe tide goes out. It comes back.\n")
    with running(tmp_path, TOML) as site:
        site.join(ADA)
        message = site.mail()
        assert message["Subject"] == "One click more"
        body = message.get_body(("plain",))
        assert body is not None
        assert "nobody else" in body.get_content()
        assert message["List-Unsubscribe"] is None
        assert site.post(button_of(message), {}).status == 200
        subject, words = text_of(site)
        assert subject == "How good that you came"
        assert "A letter a day." in words
        site.post(f"/u/{site.link('unsubscribe')}?page")
        goodbye = site.mail()
        assert goodbye["Subject"] == "Farewell"
        text = goodbye.get_body(("plain",))
        assert text is not None
        assert "It comes back." in text.get_content()
        assert site.post(button_of(goodbye), {}).status == 200
        assert not site.people.is_suppressed(ADA)


def test_a_language_of_its_own_goes_before(tmp_path: Path) -> None:
    write(tmp_path, "confirm.md", "---\ntitle: In English\n---\nHello.\n")
    write(tmp_path, "confirm.zh.md", "---\ntitle: 中文\n---\n你好。\n")
    with running(tmp_path, TOML) as site:
        site.join(ADA, "/join?lang=zh")
        assert text_of(site)[0] == "中文"
        site.join("bo@example.com", "/join?lang=de")
        assert text_of(site)[0] == "In English"


def test_a_draft_is_not_sent_and_ours_is(tmp_path: Path) -> None:
    write(tmp_path, "confirm.md", "---\ntitle: Not yet\ndraft: true\n---\nHello.\n")
    with running(tmp_path, TOML) as site:
        site.join(ADA)
        assert text_of(site)[0] != "Not yet"


def test_a_post_at_fault_is_told_when_the_server_starts(tmp_path: Path) -> None:
    write(tmp_path, "welcome.md", "---\ntitle: [\n---\n{% if %}\n")
    (tmp_path / "newsletter.toml").write_text(TOML, "utf-8")
    config = load_config(tmp_path / "newsletter.toml", {"NEWSLETTER_SECRET": SECRET}, tmp_path)
    mails = ConfirmationMails(config, read_appearance(config).words)
    with pytest.raises(NewsletterError, match=r"welcome\.md"):
        mails.check_own()
