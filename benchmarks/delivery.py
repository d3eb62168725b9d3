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
    distant   a fifth of the messages through a proxy that holds every byte back for 25 ms each way. It
              throttles nothing; TCP's own handshake and slow start stay as fast as on loopback
    postfix   as distant, to Postfix itself (smtpd and cleanup, their queue in memory), which knows BDAT as smtp-sink
              does not; against nodemailer, and against our own with one message at a time. It needs root
    tls       as loopback, over TLS from the first byte (smtps://): stunnel stands before the sink, which has no TLS
    cpu       user and system time per message, the start of the program left out, and where it goes (py-spy)
    million   peak memory, rows per second and ledger bytes of 1,000,000 recipients beside 10,000; only with --million,
              since it takes minutes. The messages are the smallest that a theme can have, about 3 KB: MJML's own head
              alone is 1.5 KB as base64

    python benchmarks/delivery.py                             all but the million
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
import platform
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from delivery_profile import costs
from delivery_project import Project
from delivery_servers import Sink, delayed, encrypted, real_postfix, sink
from delivery_ways import Aiosmtplib, Newsletter, Nodemailer, Run, SmtpSource, Target, Way

CONNECTIONS = 10
MESSAGE_BYTES = 60_000
DELAY_MS = 25
DISTANT_SHARE = 5
"""One of so many messages goes through the slow proxy: each takes a peer two round trips or more."""

MEASURES = ("loopback", "distant", "postfix", "tls", "cpu", "million")
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
    parser.add_argument("--rounds", type=int, default=5)
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

    load = f"load before the start {os.getloadavg()[0]:.1f}"
    print(f"medians of {options.rounds}; {os.cpu_count()} cores, Python {platform.python_version()}, {load}")
    with Project.of_size(MESSAGE_BYTES) as project:
        for name, measure in (
            ("loopback", loopback),
            ("distant", distant),
            ("postfix", postfix),
            ("tls", tls),
            ("cpu", cpu),
        ):
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
            (SmtpSource(MESSAGE_BYTES, keep=False), 1.0),
            (SmtpSource(MESSAGE_BYTES, keep=True), 1.0),
            (Nodemailer(project), 4.0),
            (Nodemailer(project, raw=True), 4.0),
            (Aiosmtplib(project), 4.0),
        ),
        options.messages,
        options.rounds,
    )


def distant(project: Project, options: Options) -> None:
    messages = max(options.messages // DISTANT_SHARE, CONNECTIONS)
    heading(f"distant, {DELAY_MS} ms each way", project, messages)
    compare(project, ((Nodemailer(project), 3.0),), messages, options.rounds, delay_ms=DELAY_MS)


def postfix(project: Project, options: Options) -> None:
    messages = max(options.messages // DISTANT_SHARE, CONNECTIONS)
    heading(f"postfix, {DELAY_MS} ms each way", project, messages)
    if os.geteuid() != 0:
        print("    Postfix can only be started by root")
        return
    peers = ((Nodemailer(project), 5.0), (Newsletter(project, window=1), 1.0))
    compare(project, peers, messages, options.rounds, delay_ms=DELAY_MS, server=real_postfix)


def tls(project: Project, options: Options) -> None:
    heading("tls, implicit, stunnel before the sink", project, options.messages)
    peers = ((Nodemailer(project), 3.0), (Nodemailer(project, raw=True), 3.0))
    compare(project, peers, options.messages, options.rounds, encrypt=True)


def cpu(project: Project, options: Options) -> None:
    heading("cpu", project, options.messages)
    ours = Newsletter(project)
    whole: list[float] = []
    start: list[float] = []
    for _ in range(options.rounds):
        whole.append(measured(ours, options.messages).run.cpu_s)
        start.append(measured(ours, 1).run.cpu_s)
    each = (statistics.median(whole) - statistics.median(start)) / (options.messages - 1)
    print(f"    {each * 1e6:,.0f} microseconds a message, user and system; the start takes {min(start):.2f} s once")
    with sink() as server:
        found = costs(project, Target(server.port, CONNECTIONS), options.messages)
    print("    where its threads' time goes while it sends, waiting for work left out (a commit waits for the disk):")
    for cost in found:
        inside = f", mostly {cost.calls}" if cost.calls != cost.function else ""
        print(f"    {cost.share:6.1%}  {cost.function}{inside}")


def million(project: Project, options: Options) -> None:
    print(f"\nmillion: {CONNECTIONS} connections, messages of {project.message_bytes:,} bytes")
    ours = Newsletter(project)
    print(
        f"    {'recipients':>10}  {'peak MB':>8}  {'sent in s':>10}  {'rows/s':>8}  {'all in s':>9}  ledger, bytes each"
    )
    peaks: list[float] = []
    for people in (FEW, options.many):
        done = measured(ours, people)
        run = done.run
        peaks.append(run.peak_mb)
        print(
            f"    {people:>10,}  {run.peak_mb:>8.1f}  {run.seconds:>10.1f}  {done.rate:>8,.0f}  {run.wall_s:>9.1f}  "
            f"{run.ledger_bytes / people:>6.0f}"
        )
    print(f"    peak memory, ratio {peaks[1] / peaks[0]:.2f} (wanted: 1.30 at most, and 150 MB at most)")


# --- taking turns ---------------------------------------------------------------------------------------------------


def compare(
    project: Project,
    peers: Sequence[tuple[Way, float]],
    messages: int,
    rounds: int,
    *,
    delay_ms: int = 0,
    encrypt: bool = False,
    server: Server = sink,
) -> None:
    """Print for each peer its rate, ours in the runs that followed its own, and the ratio of the medians."""
    ours = Newsletter(project)
    theirs: dict[str, list[Measured]] = {way.name: [] for way, _ in peers}
    beside: dict[str, list[Measured]] = {way.name: [] for way, _ in peers}
    for _ in range(rounds):
        for way, _wanted in peers:
            for runs, each in ((theirs, way), (beside, ours)):
                runs[way.name].append(measured(each, messages, delay_ms=delay_ms, encrypt=encrypt, server=server))
    print(
        f"    {'':<18}{'peer/s':>8}{'ours/s':>8}{'ratio':>8}{'wanted':>8}   {'each round':<16}sink's core: peer, ours"
    )
    for way, wanted in peers:
        their, our = theirs[way.name], beside[way.name]
        their_rate, our_rate = median_rate(their), median_rate(our)
        ratios = [mine.rate / other.rate for mine, other in zip(our, their, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        rates = f"{their_rate:>8,.0f}{our_rate:>8,.0f}{our_rate / their_rate:>8.2f}{wanted:>8.2f}"
        print(f"    {way.name:<18}{rates}   {spread:<16}{median_share(their):>16.0%}{median_share(our):>6.0%}")


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
    print(f"\n{name}: {CONNECTIONS} connections, {messages:,} messages of {project.message_bytes:,} bytes")


if __name__ == "__main__":
    main()
