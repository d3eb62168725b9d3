"""Drive a judge of DNS records from a table, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from newsletter.doctor.judge.lookups import DnsAnswer, Lookups, Question

FAILED = "failed"
Records = Mapping[tuple[str, str], Sequence[str] | str]
Result = TypeVar("Result")


def judged(judge: Lookups[Result], records: Records) -> Result:
    """A judge's result if these are the only records."""
    try:
        questions = next(judge)
        while True:
            questions = judge.send({question: _answer(question, records) for question in questions})
    except StopIteration as end:
        result: Result = end.value
        return result


def _answer(question: Question, records: Records) -> DnsAnswer:
    found = records.get((question.name, question.type), ())
    if isinstance(found, str):
        return DnsAnswer("failed", why="the nameserver failed")
    if found:
        return DnsAnswer("found", tuple(found))
    known = any(name == question.name for name, _ in records)
    return DnsAnswer("empty") if known else DnsAnswer("no such name")
