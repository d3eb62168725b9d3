"""Every preset is a relay that the configuration takes, with a rate that it reads."""

from __future__ import annotations

import pytest

from newsletter.config.relay_presets import PRESETS, RelayPreset
from newsletter.config.relay_url import parse_relay
from newsletter.model.schedule import parse_rate


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_is_a_relay(preset: RelayPreset) -> None:
    relay = parse_relay(preset.url.replace("{user}", "ada%40example.org"), {"NEWSLETTER_SMTP_PASSWORD": "x" * 12})
    assert relay.host
    assert preset.source
    assert preset.password
    if preset.rate:
        assert parse_rate(preset.rate)


def test_each_key_once() -> None:
    keys = [preset.key for preset in PRESETS]
    assert len(keys) == len(set(keys))
