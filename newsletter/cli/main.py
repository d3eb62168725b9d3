"""The command line: the lazy group of commands, and the mapping of errors to exit codes."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import sys
from datetime import datetime
from typing import Any, cast

import click

from newsletter import DISTRIBUTION, __version__, errors
from newsletter.cli.broken_install import IMPORT_FAULTS, installation_error
from newsletter.cli.failures import described, described_usage, described_words, with_example
from newsletter.cli.lazy_group import Deferred, LazyCommand, LazyGroup
from newsletter.cli.streams import Output, open_streams
from newsletter.text import printable

EXIT_PIPE = 141
"""The shell's exit code for a program that SIGPIPE ended: 128 + 13."""


COMMANDS = {
    "init": LazyCommand(
        "newsletter.cli.commands.init", "init", "Start a newsletter in DIR: settings, an example post, a list", "Write"
    ),
    "new": LazyCommand(
        "newsletter.cli.commands.new", "new", "Write the next post, dated today, with stories to fill in", "Write"
    ),
    "digest": LazyCommand("newsletter.cli.commands.digest", "digest", "Make one post of several issues", "Write"),
    "render": LazyCommand(
        "newsletter.cli.commands.render",
        "render",
        "Write POST as email.html, email.txt, email.mjml and issue.json",
        "Write",
    ),
    "preview": LazyCommand(
        "newsletter.cli.commands.preview", "preview", "Show POST in a browser as readers will see it", "Write"
    ),
    "check": LazyCommand(
        "newsletter.cli.commands.check",
        "check",
        "Find what readers would stumble over, and what to write instead",
        "Write",
    ),
    "theme": LazyCommand(
        "newsletter.cli.commands.theme", "theme", "Look at the themes, or copy one to make it yours", "Write"
    ),
    "send": LazyCommand("newsletter.cli.commands.send", "send", "Send POST to everyone on a list, once each", "Send"),
    "publish": LazyCommand(
        "newsletter.cli.commands.publish",
        "publish",
        "Send whatever is due and unsent, from cron or as a daemon",
        "Send",
    ),
    "resume": LazyCommand("newsletter.cli.commands.resume", "resume", "Go on with ISSUE where it was left", "Send"),
    "retry": LazyCommand(
        "newsletter.cli.commands.resume", "retry", "Try those of ISSUE again whom the relay put off, now", "Send"
    ),
    "resolve": LazyCommand("newsletter.cli.commands.status", "resolve", "Decide about the uncertain of ISSUE", "Send"),
    "worker": LazyCommand(
        "newsletter.cli.commands.worker", "worker", "Send a part of what `send --workers` puts in the queue", "Send"
    ),
    "catch": LazyCommand(
        "newsletter.cli.commands.catch", "catch", "Run a mail catcher: an SMTP server that delivers nothing", "Send"
    ),
    "status": LazyCommand(
        "newsletter.cli.commands.status", "status", "Show how every issue stands, or who is left of ISSUE", "Look after"
    ),
    "report": LazyCommand(
        "newsletter.cli.commands.report",
        "report",
        "Show how the send of ISSUE went, and what the servers said",
        "Look after",
    ),
    "stats": LazyCommand(
        "newsletter.cli.commands.stats",
        "stats",
        "Show growth, delivery, rhythm, readers and links",
        "Look after",
    ),
    "archive": LazyCommand(
        "newsletter.cli.commands.archive",
        "archive",
        "Write the web archive of what was sent: pages, feeds, search",
        "Look after",
    ),
    "doctor": LazyCommand(
        "newsletter.cli.commands.doctor",
        "doctor",
        "Examine settings, relay, DNS, unsubscribe address and ledger",
        "Look after",
    ),
    "ledger": LazyCommand(
        "newsletter.cli.commands.ledger", "ledger", "Back the ledger up, restore, check or prune it", "Look after"
    ),
    "completion": LazyCommand(
        "newsletter.cli.commands.completion", "completion", "Print the completion script for SHELL", "Look after"
    ),
    "subscribers": LazyCommand(
        "newsletter.cli.commands.subscribers",
        "subscribers",
        "Check, clean and merge lists; see who joined, left or bounced",
        "Readers",
    ),
    "serve": LazyCommand(
        "newsletter.cli.commands.serve", "serve", "Run the pages where people join, leave and choose", "Readers"
    ),
    "sync": LazyCommand(
        "newsletter.cli.commands.serve", "sync", "Take off whoever clicked “unsubscribe” at a page elsewhere", "Readers"
    ),
    "bounces": LazyCommand(
        "newsletter.cli.commands.bounces", "bounces", "Read what came back, and stop mailing dead addresses", "Readers"
    ),
}


def _help_width() -> int:
    """The width of help pages as click has it: click loads eight modules, compressors among them, to ask for it."""
    try:
        width = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        width = 0
    if width <= 0:
        try:
            width = os.get_terminal_size(1).columns
        except OSError:
            width = 0
    return max(min(width or 80, 80) - 2, 50)


@click.group(
    cls=LazyGroup, lazy=COMMANDS, help_width=_help_width, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name=DISTRIBUTION)
def cli() -> None:
    """Write a newsletter in Markdown, and send it to everyone exactly once."""
    try:
        os.getcwd()  # noqa: PTH109 - pathlib takes longer to load than this page to print
    except FileNotFoundError as error:
        raise errors.ConfigError("the folder that this runs in was deleted; change to one that is there") from error
    try:
        datetime.now().astimezone()
    except ValueError as error:
        zone = printable(os.environ.get("TZ", ""))
        raise errors.ConfigError(f"TZ is {zone}, more than a day from UTC", "write TZ=Europe/Berlin") from error


def main() -> None:
    """The console script. Every error that is not a bug is printed as one sentence, and sets the exit code."""
    # Importing a few hundred modules creates many objects that live until the end: collecting garbage among them takes
    # a tenth of a run.
    gc.set_threshold(100_000, 20, 20)
    gc.enable()
    open_streams()
    output = cast("Output", sys.stdout)
    try:
        code = _run()
        output.flush()  # here, where a failure can be reported; the interpreter's own flush at exit would not
        if output.failure is not None and not isinstance(output.failure, BrokenPipeError):
            _say_unwritten(output.failure)
    except BrokenPipeError:
        # The reader of our output is gone; print nothing more, not even at exit.
        output.drop()
        code = EXIT_PIPE
    except OSError as error:
        if not _is_output_shut():
            raise
        output.drop()
        _say_unwritten(error)
        code = errors.EXIT_USAGE
    sys.stderr.flush()
    # The system takes our memory back at once; Python would look for cycles first, and free each of a hundred thousand
    # objects. Whoever has something to finish does it before this line.
    gc.freeze()
    sys.exit(code)


def _run() -> int:
    """Run the command; returns its exit code. OSError if an output stream fails."""
    try:
        code = cli.main(standalone_mode=False)
    except SystemExit as ending:
        code = ending.code
    except errors.NewsletterError as error:
        code = _tell(error)
    except click.ClickException as error:
        fault = with_example(error)
        fault.show()
        code = fault.exit_code
        _tell_programs(described_usage(fault))
    except (click.Abort, KeyboardInterrupt) as ending:
        if isinstance(ending.__cause__, EOFError):  # click takes any for Ctrl-D; that of a prompt has no cause
            return _tell(installation_error(ending.__cause__))
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # again: it ends us where we stand, without a word
        click.echo("interrupted", err=True)
        code = errors.EXIT_INTERRUPTED
        _tell_programs(described_words("interrupted", code))
    except IMPORT_FAULTS as error:
        code = _tell(installation_error(error))
    return code if isinstance(code, int) else 0


def _tell(error: errors.NewsletterError) -> int:
    for line in error.lines:
        click.echo(printable(line), err=True)
    _tell_programs(described(error), logged=error.is_logged)
    return error.exit_code


def _tell_programs(failure: dict[str, Any], *, logged: bool = False) -> None:
    """The same for programs, if the command line asks for it. What tells them is loaded then."""
    given = list(itertools.takewhile(lambda word: word != "--", sys.argv[1:]))
    if not any(word.startswith(("--json", "--log-json")) for word in given):
        return
    try:
        tell = _TELL_PROGRAMS.load()
    except IMPORT_FAULTS:  # the installation is not whole, of which people were told
        return
    tell(failure, given, logged=logged)


_TELL_PROGRAMS = Deferred("newsletter.cli.tell_programs", "tell_programs")


def _is_output_shut() -> bool:
    """Whether standard output failed. It is probed, since the error does not tell which file it concerns."""
    try:
        click.echo()
    except OSError:
        return True
    return False


def _say_unwritten(error: OSError) -> None:
    click.echo(f"standard output cannot be written ({error.strerror}); write it to another place", err=True)
