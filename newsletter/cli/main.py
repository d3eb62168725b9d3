"""The command line. Each command gathers its options, calls `pipeline`, and prints; it decides nothing of its own.

Heavy imports happen inside the commands, so that `newsletter --help` answers at once.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import sys
from pathlib import Path
from typing import Any, cast

import click

from newsletter import DISTRIBUTION, __version__, errors
from newsletter.cli.bounces import bounces
from newsletter.cli.check import check
from newsletter.cli.console import (
    print_json,
)
from newsletter.cli.failures import described, described_words
from newsletter.cli.preview import preview
from newsletter.cli.progress import JsonLog
from newsletter.cli.report import report
from newsletter.cli.resume import resume, retry
from newsletter.cli.send import send
from newsletter.cli.serve import COMMANDS as SERVE_COMMANDS
from newsletter.cli.status import resolve, status
from newsletter.cli.streams import Output, open_streams
from newsletter.cli.subscriber_lists import subscribers
from newsletter.cli.subscriber_people import COMMANDS as PEOPLE_COMMANDS
from newsletter.text import printable

EXIT_PIPE = 141
"""As a shell says it of a program that SIGPIPE ended: 128 + 13."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=DISTRIBUTION)
def cli() -> None:
    """Write a newsletter as a Markdown post; render it, look at it, and send it to everyone exactly once."""
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise errors.ConfigError("the folder that this runs in was deleted; change to one that is there") from error


def main() -> None:
    """The console script. Every error that is not a fault in the program is one sentence and an exit code."""
    # Loading a few hundred modules makes much that lives to the end: looking for garbage in it costs a tenth of a run.
    gc.set_threshold(50_000, 20, 20)
    open_streams()
    output = cast("Output", sys.stdout)
    try:
        code = _run()
        output.flush()  # here, where a failure can be told; the interpreter's own at its end would not
        if output.failure is not None and not isinstance(output.failure, BrokenPipeError):
            _say_unwritten(output.failure)
    except BrokenPipeError:
        # The reader of our output has gone; say nothing more, not even at exit.
        output.drop()
        code = EXIT_PIPE
    except OSError as error:
        if not _is_output_shut():
            raise
        output.drop()
        _say_unwritten(error)
        code = errors.EXIT_USAGE
    sys.stderr.flush()
    sys.exit(code)


def _run() -> int:
    """Run the command -> its exit code. OSError where a stream takes nothing more."""
    try:
        code = cli.main(standalone_mode=False)
    except SystemExit as ending:
        code = ending.code
    except errors.NewsletterError as error:
        for line in error.lines:
            click.echo(printable(line), err=True)
        code = error.exit_code
        _tell_programs(described(error), logged=error.is_logged)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
        _tell_programs(described_words(error.format_message(), code))
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = errors.EXIT_INTERRUPTED
        _tell_programs(described_words("interrupted", code))
    return code if isinstance(code, int) else 0


def _tell_programs(failure: dict[str, Any], *, logged: bool = False) -> None:
    """The failure as JSON, where the command line asks for it; it may be the very thing that could not be read."""
    given = list(itertools.takewhile(lambda word: word != "--", sys.argv[1:]))
    if "--json" in given:
        print_json(failure)
    log = next((word.partition("=")[2] for word in given if word.startswith("--log-json=")), "")
    log = log or next((value for word, value in itertools.pairwise(given) if word == "--log-json"), "")
    if log and not logged:
        with contextlib.suppress(errors.ConfigError), JsonLog(log, "") as lines:  # the log is what fails
            lines.write("error", **failure)


def _is_output_shut() -> bool:
    """Whether it was standard output that failed. It is asked, since the error does not say of which file it is."""
    try:
        click.echo()
    except OSError:
        return True
    return False


def _say_unwritten(error: OSError) -> None:
    click.echo(f"standard output cannot be written ({error.strerror}); write it to another place", err=True)


for command in PEOPLE_COMMANDS:
    subscribers.add_command(command)
for command in (*COMMANDS, bounces, check, preview, report, *SERVE_COMMANDS, subscribers):
    cli.add_command(command)


COMMANDS = (send, resume, retry, status, resolve)
