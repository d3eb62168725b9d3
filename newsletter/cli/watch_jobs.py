"""The other jobs of `publish --watch`: read bounces, take collected clicks, back up the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.audience.people.store import People
from newsletter.bounces.outcome import Effect
from newsletter.bounces.process import read_sources
from newsletter.cli.event_hooks import tell_of_bounces, tell_of_departures
from newsletter.config.mail_sections import SECRET_VARIABLE
from newsletter.errors import ConfigError
from newsletter.pipeline.dated_backups import back_up_dated
from newsletter.pipeline.maintain_ledger import back_up
from newsletter.pipeline.rounds import Round
from newsletter.text import counted
from newsletter.web.public.collected_clicks import SYNC_VARIABLE, open_lines, unsubscribe_clicks

if TYPE_CHECKING:
    from newsletter.cli.watch_log import WatchLog
    from newsletter.config.config import Config


@dataclass(slots=True)
class Chores:
    """`load` returns the configuration that the last successful round of publish loaded."""

    load: Callable[[], Config]
    place: Path | str
    log: WatchLog
    now: Callable[[], datetime]

    def bounces(self) -> Round:
        config = self.load()
        every = timedelta(minutes=config.settings.watch.bounces_minutes)
        if not config.settings.bounces.mailbox:
            return Round(every, is_off=True)
        report = read_sources(config, (), config.env, self.now)
        done = {effect.value: count for effect, count in report.effects.items() if count}
        counts = ", ".join(f"{count:,} {effect}" for effect, count in done.items())
        for_people = report.effects[Effect.UNCLEAR] or any(report.effects[each] for each in _DONE)
        text = f"{counted(report.messages, 'message')} read" + (f": {counts}" if counts else "")
        self.log.say("bounces", "read", text, minor=not for_people, messages=report.messages, effects=done)
        self.log.warn(tell_of_bounces(config, report, self.now()), "bounces")
        return Round(every, failure="; ".join(report.faults))

    def sync(self) -> Round:
        config = self.load()
        keys = config.settings.watch
        every = timedelta(minutes=keys.sync_minutes)
        if not keys.sync:
            return Round(every, is_off=True)
        if not config.secrets:
            raise ConfigError(
                "not set, and tokens are read with it", "set it to the one of your sends", path=SECRET_VARIABLE
            )
        source = keys.sync if "://" in keys.sync else str(config.root / keys.sync)
        with (
            People.open(self.place, self.now, config.secrets) as people,
            open_lines(source, config.env.get(SYNC_VARIABLE, "")) as lines,
        ):
            taken = unsubscribe_clicks(lines, people, config.secrets, self.now())
        text = f"{taken.left:,} left, {taken.known:,} were known, {counted(taken.refused, 'line')} refused"
        facts = {"left": taken.left, "known": taken.known, "refused": taken.refused}
        self.log.say("sync", "read", text, minor=not (taken.left or taken.refused), **facts)
        self.log.warn(tell_of_departures(config, taken.left, "one-click", self.now()), "sync")
        return Round(every)

    def backup(self) -> Round:
        config = self.load()
        keys = config.settings.watch
        every = timedelta(hours=keys.backup_hours)
        dated = bool(config.settings.ledger.backups) and isinstance(self.place, Path)
        if not (keys.backup or dated):
            return Round(every, is_off=True)
        if keys.backup:
            self._say_backup(back_up(self.place, config.root / keys.backup, self.now()), keys.backup)
        if dated:
            made = back_up_dated(config, self.place, self.now())
            self._say_backup(made.size, str(Path(config.settings.ledger.backups) / made.path.name))
        return Round(every)

    def _say_backup(self, size: int, file: str) -> None:
        self.log.say("backup", "done", f"{size:,} bytes in {file}", minor=True, file=file, bytes=size)


_DONE = (Effect.SUPPRESSED, Effect.COUNTED)
