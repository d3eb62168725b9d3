"""How well bounces are read: any folder of mails, by sender, beside a second reader where one is installed.

    python benchmarks/bounces.py FOLDER... [--each]

FOLDER has `.eml` files, at any depth; the sender is a file's name without its number (`lhost-postfix-12.eml`). The
second reader is sisimai (https://libsisimai.org), when `perl -MSisimai` works; PERL5LIB may say where it is. Its
answers are then the measure:

    read        a bounce, complaint or automatic answer is taken for one, and a success for none
    recipient   the address that sisimai names is among ours
    class       hard where its `hardbounce` is, and not hard where it is not
    argued      the same, with those differences counted that are on purpose and have a reason below
    ms          the median CPU time of one message, in this process and in Perl's: the least of three readings,
                between which what was remembered is forgotten

`--each` prints every message on which the two differ. No token is used: these mails were never ours.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

from newsletter.bounces.message_kind import read_message
from newsletter.bounces.own_text import own_text
from newsletter.bounces.results import AutoReply, Bounce, Complaint, Kind, Reading
from newsletter.bounces.rules import rule_for
from newsletter.bounces.truncate import MAX_BYTES

_PERL = r"""
use strict; use warnings; use Sisimai; use JSON; use Time::HiRes qw(clock_gettime CLOCK_PROCESS_CPUTIME_ID);
my $json = JSON->new->canonical->utf8;
while(my $file = <STDIN>) {
  chomp $file; my $found = []; my $seconds = 9;
  for(1 .. 3) {
    my $start = clock_gettime(CLOCK_PROCESS_CPUTIME_ID);
    eval { $found = Sisimai->rise($file, delivered => 1, vacation => 1) || [] };
    my $took = clock_gettime(CLOCK_PROCESS_CPUTIME_ID) - $start;
    $seconds = $took if $took < $seconds;
  }
  print $json->encode({ seconds => $seconds, found => [map {
    { address => $_->recipient->address, alias => $_->alias || '', reason => $_->reason, hard => $_->hardbounce ? 1 : 0,
      words => $_->diagnosticcode, status => $_->deliverystatus }
  } @$found] }), "\n";
}
"""


ON_PURPOSE = {
    (
        "unknown recipient, by words",
        "filtered",
    ): "the server says that there is no such user; nothing says that it refused the body, and not the recipient",
    ("unknown recipient, by words", "rejected"): "the server says that there is no such user",
    ("unknown recipient, by words", "suspend"): "the refusing server's words go before the reporter's",
    ("unknown recipient, by words", "mailboxfull"): "the refusing server's words go before the reporter's",
    (
        "unknown recipient, for now or under a policy code",
        "userunknown",
    ): "4.x.x or 5.7.x contradicts the words: a point",
    (
        "unknown by words, a mailbox by its code, and when is not said",
        "userunknown",
    ): "5.2.1 says that there is a mailbox, and no word says that it was refused at RCPT: a point",
    ("a code of the recipient", "notaccept"): "a record that names no host: its owner may mend it",
    ("no such domain, or no way to it", "hostunknown"): "whether there is such a domain is not said: a point",
    ("a refusal without a word that is known", "hostunknown"): "the host that does not exist is the sender's",
    ("Postfix: an access table refuses the recipient", "userunknown"): "refused, and not said to be unknown: a point",
    ("a recipient that is refused without a reason", "userunknown"): "refused, and not said to be unknown: a point",
    ("perhaps no such account", "hostunknown"): "the server itself says only `may`: a point",
    ("no code and no word that is known", "userunknown"): "no reason is given: a point",
    ("the sender is on a block list", "userunknown"): "5.1.0 with words about the sender's listing: ours",
    ("still being tried", "notaccept"): "a report of a delay says nothing for good",
}
"""(Our row, sisimai's reason) -> why the two differ in whether the address is dead."""


READINGS = 3


@dataclass(frozen=True, slots=True)
class Second:
    """What the second reader says of a message."""

    addresses: tuple[str, ...]
    aliases: tuple[str, ...]
    reasons: tuple[str, ...]
    hard: tuple[bool, ...]
    words: str
    seconds: float


@dataclass(slots=True)
class Score:
    messages: int = 0
    known: int = 0
    read: int = 0
    named: int = 0
    recipient: int = 0
    judged: int = 0
    alike: int = 0
    argued: int = 0
    ours_s: list[float] = field(default_factory=list)
    theirs_s: list[float] = field(default_factory=list)


def messages_in(folders: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for folder in map(Path, folders):
        found += sorted(each for each in folder.rglob("*") if each.is_file()) if folder.is_dir() else [folder]
    return found


def second_reader(paths: Sequence[Path]) -> list[Second] | None:
    """Sisimai's answers in the order of the paths; None where it is not installed."""
    perl = shutil.which("perl")
    if not perl or subprocess.run([perl, "-MSisimai", "-e", "1"], capture_output=True, check=False).returncode:
        return None
    names = "".join(f"{path}\n" for path in paths)
    done = subprocess.run([perl, "-e", _PERL], input=names, capture_output=True, text=True, check=True)
    return [_second(json.loads(line)) for line in done.stdout.split("\n") if line]


def _second(told: dict[str, object]) -> Second:
    found = told["found"]
    assert isinstance(found, list)
    return Second(
        tuple(each["address"].lower() for each in found),
        tuple(each["alias"].lower() for each in found),
        tuple(each["reason"] for each in found),
        tuple(bool(each["hard"]) for each in found),
        " / ".join(f"{each['status']} {each['words']}" for each in found),
        float(str(told["seconds"])),
    )


def expected(second: Second) -> str:
    """What the message is, by the second reader."""
    reasons = set(second.reasons)
    if not reasons:
        return "unknown"
    if "feedback" in reasons:
        return "complaint"
    if reasons <= {"vacation"}:
        return "answer"
    return "success" if reasons <= {"delivered"} else "bounce"


def taken_for(reading: Reading) -> str:
    match reading:
        case Bounce():
            return "bounce"
        case Complaint():
            return "complaint"
        case AutoReply():
            return "answer"
        case _:
            return type(reading).__name__.lower()


def is_read(wanted: str, reading: Reading) -> bool:
    got = taken_for(reading)
    return got not in ("bounce", "complaint") if wanted in ("success", "answer") else got == wanted


def compare(score: Score, reading: Reading, second: Second) -> Iterator[str]:
    """Count, and say in which ways the two differ."""
    wanted = expected(second)
    if wanted == "unknown":
        return
    score.known += 1
    if not is_read(wanted, reading):
        yield f"{wanted} taken for {taken_for(reading)}"
        return
    score.read += 1
    if isinstance(reading, Complaint):
        named = {each.lower() for each in reading.traces.addresses}
        if not named and second.addresses[0].endswith(".invalid"):
            return  # it names nobody: sisimai says so with an address of its own
        score.named += 1
        if named & set(second.addresses):
            score.recipient += 1
        else:
            yield f"{sorted(named)} complain, not {list(second.addresses)}"
    if not isinstance(reading, Bounce):
        return
    ours = {each.address.lower(): each for each in reading.failures}
    told = zip(second.addresses, second.aliases, second.hard, second.reasons, strict=True)
    for address, alias, hard, reason in told:
        if reason in ("delivered", "vacation"):
            continue
        score.named += 1
        failure = ours.get(address) or ours.get(alias)  # the address that we wrote may lead to another one
        if failure is None:
            yield f"names {sorted(ours)}, not {address}"
            failure = reading.failures[0]
        else:
            score.recipient += 1
        score.judged += 1
        if (failure.kind is Kind.HARD) == hard:
            score.alike += 1
            continue
        why = ON_PURPOSE.get((failure.rule, reason), "")
        score.argued += bool(why)
        said = f"{failure.status} {failure.code} {failure.words!r}"
        yield f"{failure.kind} ({failure.rule}) where sisimai says {reason}: {said}\n    {why or 'NO REASON IS KNOWN'}"


def timed(raw: bytes) -> tuple[Reading, float]:
    """How a message is read, and the least CPU time that it took."""
    took: list[float] = []
    for _ in range(READINGS):
        rule_for.cache_clear()
        own_text.cache_clear()
        start = process_time()
        reading = read_message(raw)
        took.append(process_time() - start)
    return reading, min(took)


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:6.1f}" if whole else "     -"


def line_of(name: str, score: Score) -> str:
    theirs = f"{statistics.median(score.theirs_s) * 1000:8.2f}" if score.theirs_s else "       -"
    return (
        f"{name:<24}{score.messages:>6}{percent(score.read, score.known)}{percent(score.recipient, score.named)}"
        f"{percent(score.alike, score.judged):>7}{percent(score.alike + score.argued, score.judged):>8}"
        f"{statistics.median(score.ours_s) * 1000:8.2f}{theirs}"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description="How well bounces are read.")
    arguments.add_argument("folders", nargs="+", metavar="FOLDER")
    arguments.add_argument("--each", action="store_true", help="print every message on which the two differ")
    asked = arguments.parse_args()
    paths = messages_in(asked.folders)
    if not paths:
        sys.exit("no messages there")
    second = second_reader(paths)
    scores: dict[str, Score] = defaultdict(Score)
    total = Score()
    kinds: dict[str, int] = defaultdict(int)
    for number, path in enumerate(paths):
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES)
        reading, took = timed(raw)
        kinds[taken_for(reading)] += 1
        sender = re.sub(r"-\d+$", "", path.stem)
        for score in (scores[sender], total):
            score.messages += 1
            score.ours_s.append(took)
            if second:
                score.theirs_s.append(second[number].seconds)
        if second:
            told = list(compare(total, reading, second[number]))
            list(compare(scores[sender], reading, second[number]))
            if asked.each:
                for each in told:
                    print(f"{os.path.relpath(path)}: {each}\n    {second[number].words[:300]}")
    print(f"{'sender':<24}{'mails':>6}{'read%':>6}{'rcpt%':>6}{'class%':>7}{'argued%':>8}{'ms':>8}{'sisimai':>8}")
    for sender in sorted(scores):
        print(line_of(sender, scores[sender]))
    print(line_of("all", total))
    print(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    if not second:
        print("sisimai is not installed: nothing to compare with")


if __name__ == "__main__":
    main()
