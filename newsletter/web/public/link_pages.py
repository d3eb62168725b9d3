"""The addresses of counted links: each leads on to where the issue's author meant it to, and to nowhere else.

Whoever follows one gets no cookie, and its address has no subscriber in it. The answer never waits for the counting.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from newsletter.audience.people.records import Unsubscription
from newsletter.errors import NewsletterError
from newsletter.group_commit import GroupCommit
from newsletter.ledger.database.timestamps import time_of
from newsletter.text import printable
from newsletter.web.public.click_counter import ClickCounter, is_program
from newsletter.web.public.membership import Membership
from newsletter.web.public.rate_limit import network_of

WRITE_EVERY_S = 5.0
_MAX_CODE_CHARS = 40

log = logging.getLogger("newsletter.web")


class LinkPages:
    def __init__(
        self,
        membership: Membership,
        commits: GroupCommit[Unsubscription, int],
        clock: Callable[[], datetime],
        *,
        counts: bool,
    ) -> None:
        """Without `counts` it leads on only: links stand in mails that were sent long ago."""
        self._membership = membership
        self._commits = commits
        self._clock = clock
        self._counts = counts
        self._counter = ClickCounter(secrets.token_bytes(32))

    async def follow(self, request: Request) -> Response:
        """Lead on. Raises HTTPException for a code that stands in no issue."""
        code = request.path_params["code"]
        if len(code) > _MAX_CODE_CHARS:
            raise HTTPException(404)
        link = await self._commits.call(partial(self._membership.counted_link, code))
        # Security: no open redirect; only what an issue was sent with is known, and only the web is led to.
        if link is None or urlsplit(link.address).scheme.lower() not in ("http", "https"):
            raise HTTPException(404)
        headers = {"location": quote(link.address, safe="%/:=&?~#+!$,;'@()*[]"), "cache-control": "no-store"}
        agent, purpose = request.headers.get("user-agent", ""), self._purpose(request)
        is_read = self._counts and request.method == "GET"
        if is_read and link.first_sent is not None and not is_program(agent, purpose):
            now = self._clock()
            self._counter.note(
                code,
                network_of(request.client.host if request.client else ""),
                now.timestamp(),
                sent_s_ago=(now - time_of(link.first_sent)).total_seconds(),
                while_sending=link.is_going_out,
            )
        return Response(status_code=302, headers=headers)

    def _purpose(self, request: Request) -> str:
        return " ".join(request.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz"))

    async def run(self) -> None:
        """Write what counts, every few seconds."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self.write()

    async def write(self, *, all_held: bool = False) -> None:
        """Totals that cannot be written now are lost, and the log says why; the pages go on."""
        clicks = self._counter.take(self._clock().timestamp(), all_held=all_held)
        try:
            if clicks:
                await self._commits.call(partial(self._membership.count_clicks, clicks))
        except NewsletterError as error:
            log.error("clicks were not counted: %s", printable(str(error)))  # noqa: TRY400 - the sentence says it all
