"""The section about the footer of each email: the links for its reader."""

from __future__ import annotations

from newsletter.config import validators as entries
from newsletter.config.url_validators import page_address, web_address
from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.toml_file.section import Section, array, key, switch, text

SERVED = "serve"
"""Stands for the address of the pages of `newsletter serve`."""


def feedback_address(value: str) -> str:
    if value == SERVED:
        return value
    try:
        return web_address(value)
    except InvalidValueError as fault:
        raise InvalidValueError(fault.what, f'write feedback = "{SERVED}", or an address') from fault


@frozen(kw_only=True)
class FooterSection(Section):
    feedback: str = key(
        "Two links under each issue, thumbs up and thumbs down: `serve` for the pages of `newsletter serve`, which "
        "count them for each issue and know no person, or an address of your own, which is asked with `issue` and "
        "`answer` (`up` or `down`).",
        text(feedback_address),
        example="serve",
    )
    forward: bool = key(
        "Whether a button opens a mail to a friend with the issue's title and address; for issues with a web version.",
        switch,
        default=False,
        example=True,
    )
    archive: str = key("Where all issues are on the web.", text(web_address), example="https://example.com/archive")
    social: tuple[str, ...] = key(
        "Addresses of the newsletter elsewhere; each is called by its service's name, or by its host.",
        array(text(page_address), "addresses"),
        default=(),
        example=["https://mastodon.social/@daily", "https://x.com/daily"],
    )
    sponsor: str = key(
        "A line about who pays for the newsletter.", text(entries.one_line), example="Kept alive by Example Ltd"
    )
    sponsor_url: str = key("Where that line leads.", text(page_address), example="https://example.com")
