"""Feedback pages (thumbs up or down): the link asks, a button counts.

The link alone counts nothing, since mail scanners open every link.
"""

from __future__ import annotations

from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from newsletter.audience.people.records import Unsubscription
from newsletter.group_commit import GroupCommit
from newsletter.web.public.membership import Membership
from newsletter.web.public.page_writer import PageWriter
from newsletter.web.public.request_origin import is_foreign

ANSWERS = ("up", "down")


class FeedbackPages:
    def __init__(self, membership: Membership, writer: PageWriter, commits: GroupCommit[Unsubscription, int]) -> None:
        self._membership = membership
        self._writer = writer
        self._commits = commits

    async def vote(self, request: Request) -> Response:
        """Raises HTTPException for an unknown answer, or an issue that was not sent."""
        issue, answer = request.path_params["issue"], request.path_params["answer"]
        if answer not in ANSWERS:
            raise HTTPException(404)
        if request.method != "POST" or is_foreign(request, self._membership.url):
            answers = sorted(ANSWERS, key=lambda each: each != answer)
            return self._writer.page(request, "vote.html.j2", answers=answers)
        if not await self._commits.call(partial(self._membership.count_answer, issue, answer)):
            raise HTTPException(404)
        return self._writer.notice(request, "thanks_title", "thanks_text")
