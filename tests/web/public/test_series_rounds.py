"""The series of `newsletter serve`: who signs up gets it without anybody running `publish`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from web_site import ADA, SECRET, TOML, Clock, button_of, running

from newsletter.audience.people.series import Series
from newsletter.config.load import load_config
from newsletter.errors import ContentError
from newsletter.model.delivery import Relay
from newsletter.web.public import series_rounds
from newsletter.web.public.service import public_config, run_service
from newsletter.web.sockets import listen


def test_who_confirms_gets_each_step_on_its_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_rounds, "EVERY_S", 0.02)
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "01-hello.md").write_text("---\ntitle: First of all\nafter: 1h\n---\nHello.\n")
    (tmp_path / "series" / "02-more.md").write_text("---\ntitle: And then\nafter: 3d\n---\nMore.\n")
    with running(tmp_path, TOML) as site:
        site.join(ADA)
        site.post(button_of(site.mail()), {})
        assert "AI Daily" in str(site.mail()["Subject"])  # the welcome
        site.clock.forward(hours=1)
        first = site.mail()
        assert first["Subject"] == "First of all"
        assert first["List-Unsubscribe"] is not None
        while not Series(site.people.storage, site.clock).is_at_rest():
            pass  # it is written down a moment after it has arrived
        site.clock.forward(days=3)
        assert site.mail()["Subject"] == "And then"
        seen = len(site.catcher.messages())
        site.clock.forward(days=30)
        site.join("bo@example.com")
        assert site.mail()["To"] == "bo@example.com"
        assert len(site.catcher.messages()) == seen + 1


def test_a_fault_is_met_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "01-hello.md").write_text("---\ntitle: First\nafter: soon\n---\nHello.\n")
    (tmp_path / "newsletter.toml").write_text(TOML)
    config = load_config(None, {"NEWSLETTER_SECRET": SECRET}, tmp_path)
    relay = config.settings_for(Relay("127.0.0.1", 1, "none"))
    with listen("127.0.0.1", 0, "--port") as listening:
        public = public_config(config, "127.0.0.1", listening.getsockname()[1])
        service = run_service(public, relay, listening, clock=Clock(), stopping=asyncio.Event())
        with pytest.raises(ContentError, match=r"01-hello\.md:3"):
            asyncio.run(service)
