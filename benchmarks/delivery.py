"""Speed, memory and cost of sending, each beside its peers in the same run: `python benchmarks/delivery.py`.

Our side is the real thing: a `newsletter send` of its own in a fresh folder, with the ledger on disk, a message of
60 KB, and a subject, a greeting and an unsubscribe link of each recipient's own. Peers and we take turns (peer, we,
the next peer, we …), each time against a new smtp-sink, whose own count of the messages is checked; each figure is the
median of --rounds. Only the sending counts, from the first connection to the last answer (for us: to the last row of
the ledger), and no program's start.

    loopback  10 connections to Postfix's smtp-sink, against
                smtp-source       Postfix's generator in C; identical messages, no ledger; a connection for each message
                smtp-source -d    the same, its connections kept
                nodemailer        its pool, maxConnections 10; each message built by nodemailer for its recipient
                nodemailer, raw   the same pool, given one and the same finished message
                aiosmtplib        10 clients in one process, given one and the same finished message
    tls       as loopback, over TLS from the first byte (smtps://): stunnel stands before the sink, which has no TLS
    distant   a fifth of the messages through a proxy that holds every byte back for 25 ms each way. It
              throttles nothing; TCP's own handshake and slow start stay as fast as on loopback. To Postfix itself
              (smtpd and cleanup, their queue in memory; it needs root), which knows BDAT as smtp-sink does not,
              against nodemailer, and against our own with one message at a time; then to smtp-sink
    cpu       user and system time per message, the start of the program left out, and where it goes (py-spy)
    million   peak memory, rows per second and ledger bytes of 1,000,000 recipients beside 10,000; only with --million,
              since it takes minutes. The messages are the smallest that a theme can have, about 3 KB: MJML's own head
              alone is 1.5 KB as base64

    python benchmarks/delivery.py                             all but the million, some seven minutes on two cores
    python benchmarks/delivery.py --only tls --only distant   these two
    python benchmarks/delivery.py --rounds 1 --messages 200   a quick look that all of it works
    python benchmarks/delivery.py --only million --million    the million alone

It needs Linux, Node.js with npm, Debian's apt-get with the packages that smtp-sink links to (libdb5.3, libicu72,
libnsl2; .ci/run installs them), and the `dev` extra. All else it puts into out/benchmarks itself: nodemailer, py-spy,
and, unpacked and not installed, Debian's postfix (unless NEWSLETTER_SMTP_SINK tells where .ci/run has it) and stunnel.
Everything stays on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from delivery_profile import costs
from delivery_project import Project
from delivery_servers import Sink, delayed, encrypted, real_postfix, sink
from delivery_ways import Aiosmtplib, Newsletter, Nodemailer, Run, SmtpSource, Target, Way
from figures import ROUNDS, in_turns, machine, print_table

CONNECTIONS = 10
MESSAGE_BYTES = 60_000
DELAY_MS = 25
DISTANT_SHARE = 5
"""One of so many messages goes through the slow proxy: each takes a peer two round trips or more."""

MEASURES = ("loopback", "tls", "distant", "cpu", "million")
Server: TypeAlias = Callable[[], AbstractContextManager[Sink]]
FEW, MANY = 10_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    messages: int
    many: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, and how much of a core smtp-sink used meanwhile."""

    run: Run
    rate: float
    sink_share: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--million", action="store_true", help="the run of a million recipients as well")
    parser.add_argument("--recipients", type=int, default=MANY, help="in place of the million, for a quick look")
    arguments = parser.parse_args()
    options = Options(arguments.rounds, arguments.messages, arguments.recipients)
    wanted = arguments.only or [name for name in MEASURES if name != "million"]
    if arguments.million and "million" not in wanted:
        wanted.append("million")
    if "million" in wanted and not arguments.million:
        parser.error("the run of a million recipients takes minutes; add --million")

    print(f"{machine()}; medians of {options.rounds} in turns")
    with Project.of_size(MESSAGE_BYTES) as project:
        for name, measure in (("loopback", loopback), ("tls", tls), ("distant", distant), ("cpu", cpu)):
            if name in wanted:
                measure(project, options)
    if "million" in wanted:
        with Project.smallest() as project:
            million(project, options)


# --- the measures ---------------------------------------------------------------------------------------------------


def loopback(project: Project, options: Options) -> None:
    heading("loopback", project, options.messages)
    compare(
        project,
        (
            Peer("smtp-source, a connection for each message", SmtpSource(MESSAGE_BYTES, keep=False), "1.0"),
            Peer("smtp-source -d, connections kept", SmtpSource(MESSAGE_BYTES, keep=True)),
            Peer("nodemailer, pooled", Nodemailer(project), "4.0"),
            Peer("nodemailer, pooled, one finished message", Nodemailer(project, raw=True)),
            Peer("aiosmtplib, one finished message", Aiosmtplib(project), "4.0"),
        ),
        options.messages,
        options.rounds,
    )


def tls(project: Project, options: Options) -> None:
    heading("tls from the first byte, stunnel before the sink", project, options.messages)
    peers = (
        Peer("TLS: nodemailer, pooled", Nodemailer(project), "3.0"),
        Peer("TLS: nodemailer, pooled, one finished message", Nodemailer(project, raw=True)),
    )
    compare(project, peers, options.messages, options.rounds, encrypt=True)


def distant(project: Project, options: Options) -> None:
    messages = max(options.messages // DISTANT_SHARE, CONNECTIONS)
    heading(f"distant, {DELAY_MS} ms each way", project, messages)
    theirs = Nodemailer(project)
    peers = [Peer("without BDAT (smtp-sink): nodemailer, pooled", theirs, "3.0")]
    if os.geteuid() == 0:
        peers = [
            Peer("Postfix: nodemailer, pooled", theirs, "5.0", real_postfix),
            Peer("Postfix: ours with `window = 1`", Newsletter(project, window=1), "", real_postfix),
            *peers,
        ]
    else:
        print("Postfix can only be started by root: it is left out")
    compare(project, peers, messages, options.rounds, delay_ms=DELAY_MS)


def cpu(project: Project, options: Options) -> None:
    heading("cpu", project, options.messages)
    ours = Newsletter(project)
    whole: list[float] = []
    start: list[float] = []
    for _ in range(options.rounds):
        whole.append(measured(ours, options.messages).run.cpu_s)
        start.append(measured(ours, 1).run.cpu_s)
    each = (statistics.median(whole) - statistics.median(start)) / (options.messages - 1)
    print(f"{each * 1e6:,.0f} microseconds a message, user and system; the start takes {min(start):.2f} s once")
    with sink() as server:
        found = costs(project, Target(server.port, CONNECTIONS), options.messages)
    print("\nWhere its threads' time goes while it sends, waiting for work left out (a commit waits for the disk):\n")
    rows = ([cost.function, cost.calls if cost.calls != cost.function else "", f"{cost.share:.1%}"] for cost in found)
    print_table(["function", "mostly in", "share"], rows)


def million(project: Project, options: Options) -> None:
    print(f"\nmillion: {CONNECTIONS} connections, messages of {project.message_bytes:,} bytes, one round\n")
    ours = Newsletter(project)
    rows: list[list[str]] = []
    peaks: list[float] = []
    for people in (FEW, options.many):
        done = measured(ours, people)
        run = done.run
        peaks.append(run.peak_mb)
        speeds = [f"{done.rate:,.0f}", f"{run.wall_s:.1f} s", f"{run.ledger_bytes / people:.0f}"]
        rows.append([f"{people:,}", f"{run.peak_mb:.1f} MB", *speeds])
    print_table(["recipients", "peak memory", "messages/s", "all in", "ledger, bytes each"], rows)
    print(f"\nPeak memory, ratio {peaks[1] / peaks[0]:.2f} (wanted: 1.30 at most, and 150 MB at most)")


# --- taking turns ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Peer:
    """A row of the table: `words` say what it is against, `server` is what both send to."""

    words: str
    way: Way
    wanted: str = ""
    server: Server = sink


def compare(
    project: Project,
    peers: Sequence[Peer],
    messages: int,
    rounds: int,
    *,
    delay_ms: int = 0,
    encrypt: bool = False,
) -> None:
    """Print for each peer its rate, ours in the runs that followed its own, and the ratio of the medians."""
    ours = Newsletter(project)
    ways: dict[str, Callable[[], Measured]] = {}
    for peer in peers:
        for name, way in ((f"peer: {peer.words}", peer.way), (f"ours: {peer.words}", ours)):
            ways[name] = partial(measured, way, messages, delay_ms=delay_ms, encrypt=encrypt, server=peer.server)
    found = in_turns(ways, rounds)
    rows = []
    for peer in peers:
        their, our = found[f"peer: {peer.words}"], found[f"ours: {peer.words}"]
        their_rate, our_rate = median_rate(their), median_rate(our)
        ratios = [mine.rate / other.rate for mine, other in zip(our, their, strict=True)]
        rates = [f"{their_rate:,.0f}", f"{our_rate:,.0f}", f"{our_rate / their_rate:.2f}", peer.wanted]
        cores = [f"{median_share(runs):.0%}" if median_share(runs) else "" for runs in (their, our)]
        rows.append([peer.words, *rates, f"{min(ratios):.2f} to {max(ratios):.2f}", ", ".join(filter(None, cores))])
    print_table(["against", "peer/s", "ours/s", "ratio", "wanted", "each round", "server's core: peer, ours"], rows)


def measured(way: Way, messages: int, *, delay_ms: int = 0, encrypt: bool = False, server: Server = sink) -> Measured:
    """One run against a new server. Raises RuntimeError where not all arrived."""
    with server() as running, through(running.port, delay_ms, encrypt) as target:
        run = way.send(target, messages)
    if running.messages != messages:
        raise RuntimeError(f"{way.name}: {messages:,} messages were sent, the server counted {running.messages:,}")
    return Measured(run, messages / run.seconds, running.cpu_s / run.seconds)


@contextmanager
def through(port: int, delay_ms: int, encrypt: bool) -> Iterator[Target]:
    with ExitStack() as opened:
        if not encrypt:
            port = opened.enter_context(delayed(port, delay_ms)) if delay_ms else port
            yield Target(port, CONNECTIONS)
            return
        front = opened.enter_context(encrypted(port))
        yield Target(front.port, CONNECTIONS, front.authority)


def median_rate(runs: Sequence[Measured]) -> float:
    return statistics.median(run.rate for run in runs)


def median_share(runs: Sequence[Measured]) -> float:
    return statistics.median(run.sink_share for run in runs)


def heading(name: str, project: Project, messages: int) -> None:
    print(f"\n{name}: {CONNECTIONS} connections, {messages:,} messages of {project.message_bytes:,} bytes\n")


if __name__ == "__main__":
    main()
