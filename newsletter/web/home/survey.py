"""Put the home's overview together from the folder, newsletter.toml and the ledger; what did not change is not read."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from time import monotonic, thread_time
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import quote

from newsletter.check.check_post import check_post
from newsletter.doctor.examine import World, examine
from newsletter.doctor.verdict import Level, Verdict
from newsletter.errors import NewsletterError
from newsletter.files import is_there
from newsletter.frozen import frozen
from newsletter.model.archive_address import issue_path
from newsletter.model.moments import zone_name
from newsletter.pipeline.find_due import FoundPost, is_archived, post_files, posts_place, wanted_place
from newsletter.pipeline.ledger_numbers import ledger_mark
from newsletter.pipeline.post_states import KnownIssues, PostState, state_of
from newsletter.pipeline.publish import Published, PublishReport
from newsletter.pipeline.read_post_facts import PostFactsReader, guess
from newsletter.pipeline.render_post import zone_of
from newsletter.pipeline.run_publication import PublishOrder, run_publication
from newsletter.web.home.ledger_numbers import LedgerNumbers, growth_plot, last_send, read_numbers
from newsletter.web.home.overview import LastSend, NextIssue, Overview, PostRow, row_of, sort_rows

if TYPE_CHECKING:
    from newsletter.config.config import Config

T = TypeVar("T")

AT_ONCE = 120
"""Posts that are read before the page is shown; the others are read behind it."""

MUCH_S = 0.5
REST = 20
"""What took more processor time than this because of the ledger alone is done again after so many times that time."""

FAR_LEDGER_S = 15
"""How long the numbers of a ledger on a server are shown without asking it again."""


@frozen
class Inputs:
    """What the command gave: the folder or None for the configured one, and the lists."""

    load: Callable[[], Config]
    folder: Path | None
    to: tuple[str, ...] = ()


class Survey:
    """Reads overviews. Every method may be called from any thread; they wait for each other."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._facts = PostFactsReader()
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._config: Config | None = None

    def mark(self, now: datetime) -> object:
        """A value that changes when an overview would."""
        minute = now.replace(second=0, microsecond=0)
        try:
            config = self._inputs.load()
            files = [(path, _mark(path)) for path in self._files(config)[1]]
            return minute, config.text, hash(tuple(files)), ledger_mark(config.ledger_place)
        except NewsletterError as error:
            return minute, str(error)

    def read(self, now: datetime, most: int | None = AT_ONCE) -> Overview:
        """The overview of this moment. At most so many posts are read anew; None sets no limit."""
        with self._lock:
            fault = ""
            try:
                self._config = self._inputs.load()
            except NewsletterError as error:
                fault = str(error)
            if self._config is None:
                return Overview(now, folder=str(self._inputs.folder or ""), fault=fault)
            try:
                return replace(self._read(self._config, now, most), fault=fault)
            except NewsletterError as error:
                said = "\n".join(filter(None, (fault, str(error))))
                return Overview(now, name=self._config.settings.newsletter.name, fault=said)

    def config(self) -> Config:
        """The configuration as it is now. Raises ConfigError."""
        return self._inputs.load()

    def _files(self, config: Config) -> tuple[Path, list[Path]]:
        folder = wanted_place(config, self._inputs.folder)
        is_named = self._inputs.folder is not None or config.settings.publish.posts
        if not is_named and not is_there(folder):
            return folder, []  # `newsletter new` will make it
        return folder, list(post_files(posts_place(config, folder)))

    def _read(self, config: Config, now: datetime, most: int | None) -> Overview:
        folder, files = self._files(config)
        files.sort(key=lambda path: path.name, reverse=True)  # the newest are read first, where names have dates
        inside = [path for path in files if _is_inside(path, folder)]
        zone = zone_of(config)
        numbers = self._numbers(config, zone, now)
        age = timedelta(days=config.settings.publish.max_age_days)
        known = KnownIssues.of(numbers.issues)
        rows, old = [], set()
        for facts in self._facts.read(inside, config, most):
            if facts.head.date is not None and is_archived(facts.head.date, now - age):
                old.add(Path(facts.path))
            state = state_of(facts, known, now=now, max_age=age, zone=zone, list_id=config.sample_sender.list_id)
            rows.append(_with_links(row_of(facts, folder, state), config, known))
        report, fault = self._publication(config, folder, set(inside) - old, age, now)
        rows = _with_publication(rows, report)
        rows += _outside(files, inside, folder)
        listed = sort_rows(rows)
        first = _next_of(listed, report, now)
        plot, words = growth_plot(numbers, zone)
        return Overview(
            made=now,
            name=config.settings.newsletter.name if "name" in config.settings.newsletter.given else "",
            folder=near(folder),
            rows=listed,
            next=first,
            others=_others(report, first, folder) if report is not None else tuple(filter(None, (fault,))),
            alerts=self._alerts(config, now),
            last=_with_key(last_send(numbers.issues, zone), listed),
            growth=plot,
            growth_words=words,
            has_ledger=numbers.exists,
            archive=_archive_of(config),
            unread=sum(row.is_guess for row in listed),
            by_key={row.key: row for row in listed},
            issues=frozenset(known.by_name),
        )

    def _numbers(self, config: Config, zone: tzinfo | None, now: datetime) -> LedgerNumbers:
        mark = ledger_mark(config.ledger_place) or int(now.timestamp()) // FAR_LEDGER_S
        return self._once("ledger", config.text, mark, lambda: read_numbers(config, zone, now))

    def _publication(
        self, config: Config, folder: Path, files: Set[Path], age: timedelta, now: datetime
    ) -> tuple[PublishReport | None, str]:
        """What `publish --dry-run` says, or why it would not begin."""
        if not is_there(folder):
            return None, ""
        order = PublishOrder(folder, self._inputs.to, config.ledger_place, age, dry=True)
        minute = now.replace(second=0, microsecond=0)
        marks = frozenset((path, _mark(path)) for path in files)
        key = (config.text, dict(config.env), minute, marks)

        def check(post: FoundPost) -> Sequence[str]:
            checked = check_post(post.path, config, when=now)
            return [found.at(post.path) for found in checked.findings if found.severity == "error"]

        def run() -> tuple[PublishReport | None, str]:
            try:
                report = run_publication(
                    config,
                    order,
                    now=lambda: now,
                    env=config.env,
                    check=check,
                    watch=_unwatched,
                    warn=lambda sentences: None,
                    is_known_old=lambda path: path not in files,
                )
            except NewsletterError as error:
                return None, str(error)
            return report, ""

        return self._once("publication", key, ledger_mark(config.ledger_place), run)

    def _alerts(self, config: Config, now: datetime) -> tuple[Verdict, ...]:
        """What the doctor finds without a network: the yellow and the red."""
        key = (config.text, dict(config.env), now.replace(minute=0, second=0, microsecond=0))
        mark = ledger_mark(config.ledger_place)
        found = self._once("alerts", key, mark, lambda: self._examined(config, now, offline=True))
        return tuple(each for each in found if each.level is not Level.GREEN)

    def examine(self, now: datetime) -> tuple[Verdict, ...]:
        """All that the doctor finds, with the network. Raises ConfigError."""
        return self._examined(self._inputs.load(), now, offline=False)

    def _examined(self, config: Config, now: datetime, *, offline: bool) -> tuple[Verdict, ...]:
        local = datetime.now().astimezone()
        zone = f"{local.tzname()} (UTC{local:%z})"
        world = World(offline=offline, clock=lambda: now, machine=socket.gethostname(), machine_zone=zone)
        return examine(config, config.env, world)

    def _once(self, name: str, key: object, ledger: object, work: Callable[[], T]) -> T:
        """What the work gave for this key and state of the ledger, done again only for another one.

        During a send the ledger changes all the time: what was much work is not done for each of its states.
        """
        before = self._kept.get(name)
        if before is not None and before.key == key:
            cools = before.cost_s > MUCH_S and monotonic() < before.at + before.cost_s * REST
            if before.ledger == ledger or cools:
                kept: T = before.value
                return kept
        begun = thread_time()
        value = work()
        self._kept[name] = _Kept(key, ledger, value, thread_time() - begun, monotonic())
        return value


@frozen
class _Kept:
    key: object
    ledger: object
    value: Any
    cost_s: float
    at: float


def _unwatched(_: object) -> NoReturn:
    raise AssertionError("a dry run sends nothing")


# --- rows -----------------------------------------------------------------------------------------------------------


def _is_inside(path: Path, folder: Path) -> bool:
    # Security: a link in the folder leads to nothing outside of it, neither to a preview nor to a send.
    return not path.is_symlink() or Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _outside(files: Sequence[Path], inside: Sequence[Path], folder: Path) -> list[PostRow]:
    """Links out of the folder, which are named and not opened."""
    words = "a link out of the folder; name the file it leads to: newsletter preview POST"
    kept = set(inside)
    heads = [guess(path) for path in files if path not in kept]
    return [replace(row_of(head, folder, PostState("broken", words)), is_outside=True) for head in heads]


def _with_links(row: PostRow, config: Config, known: KnownIssues) -> PostRow:
    issue = row.state.issue
    if not issue or issue not in known.by_name:
        return row
    archived = f"/archive/{quote(issue_path(issue))}" if _is_archived(config, issue) else ""
    return replace(row, report=f"/report/{quote(issue, safe='')}", archived=archived)


def _is_archived(config: Config, issue: str) -> bool:
    folder = config.archive_folder
    return folder is not None and (folder / issue_path(issue)).is_file()


def _with_publication(rows: Iterable[PostRow], report: PublishReport | None) -> list[PostRow]:
    """The rows with what `publish` says of them: it reads the whole post, and finds what the rows do not know."""
    by_path = {each.post.path: each for each in report.posts} if report is not None else {}
    return [_as_published(row, by_path.get(str(row.path))) for row in rows]


def _as_published(row: PostRow, published: Published | None) -> PostRow:
    if published is None:
        return row
    says = _without_path(published.reason, published.post.path)
    if published.post.status == "unreadable" and not row.state.sent:
        return replace(row, state=PostState("broken", says))
    is_news = published.decision != "left alone"
    title = published.post.title or row.title
    return replace(row, title=title, says=says if is_news else "")


def _without_path(sentence: str, path: str) -> str:
    """A sentence about a post, beside the post's name: with the line alone."""
    return "\n".join(
        re.sub(r"^:(?=\d)", "line ", line.removeprefix(path)).removeprefix(": ") if line.startswith(path) else line
        for line in sentence.split("\n")
    )


def _others(report: PublishReport, first: NextIssue | None, folder: Path) -> tuple[str, ...]:
    """The news of the run but of the post that stands above them."""
    path = str(first.row.path) if first is not None else ""
    news = [each for each in report.posts if each.decision != "left alone" and each.post.path != path]
    return tuple(_news_of(each, folder) for each in news)


def _news_of(published: Published, folder: Path) -> str:
    name = os.path.relpath(published.post.path, folder)
    return f"{name}: {_without_path(published.reason, published.post.path)}"


def _next_of(rows: Sequence[PostRow], report: PublishReport | None, now: datetime) -> NextIssue | None:
    """What goes out now, or next: the first of the posts that a run would send, else the first to come."""
    if report is None:
        return None
    by_path = {str(row.path): row for row in rows}
    found = [
        (_moment_of(each, now) or now, each)
        for each in report.posts
        if (each.decision in ("due", "early", "late") or each.post.status in ("future", "due", "begun"))
        and each.post.path in by_path
    ]
    if not found:
        return None
    moment, first = min(found, key=lambda pair: pair[0])
    row = by_path[first.post.path]
    window = first.post.window
    is_limited = window.opens is not None or window.closes is not None
    zone = zone_name(moment.astimezone(window.zone)) if is_limited else ""
    said = f"{window} {zone}" if is_limited else ""
    return NextIssue(row, moment if moment > now else None, said, _without_path(first.reason, first.post.path))


def _moment_of(published: Published, now: datetime) -> datetime | None:
    """When it goes out; None for now."""
    post = published.post
    if published.decision in ("early", "late"):
        return post.window.next_opening(now)
    if post.status == "future" and post.since is not None:
        local = post.since.astimezone(post.window.zone)
        return local if post.window.place(local, post.since) == "open" else post.window.next_opening(local)
    return None


def _with_key(last: LastSend | None, rows: Sequence[PostRow]) -> LastSend | None:
    key = next((row.key for row in rows if last is not None and row.state.issue == last.issue), "")
    return replace(last, key=key) if last is not None else None


def _archive_of(config: Config) -> str:
    """Where the archive is: its files on this machine, else on the web; empty without either."""
    folder = config.archive_folder
    if folder is not None and (folder / "index.html").is_file():
        return "/archive/"
    return config.archive_url


def near(path: Path | str) -> str:
    """A path as a person would write it: from the working directory if it is in there, else from the home."""
    inside = os.path.relpath(path)
    if not inside.startswith(os.pardir):
        return inside
    home = os.path.expanduser("~")  # noqa: PTH111 - which fails for nobody
    text = str(path)
    return f"~{text[len(home) :]}" if home != "/" and text.startswith(f"{home}/") else text


def _mark(path: Path) -> tuple[int, int]:
    try:
        stat = os.stat(path)  # noqa: PTH116 - a thousand at once
    except (OSError, ValueError):
        return 0, 0
    return stat.st_mtime_ns, stat.st_size
