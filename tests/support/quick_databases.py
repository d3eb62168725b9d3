"""Databases that cost a test little: statements are compiled once a process, and nothing is flushed to the disk.

SQLAlchemy compiles a statement once for each engine. A test opens a new database, or several, and would spend a third
of its time on the same fifty statements, a command that is forked for it as much again: the forks have what was
compiled before. And a test kills processes, never the machine: it would wait for the disk for nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import MutableMapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

FLUSHES = False
"""Set by a test of what is on the disk."""


class CompiledStatements(LRUCache[Any, Any]):
    """SQLAlchemy's own cache, asked for the kind of database instead of the engine's own dialect object."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(_of_kind(key), default)

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        return super().__getitem__(_of_kind(key))

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__(_of_kind(key), value)


def _of_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return (dialect.name, *statement) if isinstance(dialect, sa.Dialect) else key


class Tables:
    """The statements that make the tables of an empty database, by kind."""

    def __init__(self) -> None:
        self._made: MutableMapping[tuple[int, str], list[str]] = {}
        self._create_all = sa.MetaData.create_all

    def create_all(self, metadata: sa.MetaData, bind: Any, **options: Any) -> None:
        statements = self._made.get((id(metadata), bind.dialect.name))
        if statements is not None and not sa.inspect(bind).get_table_names():
            for statement in statements:
                bind.exec_driver_sql(statement)
            return
        said: list[str] = []

        def note(db: object, cursor: object, statement: str, *_: object) -> None:
            if statement.lstrip().startswith("CREATE "):
                said.append(statement)

        is_empty = not sa.inspect(bind).get_table_names()
        sa.event.listen(bind, "before_cursor_execute", note)
        try:
            self._create_all(metadata, bind, **options)
        finally:
            sa.event.remove(bind, "before_cursor_execute", note)
        if is_empty:
            self._made[id(metadata), bind.dialect.name] = said


KEPT = CompiledStatements(4_000)


def compile_as_well(url: str) -> None:
    """Compile what was compiled for one kind of database for another one, which need not be there."""
    dialect = sa.create_engine(url).dialect
    for (_, _, columns, _, many), compiled in [(key, KEPT[key]) for key in KEPT]:
        statement = compiled.statement
        statement._compile_w_cache(dialect, compiled_cache=KEPT, column_keys=[*columns], for_executemany=many)


def forget_to_flush(connection: Any, record: Any, _proxy: object) -> None:
    """A connection that is used for the first time. The program has asked for FULL."""
    if isinstance(connection, sqlite3.Connection) and not FLUSHES and "flushes" not in record.info:
        record.info["flushes"] = False
        connection.execute("PRAGMA synchronous = OFF")


def install() -> None:
    """Have them so from now on, in this process and its forks."""
    tables = Tables()
    make = Engine.__init__

    def made(self: Engine, *arguments: Any, **options: Any) -> None:
        make(self, *arguments, **options)
        self._compiled_cache = KEPT

    Engine.__init__ = made  # type: ignore[method-assign]
    sa.MetaData.create_all = lambda metadata, bind, **options: tables.create_all(metadata, bind, **options)  # type: ignore[method-assign]
    sa.event.listen(sa.pool.Pool, "checkout", forget_to_flush)
