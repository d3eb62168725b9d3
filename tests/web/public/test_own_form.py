"""A form of the author's own site: heard from the sites that are named, and from no other; a mail asks all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web_site import ADA, LISTS, TOML, Site, running

from newsletter.audience.people.records import SignUpState

BLOG = "https://blog.example.com"
KEYS = f"""
[serve]
forms_on = ["{BLOG}"]
thanks_url = "{BLOG}/thanks"
consent = "Yes, mail me."
signups_per_network = 4
"""
OWN = {"Origin": BLOG, "Sec-Fetch-Site": "cross-site"}


def toml(more: str) -> str:
    return TOML + LISTS.replace("[serve]\n", more.lstrip("\n") if more else "[serve]\n", 1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path, toml(KEYS)) as opened:
        yield opened


def post(site: Site, fields: object, headers: dict[str, str], path: str = "/join") -> tuple[int, str]:
    answer = site.post(path, fields, **headers)
    return answer.status, answer.headers.get("location", "")


def test_it_leads_to_the_thanks_page_and_a_mail_asks(site: Site) -> None:
    fields = {"email": ADA, "name": "Ada", "lists": ["ai", "made up"]}
    assert post(site, fields, OWN) == (303, f"{BLOG}/thanks")
    assert str(site.mail()["subject"]) == "Please confirm: AI Daily"
    person = site.people.person(ADA)
    assert person is not None
    assert (person.state, dict(person.fields)) == (SignUpState.PENDING, {"name": "Ada"})
    assert site.people.preferences(ADA).lists == ("ai",)
    (asked,) = site.people.history(ADA).consents
    assert (asked.source, asked.wording) == (BLOG, "Yes, mail me.")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "cross-site"},
        {"Origin": f"{BLOG}.evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://blog.example.com", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    assert post(site, {"email": ADA}, headers) == (403, "")
    assert site.people.person(ADA) is None


def test_the_frame_and_every_other_page_stay_ours(site: Site) -> None:
    assert post(site, {"email": ADA}, OWN, "/join/form") == (403, "")
    token = site.link("confirm")
    assert post(site, {}, OWN, f"/c/{token}")[0] == 403


def test_what_the_limits_and_the_trap_are_for(site: Site) -> None:
    assert post(site, {"email": ADA, "website": "x"}, OWN) == (303, f"{BLOG}/thanks")
    assert site.people.person(ADA) is None
    status, _ = post(site, {"email": "ada@"}, OWN)
    assert status == 422
    codes = [post(site, {"email": f"ada{number}@example.com"}, OWN)[0] for number in range(5)]
    assert codes == [303, 303, 303, 303, 429]


def test_without_a_page_of_thanks_ours_says_it(tmp_path: Path) -> None:
    with running(tmp_path, toml(f'\n[serve]\nforms_on = ["{BLOG}"]\n')) as site:
        answer = site.post("/join", {"email": ADA}, **OWN)
        assert (answer.status, "Look into your inbox" in answer.text) == (200, True)


def test_without_the_key_no_other_site_is_heard(tmp_path: Path) -> None:
    with running(tmp_path, toml("")) as site:
        assert post(site, {"email": ADA}, OWN)[0] == 403
