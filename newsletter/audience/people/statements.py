"""SQL statements that more than one operation of the store uses."""

from __future__ import annotations

import sqlalchemy as sa

SUPPRESS = sa.text(
    """
    INSERT INTO suppressions (key, reason, at, issue, detail) VALUES (:key, :reason, :at, :issue, :detail)
    ON CONFLICT (key, reason) DO NOTHING
    """
)


ASKED = sa.text(
    """
    INSERT INTO people (key, address, state, created, lang, fields)
    VALUES (:key, :address, 'pending', :now, :lang, :fields)
    ON CONFLICT (key) DO UPDATE
    SET address = excluded.address, state = 'pending', lang = excluded.lang, fields = excluded.fields
    """
)


FIRST_LISTS = sa.text("INSERT INTO preferences (key, lists) VALUES (:key, :lists) ON CONFLICT (key) DO NOTHING")


PREFER = sa.text(
    """
    INSERT INTO preferences (key, lists, paused_until, frequency) VALUES (:key, :lists, :paused_until, :frequency)
    ON CONFLICT (key) DO UPDATE
    SET lists = excluded.lists, paused_until = excluded.paused_until, frequency = excluded.frequency
    """
)
