"""Send the mail of `newsletter serve` that waits, once: where the server that took the sign-ups has died."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from newsletter.audience.people.store import People
from newsletter.config.config import Config, RelaySettings
from newsletter.errors import BusyError
from newsletter.group_commit import GroupCommit
from newsletter.model.delivery import Outcome, State
from newsletter.pipeline.mail_queue import MailQueue, Postman
from newsletter.pipeline.series import wait_s
from newsletter.web.public.appearance import read_appearance
from newsletter.web.public.confirmation_mail import ConfirmationMails
from newsletter.web.public.membership import Membership
from newsletter.web.public.service import require_relay


def send_waiting_letters(
    config: Config,
    place: Path | str,
    relay_of: Callable[[], RelaySettings],
    clock: Callable[[], datetime],
    *,
    longest_wait_s: float,
    is_ending: Callable[[], bool],
) -> Mapping[State, int]:
    """Send what is due; what cannot go out now waits. Nothing while a server runs, which sends it itself.

    Raises ConfigError, LedgerError.
    """
    outcomes: Counter[State] = Counter()

    def told(outcome: Outcome) -> None:
        outcomes[outcome.state] += 1

    with People.open(place, clock, config.secrets) as people:
        mails = ConfirmationMails(config, read_appearance(config).words)
        membership = Membership(config, people, mails, url=config.settings.serve.url, clock=clock)
        if membership.letters.is_at_rest():
            return outcomes
        postman = Postman(require_relay(config, relay_of()), membership.letter, clock, wait_s, told=told)

        async def drain() -> None:
            with closing(GroupCommit[None, None](lambda items: None, in_thread=True)) as store:
                queue = MailQueue(membership.letters, store, postman)
                await queue.drain(longest_wait_s=longest_wait_s, is_ending=is_ending)

        with suppress(BusyError):
            asyncio.run(drain())
    return outcomes
