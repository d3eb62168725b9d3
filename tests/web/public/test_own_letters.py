"""Mails of the sign-up pages in the author's own words: posts that are rendered, with our button and our footer."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from web_site import ADA, SECRET, TOML, Site, button_of, running

from newsletter.check.check_post import findings_of
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.errors import NewsletterError
from newsletter.pipeline.plan_send import plan_send
from newsletter.web.preview.live_rendering import LiveRendering, Snapshot
from newsletter.web.preview.reader_view import read
from newsletter.web.public.appearance import read_appearance
from newsletter.web.public.confirmation_mail import ConfirmationMails

PAGES = "https://news.example.com"


def configured(folder: Path) -> Config:
    (folder / "newsletter.toml").write_text(f'{TOML}\n[serve]\nurl = "{PAGES}"\n', "utf-8")
    return load_config(folder / "newsletter.toml", {"NEWSLETTER_SECRET": SECRET}, folder)


def parsed(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


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


def test_what_is_rendered_and_tested_is_what_the_reader_gets(tmp_path: Path) -> None:
    write(tmp_path, "confirm.md", "---\ntitle: One click more\n---\nSo that *nobody else* signs you up.\n")
    write(tmp_path, "goodbye.zh.md", "---\ntitle: 再见\n---\n潮水退去，还会再来。\n")
    config = configured(tmp_path)
    mails = ConfirmationMails(config, read_appearance(config).words)
    when = datetime(2026, 3, 1, 7, 0, tzinfo=UTC)
    for name, sent in (("confirm.md", mails.confirm), ("goodbye.zh.md", mails.goodbye)):
        lang = "zh" if ".zh." in name else "en"
        shown = plan_send(str(tmp_path / "letters" / name), config, to=None, test=[ADA], when=when)
        sample = f"{PAGES}/join"
        mine, theirs = parsed(shown.sample.data), parsed(sent(ADA, lang, sample, when).data)
        assert str(mine["Subject"]) == f"[Test] {theirs['Subject']}"
        other = ("Subject", "Message-ID", "Content-Type")
        assert [each for each in mine.items() if each[0] not in other] == [
            each for each in theirs.items() if each[0] not in other
        ]
        for kind in ("plain", "html"):
            one, sent_one = mine.get_body((kind,)), theirs.get_body((kind,))
            assert one is not None
            assert sent_one is not None
            assert one.get_content() == sent_one.get_content()
            assert sample in one.get_content()
        assert ("撤销退订" if lang == "zh" else "Confirm") in one.get_content()
        assert "date-missing" not in (codes := [each.code for each in findings_of(shown.rendering, config)])
        assert "unsubscribe-missing" not in codes


def test_the_preview_shows_the_button_and_no_list(tmp_path: Path) -> None:
    write(tmp_path, "confirm.md", "---\ntitle: One click more\n---\nSo that *nobody else* signs you up.\n")
    config = configured(tmp_path)
    live = LiveRendering(tmp_path / "letters" / "confirm.md", lambda: config)
    view = read(live, live.render(Snapshot()), "1", "")
    assert view is not None
    assert 'class="cta"' in view.html
    assert f'href="{PAGES}/join"' in view.html
    names = {header.name for header in view.headers(datetime(2026, 3, 1, tzinfo=UTC))}
    assert "Auto-Submitted" in names
    assert not {"List-Unsubscribe", "List-Id", "List-Help"} & names


def test_a_letter_with_a_button_goes_to_no_list(tmp_path: Path) -> None:
    write(tmp_path, "confirm.md", "---\ntitle: One click more\n---\nHello.\n")
    (tmp_path / "list.csv").write_text(f"email\n{ADA}\n", "utf-8")
    config = configured(tmp_path)
    with pytest.raises(NewsletterError, match=r"confirm\.md: .*button.*serve"):
        plan_send(
            str(tmp_path / "letters" / "confirm.md"),
            config,
            to=tmp_path / "list.csv",
            test=(),
            when=datetime(2026, 3, 1, tzinfo=UTC),
        )
