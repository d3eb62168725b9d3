"""Whatever stands in the DNS, the judges come to a verdict with a remedy, and ask no end of questions."""

from __future__ import annotations

from dns_records import judged
from hypothesis import given
from hypothesis import strategies as st

from newsletter.doctor.judge.dmarc import judge_alignment, judge_dmarc, walk_tree
from newsletter.doctor.judge.mail_hosts import judge_bimi
from newsletter.doctor.judge.spf import judge_spf
from newsletter.doctor.verdict import Level, Verdict

DOMAIN = "news.quill.test"
TERMS = st.sampled_from(
    [
        *("a", "mx", "ptr", "all", "-all", "?include:a.test", "include:b.test", "include:", "exists:%{i}.a.test"),
        *(
            "redirect=a.test",
            "redirect=",
            "ip4:1.2.3.4/33",
            "ip6:::/0",
            "a/24//64",
            "mx:/",
            "=",
            "+",
            "include:A.TEST.",
        ),
        *("a:%{d}/x", "exp=x", "ü", "\x1b[2J", "include:" + "x" * 80),
    ]
)
SPF = st.lists(TERMS, max_size=14).map(lambda terms: " ".join(["v=spf1", *terms]))
TAGS = st.sampled_from(
    ["p=none", "p=", "p=REJECT", "sp=x", "psd=y", "psd=n", "psd=u", "rua=mailto:x@y.test", "=", ";", "t=y", "ü=\x9b"]
)
DMARC = st.lists(TAGS, max_size=6).map(lambda tags: ";".join(["v=DMARC1", *tags]))


def is_whole(verdict: Verdict) -> bool:
    return bool(verdict.what) and (verdict.level is Level.GREEN or bool(verdict.remedy))


@given(SPF, SPF, st.lists(SPF | st.text(), max_size=2))
def test_spf(record: str, other: str, more: list[str]) -> None:
    zone = {(DOMAIN, "TXT"): [record], ("a.test", "TXT"): [other], ("b.test", "TXT"): [record, *more]}
    verdicts = judged(judge_spf(DOMAIN), zone)
    assert {verdict.code for verdict in verdicts} == {"spf", "spf-lookups"}
    assert all(map(is_whole, verdicts))


@given(st.dictionaries(st.sampled_from([DOMAIN, "quill.test", "test"]), st.lists(DMARC | st.text(), max_size=2)))
def test_dmarc(records: dict[str, list[str]]) -> None:
    zone = {(f"_dmarc.{name}", "TXT"): texts for name, texts in records.items()}
    walk = judged(walk_tree(DOMAIN), zone)
    assert DOMAIN.endswith(walk.organizational_domain)
    other = judged(walk_tree("relay.test"), zone)
    assert is_whole(judge_dmarc(walk))
    assert is_whole(judge_alignment(walk, other, None))
    assert is_whole(judged(judge_bimi(walk), {(f"default._bimi.{DOMAIN}", "TXT"): [*records.get(DOMAIN, [])]}))
