"""The address of a ledger in PostgreSQL, with the password that is not part of it."""

from __future__ import annotations


class LedgerUrl(str):
    """A URL as text; its password is for the connection alone, and in no message."""

    password: str = ""

    @classmethod
    def of(cls, url: str, password: str) -> LedgerUrl:
        made = cls(url)
        made.password = password
        return made
