"""SPF: one record, its syntax, and what it costs with all that it includes (RFC 7208)."""

from __future__ import annotations

import pytest
from dns_records import FAILED, Records, judged

from newsletter.doctor.judge.spf import judge_spf
from newsletter.doctor.verdict import Level, Verdict

DOMAIN = "quill.test"


def spf(*records: str, **more: str) -> tuple[Verdict, ...]:
    """The verdicts on these TXT records; `more` are other domains' SPF records, `_` for a dot."""
    zone: dict[tuple[str, str], list[str]] = {(DOMAIN, "TXT"): list(records)}
    zone |= {(name.replace("_", "."), "TXT"): [text] for name, text in more.items()}
    return judged(judge_spf(DOMAIN), zone)


def levels(verdicts: tuple[Verdict, ...]) -> dict[str, Level]:
    return {verdict.code: verdict.level for verdict in verdicts}


@pytest.mark.parametrize("record", ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", "V=SPF1 ip4:192.0.2.1 ~all"])
def test_a_plain_record_costs_nothing(record: str) -> None:
    verdicts = spf("other=thing", record)
    assert levels(verdicts) == {"spf": Level.GREEN, "spf-lookups": Level.GREEN}
    assert "0 of 10" in verdicts[1].what


def test_no_record_is_red_and_says_what_one_looks_like() -> None:
    (verdict,) = spf("google-site-verification=x")
    assert (verdict.level, verdict.code) == (Level.RED, "spf")
    assert verdict.record.startswith("v=spf1 ")


def test_a_mail_service_may_have_a_bounce_address_of_its_own() -> None:
    (verdict,) = judged(judge_spf(DOMAIN, "smtp.relay.test"), {})
    assert verdict.level is Level.YELLOW
    assert "smtp.relay.test" in verdict.what


@pytest.mark.parametrize("record", ['"v=spf1 -all"', " v=spf1 -all", "v=spf1-all", "spf1 include:a.test"])
def test_a_record_that_begins_wrongly_is_told_so(record: str) -> None:
    (verdict,) = spf(record)
    assert verdict.level is Level.RED
    assert "does not begin with v=spf1" in verdict.what


def test_two_records_are_none() -> None:
    (verdict,) = spf("v=spf1 -all", "v=spf1 mx -all")
    assert verdict.level is Level.RED
    assert "2 SPF records" in verdict.what


@pytest.mark.parametrize(
    ("record", "level"),
    [
        ("v=spf1 +all", Level.RED),
        ("v=spf1 all", Level.RED),
        ("v=spf1 ?all", Level.YELLOW),
        ("v=spf1 ip4:192.0.2.1", Level.YELLOW),
        ("v=spf1 -all ip4:192.0.2.1", Level.YELLOW),
        ("v=spf1 ptr ~all", Level.YELLOW),
        ("v=spf1 include -all", Level.RED),
        ("v=spf1 ipv4:192.0.2.1 -all", Level.RED),
        ("v=spf1 ip4:192.0.2.300 -all", Level.RED),
        ("v=spf1 ip4:2001:db8::1 -all", Level.RED),
        ("v=spf1 a:mail.quill.test/240/ -all", Level.RED),
        ("v=spf1 exp=why.quill.test unknown=x -all", Level.GREEN),
    ],
)
def test_what_a_record_says(record: str, level: Level) -> None:
    assert levels(spf(record))["spf"] is level


def test_includes_are_followed_and_counted() -> None:
    verdicts = spf(
        "v=spf1 include:a.test mx:quill.test a ~all",
        a_test="v=spf1 include:b.test exists:%{i}.x.test -all",
        b_test="v=spf1 ip4:192.0.2.1 -all",
    )
    assert "5 of 10" in verdicts[1].what


def test_more_than_ten_look_ups_are_an_error() -> None:
    def chain(length: int) -> tuple[Verdict, ...]:
        others = {f"i{number}_test": f"v=spf1 include:i{number + 1}.test -all" for number in range(1, length)}
        return spf("v=spf1 include:i1.test -all", **others, **{f"i{length}_test": "v=spf1 -all"})

    assert levels(chain(9))["spf-lookups"] is Level.GREEN
    assert levels(chain(10))["spf-lookups"] is Level.YELLOW  # full: the next one breaks it
    over = chain(11)
    assert levels(over)["spf-lookups"] is Level.RED
    assert "takes 11 DNS" in over[1].what


def test_an_endless_fan_of_includes_is_left() -> None:
    zone: dict[tuple[str, str], list[str]] = {}
    for number in range(200):
        children = " ".join(f"include:n{child}.test" for child in range(number + 1, number + 11))
        zone[f"n{number}.test", "TXT"] = [f"v=spf1 {children} -all"]
    assert levels(judged(judge_spf("n0.test"), zone))["spf-lookups"] is Level.RED


def test_a_circle_is_an_error() -> None:
    verdicts = spf("v=spf1 include:a.test -all", a_test=f"v=spf1 include:{DOMAIN} -all")
    assert levels(verdicts)["spf"] is Level.RED
    assert "leads back to itself" in verdicts[0].what


def test_an_include_without_a_record_is_an_error() -> None:
    verdicts = spf("v=spf1 include:gone.test -all")
    assert levels(verdicts) == {"spf": Level.RED, "spf-lookups": Level.YELLOW}
    assert "no SPF record" in verdicts[0].what


def test_three_look_ups_that_bring_nothing_are_an_error() -> None:
    assert levels(spf("v=spf1 a:one.test a:two.test -all"))["spf-lookups"] is Level.YELLOW
    assert levels(spf("v=spf1 a:one.test a:two.test mx:three.test -all"))["spf-lookups"] is Level.RED


def test_a_redirect_takes_the_other_record_s_end() -> None:
    verdicts = spf("v=spf1 redirect=_spf.other.test", **{"_spf.other.test".replace(".", "_"): ""})
    assert levels(verdicts)["spf"] is Level.RED
    zone: Records = {(DOMAIN, "TXT"): ["v=spf1 redirect=_s.test"], ("_s.test", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"]}
    verdicts = judged(judge_spf(DOMAIN), zone)
    assert levels(verdicts) == {"spf": Level.GREEN, "spf-lookups": Level.GREEN}
    assert "1 of 10" in verdicts[1].what


def test_a_redirect_beside_all_is_not_followed() -> None:
    assert "0 of 10" in spf("v=spf1 ip4:192.0.2.1 -all redirect=gone.test")[1].what


def test_what_could_not_be_asked_is_not_called_wrong() -> None:
    (verdict,) = judged(judge_spf(DOMAIN), {(DOMAIN, "TXT"): FAILED})
    assert verdict.level is Level.YELLOW
    zone: Records = {(DOMAIN, "TXT"): ["v=spf1 include:a.test -all"], ("a.test", "TXT"): FAILED}
    assert levels(judged(judge_spf(DOMAIN), zone)) == {"spf": Level.GREEN, "spf-lookups": Level.YELLOW}


def test_too_many_mail_hosts_are_an_error() -> None:
    zone: Records = {
        (DOMAIN, "TXT"): ["v=spf1 mx -all"],
        (DOMAIN, "MX"): [f"10 mx{number}.quill.test." for number in range(11)],
    }
    assert levels(judged(judge_spf(DOMAIN), zone))["spf"] is Level.RED


def test_a_record_of_thousands_of_names_is_not_followed_to_its_end() -> None:
    record = "v=spf1 " + " ".join(f"include:i{number}.test" for number in range(3_000)) + " -all"
    asked: list[tuple[str, str]] = []

    class Zone(dict[tuple[str, str], list[str]]):
        def __missing__(self, key: tuple[str, str]) -> list[str]:
            return ["v=spf1 -all"]

        def get(self, key: tuple[str, str], default: object = None) -> list[str]:
            asked.append(key)
            return self[key]

    verdicts = judged(judge_spf(DOMAIN), Zone({(DOMAIN, "TXT"): [record]}))
    assert levels(verdicts)["spf-lookups"] is Level.RED
    assert len(asked) < 50
