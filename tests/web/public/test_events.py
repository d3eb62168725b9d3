"""[alerts] on_event at the public pages: told of who joined and left, by number, and no page waits for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from web_site import ADA, TOML, Site, running

from newsletter.audience.people.records import SignUpState


def confirmed(site: Site, address: str = ADA) -> None:
    site.people.sign_up(address, source="test", wording="test")
    path = f"/c/{site.link('confirm', address)}"
    assert site.post(path).status == 200
    assert site.post(path).status == 200, "twice is once"
    person = site.people.person(address)
    assert person is not None
    assert person.state is SignUpState.CONFIRMED


def told(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "told.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_who_joins_and_leaves_is_told_by_number(tmp_path: Path) -> None:
    code = "import sys; open('told.jsonl', 'a').write(sys.stdin.read())"
    program = tmp_path / "hook.py"
    program.write_text(code.replace("told.jsonl", str(tmp_path / "told.jsonl")))
    with running(tmp_path, f'{TOML}\n[alerts]\non_event = ["{sys.executable}", "{program}"]\n') as site:
        confirmed(site)
        token = site.link("unsubscribe")
        assert site.one_click(token).status == 200
        assert site.one_click(token).status == 200
    # The service ended, and with it the thread that tells.
    events = [(event["event"], event["count"], event.get("how")) for event in told(tmp_path)]
    assert sorted(events) == [("joined", 1, None), ("left", 1, "click")]
    assert "@" not in (tmp_path / "told.jsonl").read_text()


def test_a_command_that_hangs_holds_no_page(tmp_path: Path) -> None:
    with running(tmp_path, f'{TOML}\n[alerts]\non_event = ["sleep", "600"]\n') as site:
        confirmed(site)
        assert site.one_click(site.link("unsubscribe")).status == 200
        assert site.get("/join").status == 200
