"""Hosts to listen on: each that cannot be is a sentence."""

from __future__ import annotations

import pytest

from newsletter.errors import ConfigError
from newsletter.web.sockets import listen, listen_near


@pytest.mark.parametrize("host", ["\udcff", "ü" * 70, "a..b"])
def test_a_name_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on .*: no name of a host; use 127\.0\.0\.1") as error:
        listen(host, 0, "--port")
    assert str(error.value).isprintable()


def test_no_host_is_not_every_host() -> None:
    for opened in (listen, listen_near):
        with pytest.raises(
            ConfigError, match=r"the host to listen on is empty; use 127\.0\.0\.1, or 0\.0\.0\.0 for every"
        ):
            opened("", 0, "--port")
