"""The command line: the group of commands, each loaded when it is asked for, and how errors become exit codes."""

from __future__ import annotations

import contextlib
import gc
import itertools
import sys
from pathlib import Path
from typing import Any, cast

import click

from newsletter import DISTRIBUTION, __version__, errors
from newsletter.cli.console import print_json
from newsletter.cli.failures import described, described_usage, described_words
from newsletter.cli.lazy_group import LazyCommand, LazyGroup
from newsletter.cli.progress import JsonLog, may_be_log
from newsletter.cli.streams import Output, open_streams
from newsletter.text import printable

EXIT_PIPE = 141
"""As a shell says it of a program that SIGPIPE ended: 128 + 13."""


COMMANDS = {
    "bounces": LazyCommand(
        "newsletter.cli.bounces",
        "bounces",
        "Read bounces, complaints and unsubscribe mails, and stop mailing whom they are about",
    ),
    "catch": LazyCommand(
        "newsletter.cli.catch",
        "catch",
        "Run a mail catcher: an SMTP server that delivers nothing, and an inbox page that shows what came",
    ),
    "check": LazyCommand(
        "newsletter.cli.check",
        "check",
        "Look POSTs over: what their readers would stumble over, in their mail programs too, and what to write instead",
    ),
    "completion": LazyCommand(
        "newsletter.cli.completion",
        "completion",
        "Print the completion script for SHELL: commands, options, issues, themes, files",
    ),
    "doctor": LazyCommand(
        "newsletter.cli.doctor",
        "doctor",
        "Examine the newsletter: settings, relay, DNS, unsubscribe address, ledger; each line with its remedy",
    ),
    "init": LazyCommand(
        "newsletter.cli.init",
        "init",
        "Start a newsletter in DIR: settings, an example post, a list, and what git must leave out",
    ),
    "ledger": LazyCommand(
        "newsletter.cli.ledger", "ledger", "Look after the ledger: back it up, put a backup back, check it, prune it"
    ),
    "new": LazyCommand(
        "newsletter.cli.new",
        "new",
        "Write the next post, dated today: TITLE, a summary, a section with stories to fill in",
    ),
    "preview": LazyCommand(
        "newsletter.cli.preview", "preview", "Show POST in a browser as readers will see it, drawn anew with each save"
    ),
    "publish": LazyCommand(
        "newsletter.cli.publish",
        "publish",
        "Send whatever is due and unsent: posts that are dated, published, not in the future and not too old",
    ),
    "render": LazyCommand(
        "newsletter.cli.render", "render", "Write POST as email.html, email.txt, email.mjml and issue.json"
    ),
    "report": LazyCommand(
        "newsletter.cli.report",
        "report",
        "Show how the send of ISSUE went: when, to whom, what the servers said, and who is left",
    ),
    "resolve": LazyCommand(
        "newsletter.cli.status", "resolve", "Decide about the uncertain of ISSUE: all of them, or the ones named"
    ),
    "resume": LazyCommand(
        "newsletter.cli.resume", "resume", "Go on with ISSUE where it was left: the same post, the same list"
    ),
    "retry": LazyCommand(
        "newsletter.cli.resume",
        "retry",
        "Try those of ISSUE whom the relay put off again, now, without waiting for their time",
    ),
    "send": LazyCommand("newsletter.cli.send", "send", "Send POST to everyone on a list, once each"),
    "serve": LazyCommand(
        "newsletter.cli.serve",
        "serve",
        "Run the pages where people join and leave: sign-up with a mail to confirm, one-click unsubscribe, preferences",
    ),
    "status": LazyCommand(
        "newsletter.cli.status",
        "status",
        "Show what the ledger knows: every issue, or who was refused, left or uncertain for ISSUE",
    ),
    "subscribers": LazyCommand(
        "newsletter.cli.subscribers",
        "subscribers",
        "Look after the list: check it, clean it, put lists together, see who joined and left",
    ),
    "sync": LazyCommand(
        "newsletter.cli.serve",
        "sync",
        "Take off the lists everyone whose one-click POST a worker kept in FILE_OR_URL, in lines of JSON",
    ),
    "theme": LazyCommand("newsletter.cli.theme", "theme", "Look at the themes, or copy one to make it yours"),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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
        _tell_programs(described_usage(error))
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
    if log and not logged and may_be_log(log):
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
