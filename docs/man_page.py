"""Write newsletter.1, the manual page: every command and option, from the commands themselves.

python docs/man_page.py > docs/newsletter.1
"""

from __future__ import annotations

import re
import sys

import click

from newsletter.cli.help_page import first_sentence
from newsletter.cli.main import COMMANDS

HEAD = r""".TH NEWSLETTER 1 "" "newsletter-press" "User Commands"
.SH NAME
newsletter \- write a newsletter as a Markdown post; render, preview and send it to everyone exactly once
.SH SYNOPSIS
.B newsletter
.I COMMAND
[\fIOPTION\fR]... [\fIARGUMENT\fR]...
.SH DESCRIPTION
A post in Markdown becomes an email, which is shown, checked, and sent over SMTP to everyone on a list, once.
Settings are in
.IR newsletter.toml ,
beside the posts or above them; a ledger,
.I newsletter.db
beside it unless the settings say otherwise, knows who has each issue.
.SH COMMANDS
"""
TAIL = r""".SH EXIT STATUS
.TP
.B 0
Everyone was mailed; nothing is wrong.
.TP
.B 1
The post or a list is at fault.
.TP
.B 2
The settings, the command line or the ledger are.
.TP
.B 3
Somebody is still to be mailed.
.TP
.B 4
Another run is sending the same issue.
.TP
.B 130
Interrupted.
.SH ENVIRONMENT
.TP
.B NEWSLETTER_SMTP_PASSWORD
The password of the relay.
.TP
.B NEWSLETTER_SECRET
What links to leave are signed with.
.SH FILES
.I newsletter.toml
.br
.I newsletter.db
.SH SEE ALSO
.BR sendmail (8)
"""


def roff(text: str) -> str:
    """A text with nothing in it that the formatter would take for its own."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


def command_pages(command: click.Command, names: tuple[str, ...]) -> str:
    """One command, or each of a group's."""
    ctx = click.Context(command, info_name=" ".join(names))
    if isinstance(command, click.Group):
        found = [(name, command.get_command(ctx, name)) for name in command.list_commands(ctx)]
        return "".join(command_pages(each, (*names, name)) for name, each in found if each is not None)
    arguments = " ".join(roff(param.make_metavar(ctx)) for param in command.params if isinstance(param, click.Argument))
    lines = [f".SS {roff(' '.join(names))} {arguments}".rstrip(), roff(first_sentence(command.help or "")) + "."]
    for param in command.params:
        record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
        if record is not None:
            lines += [".TP", rf"\fB{roff(record[0])}\fR", roff(" ".join(record[1].split()))]
    return "\n".join(lines) + "\n"


def man_page() -> str:
    """The whole page, in roff."""
    return HEAD + "".join(command_pages(row.load(), ("newsletter", name)) for name, row in COMMANDS.items()) + TAIL


if __name__ == "__main__":
    sys.stdout.write(man_page())
