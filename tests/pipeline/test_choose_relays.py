"""Which relays mail goes through, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.errors import ConfigError
from newsletter.pipeline.choose_relays import choose_relays

PASSWORD = {"NEWSLETTER_SMTP_PASSWORD": "open sesame"}


def config_of(folder: Path, text: str, env: Mapping[str, str] = {}) -> Config:
    (folder / "newsletter.toml").write_text(text)
    return load_config(None, env, folder)


def test_the_command_line_wins_and_its_relay_has_a_name_of_its_own(tmp_path: Path) -> None:
    config = config_of(tmp_path, '[relay]\nurl = "smtp://mail.example.com"\n')
    assert [str(each.relay) for each in choose_relays(config, None, {})] == ["smtp://mail.example.com:587"]
    (each,) = choose_relays(config, "smtp://127.0.0.1:2525", {})
    assert (str(each.relay), each.relay.name) == ("smtp://127.0.0.1:2525", "127.0.0.1:2525")


def test_a_missing_password_is_named_and_a_given_one_is_not_shown(tmp_path: Path) -> None:
    text = '[relay]\nurl = "smtp://me@mail.example.com"\n'
    with pytest.raises(ConfigError, match="NEWSLETTER_SMTP_PASSWORD is not set; set it to the password of me"):
        choose_relays(config_of(tmp_path, text), None, {})
    (each,) = choose_relays(config_of(tmp_path, text, PASSWORD), None, PASSWORD)
    assert each.relay.password == "open sesame"
    assert "sesame" not in repr(each)


def test_without_a_relay_the_command_adds_its_own_way_out(tmp_path: Path) -> None:
    config = config_of(tmp_path, "")
    with pytest.raises(ConfigError, match=r"set it, or write --relay smtp://host:port, or --catch$"):
        choose_relays(config, None, {}, ", or --catch")
