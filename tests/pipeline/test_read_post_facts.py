"""What is read of posts above their text: once for each change, and of the same opinion as `publish`."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from home_server import SETTINGS, Newsletter

from newsletter.config.load import load_config
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import State
from newsletter.pipeline.find_due import find_due
from newsletter.pipeline.ledger_numbers import read_known_issues
from newsletter.pipeline.post_states import KnownIssues, state_of
from newsletter.pipeline.read_post_facts import PostFactsReader

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
AGE = timedelta(days=3)


def test_a_post_is_read_again_when_its_file_has_changed_and_not_before(tmp_path: Path) -> None:
    letters = Newsletter(tmp_path)
    path = letters.post("2026-03-09-hello", "First")
    config = load_config(None, {}, tmp_path)
    reader = PostFactsReader()
    assert reader.read([path], config)[0].head.title == "First"
    before = path.stat()
    letters.post("2026-03-09-hello", "Again")  # of the same length
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert reader.read([path], config)[0].head.title == "First"
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert reader.read([path], config)[0].head.title == "Again"
    path.unlink()
    assert "there is no such file" in reader.read([path], config)[0].fault


def test_only_so_many_are_read_at_a_time_and_the_rest_is_guessed_by_name(tmp_path: Path) -> None:
    letters = Newsletter(tmp_path)
    paths = [letters.post(f"2026-03-0{number}-some-name", f"Title {number}") for number in range(1, 6)]
    config = load_config(None, {}, tmp_path)
    reader = PostFactsReader()
    found = reader.read(paths, config, most=2)
    assert [each.head.title for each in found] == ["Title 1", "Title 2", "Some Name", "Some Name", "Some Name"]
    assert [each.is_guess for each in found] == [False, False, True, True, True]
    assert found[4].head.date is not None
    assert not any(each.is_guess for each in reader.read(paths, config, most=3))


def test_the_states_are_those_of_publish(tmp_path: Path) -> None:
    letters = Newsletter(tmp_path)
    (tmp_path / "newsletter.toml").write_text(SETTINGS)
    letters.post("2026-03-09-due", "Due")
    letters.post("2026-03-12-future", "Future")
    letters.post("2026-03-09-draft", "Draft", "published: false")
    letters.post("2026-03-04-old", "Old")
    letters.post("named", "Undated")
    letters.post("2026-03-08-sent", "Sent")
    letters.post("2026-03-08-begun", "Begun")
    letters.post("2026-03-08-new-name", "Renamed")
    letters.post("2026-03-09-later", "Later", "date: 2026-03-10 23:00")
    letters.post("2026-03-09-own", "Own", "newsletter:", "  issue: by-its-own-name")
    (letters.posts / "2026-03-09-broken.md").write_text('---\ntitle: "Half\n---\n\nText.\n')
    day = datetime(2026, 3, 8).date()
    letters.send("2026-03-08-sent", "Sent", [State.SENT], day)
    letters.send("2026-03-08-begun", "Begun", [State.SENT, State.DEFERRED], day)
    letters.send("2026-03-08-old-name", "Renamed", [State.SENT], day, "letters.example.com")
    letters.send("by-its-own-name", "Own", [State.SENT], datetime(2026, 3, 9).date())
    config = load_config(None, {}, tmp_path)
    with Ledger.open(tmp_path / "newsletter.db", lambda: NOW) as ledger:
        published = {post.path: post.status for post in find_due(letters.posts, config, ledger, NOW, AGE).posts}
        known = KnownIssues.of(read_known_issues(ledger))
    paths = sorted(letters.posts.glob("*.md"))
    list_id = config.sample_sender.list_id
    states = {
        facts.path: state_of(facts, known, now=NOW, max_age=AGE, zone=UTC, list_id=list_id).kind
        for facts in PostFactsReader().read(paths, config)
    }
    assert states == {path: {"unreadable": "broken"}.get(status, status) for path, status in published.items()}
    assert len(set(states.values())) == 9
