"""A folder of posts, a list, a ledger and an adjustable clock for tests of publishing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from newsletter.config.load import load_config
from newsletter.errors import NewsletterError
from newsletter.ledger.ledger import Ledger
from newsletter.model.column_rules import Rule
from newsletter.model.delivery import Outcome, Relay, State
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.find_due import FoundPost
from newsletter.pipeline.plan_send import Sending
from newsletter.pipeline.publish import PublishReport
from newsletter.pipeline.run_publication import PublishOrder, run_publication
from newsletter.pipeline.send_to_list import Wait

SETTINGS = """\
[newsletter]
name = "Daily"
from = "daily@example.com"

[delivery]
time_zone = "UTC"
connections = 1
"""


class KilledError(BaseException):
    """The simulated kill of a run."""


class _CountingWatcher:
    def __init__(self, on_outcome: Callable[[int], None]) -> None:
        self.answered = 0
        self.on_outcome = on_outcome

    def start(self, total: int) -> None: ...

    def outcome(self, person: Subscriber, outcome: Outcome, relay: Relay) -> None:
        self.answered += 1
        self.on_outcome(self.answered)

    def news(self, text: str) -> None: ...

    def waiting(self, wait: Wait | None) -> None: ...


@dataclass
class Office:
    """The environment of a newsletter: everything that outlives a run is in `folder`."""

    folder: Path
    relay_url: str
    now: datetime = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    settings: str = SETTINGS
    to: tuple[str, ...] = ("list.csv",)
    faults: dict[str, Sequence[str]] = field(default_factory=dict)
    """The errors of the check, by the post's file name."""

    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "posts").mkdir(exist_ok=True)

    @property
    def ledger(self) -> Path:
        return self.folder / "newsletter.db"

    def subscribe(self, *addresses: str) -> None:
        (self.folder / "list.csv").write_text("email\n" + "".join(f"{each}\n" for each in addresses))

    def post(self, name: str, *lines: str, title: str = "", body: str = "News of the day.") -> Path:
        path = self.folder / "posts" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = "\n".join((f"title: {title or name}", *lines))
        path.write_text(f"---\n{head}\n---\n\n{body}\n", "utf-8")
        return path

    def publish(
        self,
        *,
        first: bool = False,
        dry: bool = False,
        max_age: timedelta | None = None,
        columns: Sequence[Rule] = (),
        on_outcome: Callable[[int], None] = lambda number: None,
    ) -> PublishReport:
        """One run at `now`. `on_outcome` gets the number of each message that was answered."""
        (self.folder / "newsletter.toml").write_text(self.settings)
        config = load_config(None, {}, self.folder)
        age = max_age or timedelta(days=config.settings.publish.max_age_days)
        to = tuple(name if name.startswith("@") else str(self.folder / name) for name in self.to)
        order = PublishOrder(
            self.folder / "posts",
            to,
            config.ledger_place,
            age,
            columns=tuple(columns),
            relay_url=self.relay_url,
            first=first,
            dry=dry,
        )
        watcher = _CountingWatcher(on_outcome)

        @contextmanager
        def watch(_: Sending) -> Iterator[_CountingWatcher]:
            yield watcher

        def check(post: FoundPost) -> Sequence[str]:
            return self.faults.get(Path(post.path).name, ())

        return run_publication(
            config, order, now=lambda: self.now, env={}, check=check, watch=watch, warn=self.warnings.extend
        )

    def refused(self, **options: bool) -> str:
        """The error of a run that ends before any post."""
        try:
            report = self.publish(**options)
        except NewsletterError as error:
            return str(error)
        raise AssertionError(decisions(report))


def settle(office: Office, issue: str, arrived: Collection[str]) -> int:
    """What an operator does after a kill: settle the uncertain by what the relay has received."""
    with Ledger.open(office.ledger, lambda: office.now) as ledger:
        ledger.recover(issue)
        unsure = [row.address for row in ledger.rows(issue, State.UNCERTAIN)]
        for address in unsure:
            ledger.resolve(issue, address, State.SENT if address in arrived else State.PENDING)
    return len(unsure)


def decisions(report: PublishReport) -> dict[str, str]:
    """By a post's stem: the decision, or the status of a skipped post."""
    return {
        Path(each.post.path).stem: each.post.status if each.decision == "left alone" else each.decision
        for each in report.posts
    }


def reason(report: PublishReport, stem: str) -> str:
    return next(each.reason for each in report.posts if Path(each.post.path).stem == stem)
