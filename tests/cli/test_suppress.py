"""`newsletter subscribers suppress`: from a file, and taking back a slip."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import Run, newsletter

from newsletter.audience.people.records import Reason
from newsletter.audience.people.store import People

SECRET = "a secret of the operator"
ADA, BO = "ada@example.com", "bo@example.com"


def run(folder: Path, *arguments: str) -> Run:
    return newsletter("subscribers", *arguments, cwd=folder, NEWSLETTER_SECRET=SECRET)


def people(folder: Path) -> People:
    return People.open(folder / "newsletter.db", lambda: datetime.now(UTC), [SECRET])


# --- everyone in a file ---------------------------------------------------------------------------------------------


def test_a_list_of_who_left_elsewhere_is_suppressed_whatever_it_says_of_them(tmp_path: Path) -> None:
    rows = "Email Address,Status\nAda@example.com,unsubscribed\nbo@example.com,cleaned\nBO@example.com,subscribed\n"
    (tmp_path / "left.csv").write_text(rows)
    done = run(tmp_path, "suppress", "--from", "left.csv", "--reason", "unsubscribed", "--json")
    assert (done.code, done.json["people"], done.json["new"], done.json["invalid"]) == (0, 2, 2, [])
    again = run(tmp_path, "suppress", "--from", "left.csv", "--reason", "unsubscribed")
    assert again.out == "left.csv: 2 addresses, 0 of them not mailed any more, 2 were not already\n"
    told = run(tmp_path, "suppressed", "--json").json["suppressed"]
    assert [(each["address"], each["reason"], each["detail"]) for each in told] == [
        (ADA, "unsubscribed", "from left.csv"),
        (BO, "unsubscribed", "from left.csv"),
    ]


def test_an_address_a_line_is_a_list_and_what_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "left.txt").write_text("ada@example.com\nbo at example.com\nbo@example.com\n")
    done = run(tmp_path, "suppress", "--from", "left.txt", "--detail", "asked by letter")
    assert done.code == 1
    assert "left.txt:2: 'bo at example.com'" in done.err
    assert done.out == "left.txt: 2 addresses, 2 of them not mailed any more, 0 were not already\n"
    with people(tmp_path) as store:
        assert [row.detail for row in store.suppressed()] == ["asked by letter"] * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "there is no address; write name@example.com, or --from FILE"),
        (("a@example.com", "--from", "left.txt"), "there are addresses and --from; give the one or the other"),
        (("--from", "none.csv"), "none.csv"),
        (("a@example.com", "--reason", "because"), "--reason 'because' is none; write one of: manual, unsubscribed"),
        (("a@example.com", "--undo"), "--undo needs a reason"),
        (("ada", "--undo", "--reason", "a slip"), "'ada' is not an email address"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "left.txt").write_text("ada@example.com\n")
    refused = run(tmp_path, "suppress", *arguments)
    assert refused.code == 2
    assert words in refused.err
    assert "Traceback" not in refused.err


# --- one's own slip -------------------------------------------------------------------------------------------------


def test_a_slip_is_taken_back_and_its_reason_is_kept(tmp_path: Path) -> None:
    run(tmp_path, "suppress", ADA)
    done = run(tmp_path, "suppress", "--undo", ADA, "--reason", "I meant another Ada")
    assert (done.code, done.out) == (0, f"{ADA}: mailed again\n")
    with people(tmp_path) as store:
        assert not store.is_suppressed(ADA)
    (consent,) = run(tmp_path, "show", ADA, "--json").json["consents"]
    assert (consent["kind"], consent["wording"]) == ("lifted", "I meant another Ada")


@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.MANUAL])
def test_what_a_person_or_a_server_said_is_not_taken_back(tmp_path: Path, reason: Reason) -> None:
    with people(tmp_path) as store:
        store.suppress(ADA, reason)
        store.suppress(BO, reason)
        store.suppress(BO, Reason.MANUAL)
    refused = run(tmp_path, "suppress", "--undo", ADA, "--reason", "please")
    assert refused.code == 1
    assert f"nothing was entered by hand: {reason}; only the person can come back, by signing up" in refused.err
    done = run(tmp_path, "suppress", "--undo", BO, "--reason", "please", "--json")
    assert done.json["undone"] == [{"address": BO, "lifted": True, "still": [reason]}]
    with people(tmp_path) as store:
        assert store.is_suppressed(ADA)
        assert store.is_suppressed(BO)


def test_who_was_forgotten_stays_so(tmp_path: Path) -> None:
    run(tmp_path, "suppress", ADA)
    run(tmp_path, "forget", ADA, "--yes")
    assert run(tmp_path, "suppress", "--undo", ADA, "--reason", "a slip").code == 1
    with people(tmp_path) as store:
        assert store.is_suppressed(ADA)


def test_the_wrong_file_is_taken_back(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(f"email\n{ADA}\n{BO}\n")
    run(tmp_path, "suppress", "--from", "all.csv")
    done = run(tmp_path, "suppress", "--undo", "--from", "all.csv", "--reason", "the wrong file", "--json")
    assert (done.code, [each["lifted"] for each in done.json["undone"]]) == (0, [True, True])
    assert run(tmp_path, "suppressed", "--json").json["people"] == 0
