"""Exports of a hundred services: who stays is mailed, who left is not, what is not understood stops a send."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from cases import Case, parametrize, read_cases

from newsletter.audience.audience import Audience
from newsletter.audience.lists.rows import open_list


@parametrize("exports")
def test_who_stays_is_mailed_and_who_left_is_not(tmp_path: Path, case: Case) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"{case.source}\n", encoding="utf-8")
    with open_list(path) as listing, Audience(listing.columns, listing.rows) as audience:
        mailed = {each.email for each in audience}
        stops = [f"stops {column.name}" for column in audience.unclear]
        excluded = {why: count for why, count in audience.excluded.items() if not why.startswith("unclear")}
    expected = [line.partition(" ") for line in case.expected.split("\n") if line]
    stay = set(re.findall(r"stay\d@example\.com", case.source))
    assert stops == [" ".join((who, why)) for who, _, why in expected if who == "stops"]
    assert excluded == Counter(why for who, _, why in expected if who != "stops")
    assert mailed <= stay
    assert mailed == stay or stops


def test_every_person_of_an_export_is_expected_somewhere() -> None:
    for case in read_cases("exports"):
        gone = set(re.findall(r"(gone\d)@example\.com", case.source))
        named = {line.partition(" ")[0] for line in case.expected.split("\n") if line}
        assert "stops" in named or named == gone, case.title
