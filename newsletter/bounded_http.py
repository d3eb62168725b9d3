"""Read the answer of a web address with limits on its bytes and on the whole time.

httpx limits each read alone: a server that sends a byte now and then would hold the program for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import httpx


class TooLongError(OSError):
    """The body has more bytes than were allowed."""


def fetch_into(
    out: BinaryIO,
    url: httpx.URL | str,
    *,
    headers: Mapping[str, str] | None = None,
    max_bytes: int,
    read_s: float,
    total_s: float,
) -> int:
    """Write the body of an answer with status 200 to `out`; returns the status. Redirects are not followed.

    `read_s` limits each step, `total_s` all of them. Raises httpx.HTTPError, TooLongError, TimeoutError. Not for use
    inside a running event loop.
    """
    import httpx

    async def fetch() -> int:
        async with (
            asyncio.timeout(total_s),
            httpx.AsyncClient(timeout=read_s, follow_redirects=False) as client,
            client.stream("GET", url, headers=dict(headers or {})) as answer,
        ):
            length = 0
            # Security: an answer of another status is not read, and what a body is decompressed to counts.
            if answer.status_code == 200:
                async for piece in answer.aiter_bytes():
                    length += len(piece)
                    if length > max_bytes:
                        raise TooLongError(f"longer than {max_bytes:,} bytes")
                    out.write(piece)
            return answer.status_code

    return asyncio.run(fetch())
