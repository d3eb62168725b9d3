"""DMARC: the tree walk of RFC 9989, its policy, and the alignment of SPF and DKIM with From."""

from __future__ import annotations

import pytest
from dns_records import FAILED, Records, judged

from newsletter.doctor.judge.dmarc import TreeWalk, judge_alignment, judge_dmarc, names_on_the_way, walk_tree
from newsletter.doctor.verdict import Level


def walk(domain: str, **records: str) -> TreeWalk:
    """`records` by domain, with `_` for a dot."""
    zone = {(f"_dmarc.{name.replace('_', '.')}", "TXT"): [text] for name, text in records.items()}
    return judged(walk_tree(domain), zone)


def test_the_way_up_has_eight_steps_at_most() -> None:
    assert names_on_the_way("news.quill.test") == ("news.quill.test", "quill.test", "test")
    way = names_on_the_way("a.b.c.d.e.f.g.h.i.j.quill.test")
    assert len(way) == 8
    assert way[1] == "f.g.h.i.j.quill.test"
    assert way[-1] == "test"


@pytest.mark.parametrize(
    ("records", "organizational"),
    [
        ({}, "a.news.quill.test"),
        ({"quill_test": "v=DMARC1; p=none"}, "quill.test"),
        ({"quill_test": "v=DMARC1; p=none", "news_quill_test": "v=DMARC1; p=reject"}, "quill.test"),
        ({"quill_test": "v=DMARC1; p=none", "news_quill_test": "v=DMARC1; p=reject; psd=n"}, "news.quill.test"),
        ({"test": "v=DMARC1; p=none; psd=y"}, "quill.test"),
        ({"quill_test": "v=DMARC1; p=none; psd=y"}, "news.quill.test"),
        ({"a_news_quill_test": "v=DMARC1; p=none; psd=y"}, "a.news.quill.test"),
        ({"quill_test": "v=DMARC2; p=none", "news_quill_test": "p=none; v=DMARC1"}, "a.news.quill.test"),
    ],
)
def test_the_organizational_domain(records: dict[str, str], organizational: str) -> None:
    assert walk("a.news.quill.test", **records).organizational_domain == organizational


@pytest.mark.parametrize(
    ("records", "level", "said"),
    [
        ({}, Level.RED, "no DMARC record"),
        ({"news_quill_test": "v=DMARC1; p=quarantine; rua=mailto:d@quill.test"}, Level.GREEN, "p=quarantine"),
        ({"quill_test": "v=DMARC1; p=reject; sp=none"}, Level.GREEN, "p=none, from _dmarc.quill.test"),
        ({"quill_test": "v=DMARC1; p=reject"}, Level.GREEN, "p=reject, from _dmarc.quill.test"),
        ({"news_quill_test": "v=DMARC1; p=strict"}, Level.RED, "no valid p="),
        ({"news_quill_test": "v=DMARC1; rua=mailto:d@quill.test"}, Level.GREEN, "p=none"),
        ({"news_quill_test": "v=DMARC1; p=none; pct=50; t=y"}, Level.GREEN, "pct no longer counts"),
        ({"test": "v=DMARC1; p=reject; psd=y"}, Level.GREEN, "from _dmarc.test"),
        ({"test": "v=DMARC1; p=reject; psd=n"}, Level.GREEN, "from _dmarc.test"),
    ],
)
def test_the_policy(records: dict[str, str], level: Level, said: str) -> None:
    verdict = judge_dmarc(walk("news.quill.test", **records))
    assert verdict.level is level
    assert said in verdict.what


def test_two_records_at_one_name_are_none() -> None:
    zone: Records = {("_dmarc.quill.test", "TXT"): ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}
    verdict = judge_dmarc(judged(walk_tree("quill.test"), zone))
    assert verdict.level is Level.RED
    assert "several" in verdict.what


def test_what_could_not_be_asked_is_yellow() -> None:
    found = judged(walk_tree("quill.test"), {("_dmarc.quill.test", "TXT"): FAILED})
    assert judge_dmarc(found).level is Level.YELLOW
    other = walk("relay.test", relay_test="v=DMARC1; p=none")
    assert judge_alignment(found, other, other).level is Level.YELLOW
    assert judge_alignment(found, found, found).level is Level.GREEN  # one domain, whatever its records say


def test_a_domain_s_own_record_counts_though_one_above_could_not_be_asked() -> None:
    zone: Records = {("_dmarc.quill.test", "TXT"): ["v=DMARC1; p=reject"], ("_dmarc.test", "TXT"): FAILED}
    assert judge_dmarc(judged(walk_tree("quill.test"), zone)).level is Level.GREEN


@pytest.mark.parametrize(
    ("policy", "envelope", "signer", "level"),
    [
        ("p=none", "quill.test", "quill.test", Level.GREEN),
        ("p=none", "bounces.relay.test", "quill.test", Level.GREEN),
        ("p=none", "mail.quill.test", None, Level.YELLOW),
        ("p=none", "bounces.relay.test", None, Level.YELLOW),
        ("p=none", "quill.test", "relay.test", Level.YELLOW),
        ("p=none", "bounces.relay.test", "relay.test", Level.RED),
        ("p=none; adkim=s", "bounces.relay.test", "quill.test", Level.RED),
        ("p=none; adkim=s; aspf=s", "news.quill.test", "news.quill.test", Level.GREEN),
        ("p=none; adkim=s", "quill.test", "quill.test", Level.YELLOW),
    ],
)
def test_alignment(policy: str, envelope: str, signer: str | None, level: Level) -> None:
    records = {"quill_test": f"v=DMARC1; {policy}", "relay_test": "v=DMARC1; p=reject"}
    signed = walk(signer, **records) if signer else None
    verdict = judge_alignment(walk("news.quill.test", **records), walk(envelope, **records), signed)
    assert verdict.level is level, verdict.what
