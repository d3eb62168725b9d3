"""A month of a daily that nobody watches: cron is early, late, missing and doubled, runners die, a disk is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from invariants import Arrived
from publishing import SETTINGS, KilledError, Office, decisions, settle
from sink import smtp_sink

from newsletter.errors import ConfigError
from newsletter.ledger.backup import back_up, restore
from newsletter.pipeline.publish import PublishReport

MONTH = SETTINGS + (
    '\n[publish]\nsend_at = "08:00"\nlatest = "12:00"\nmax_age_days = 3\n\n[ledger]\nexpect = "sent.json"\n'
)
READERS = tuple(f"reader{number}@example.com" for number in range(1, 6))
USUAL = ("08:10",)
CRON = {
    3: ("07:20", "08:40"),  # early, then in time
    5: ("11:55",),  # late, and just in time
    7: ("12:30",),  # too late: the day after makes up for it
    10: (),  # it never fired
    11: (),
    14: ("08:10", "08:11"),  # fired twice
    20: ("08:10", "09:10", "10:10", "20:00"),
}
KILLED = (17, 26)
LOST = 23


def test_a_month_that_nobody_watches(tmp_path: Path) -> None:
    with smtp_sink() as sink:
        office = Office(tmp_path, sink.url, settings=MONTH)
        office.subscribe(*READERS)
        story: list[str] = []
        for day in range(1, 32):
            office.post(f"2026-03-{day:02}-daily", title=f"The news of day {day}")
            for clock in CRON.get(day, USUAL):
                office.now = datetime.combine(datetime(2026, 3, day).date(), time.fromisoformat(clock), UTC)
                if day == LOST:
                    office.ledger.unlink()
                    story.append(f"{day} {clock} lost: {lost_and_restored(office)}")
                if day in KILLED:
                    story.append(f"{day} {clock} killed, {killed(office, day, sink.settled)} uncertain")
                report = office.publish(first=day == 1)
                today = {stem[8:10]: word for stem, word in decisions(report).items() if word not in ("sent", "old")}
                gone = [stem[8:10] for stem in sent_by(report)]
                story.append(
                    f"{day} {clock} exit {report.exit_code} sent {','.join(gone) or '-'} {today or ''}".strip()
                )
            back_up(office.ledger, tmp_path / "backup" / "newsletter.db", office.now)
        arrived = Counter((message.recipient, message.message_id) for message in sink.settled())
        issues = Counter(message.recipient for message in sink.settled())
    assert set(arrived.values()) == {1}, story
    assert issues == dict.fromkeys(READERS, 31), story
    told = "\n".join(story)
    assert "3 07:20 exit 0 sent - {'03': 'early'}" in told
    assert "7 12:30 exit 3 sent - {'07': 'late'}" in told
    assert "8 08:10 exit 0 sent 07,08" in told
    assert "12 08:10 exit 0 sent 10,11,12" in told
    assert "14 08:11 exit 0 sent -" in told
    assert "20 20:00 exit 0 sent -" in told
    assert "23 08:10 lost: the ledger does not know the issue" in told


def sent_by(report: PublishReport) -> list[str]:
    return [Path(each.post.path).stem for each in report.posts if each.decision == "sent"]


def killed(office: Office, day: int, settled: Callable[[], Sequence[Arrived]]) -> int:
    """A run that dies after its second message; a person looks at the relay, and settles what nobody can know."""

    def die(number: int) -> None:
        if number == 2:
            raise KilledError

    with pytest.raises(KilledError):
        office.publish(on_outcome=die)
    issue = f"2026-03-{day:02}-daily"
    # The sink has the last day's as well: whom it has seen once more than days went by has this issue.
    seen = Counter(message.recipient for message in settled())
    return settle(office, issue, {address for address in READERS if seen[address] == day})


def lost_and_restored(office: Office) -> str:
    """The run finds out before it mails anybody; the backup of the evening before is put back."""
    with pytest.raises(ConfigError) as caught:
        office.publish()
    restore(office.folder / "backup" / "newsletter.db", office.ledger, office.now)
    office.now += timedelta(minutes=5)
    return str(caught.value).partition(": ")[2]
