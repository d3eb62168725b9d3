"""`newsletter publish`: options and help."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from newsletter import errors
from newsletter.cli.help_page import GroupedCommand
from newsletter.cli.lazy_group import runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.list_options import column_option, to_option
from newsletter.cli.options import Given, NamedPath, config_option, json_option, log_option, relay_option
from newsletter.cli.window_option import window_option
from newsletter.model.age import parse_age
from newsletter.text import printable


class Age(click.ParamType):  # type: ignore[type-arg]  # generic in some versions only
    """How long ago: `36h`, `2d`, `1w`."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = parse_age(str(value))
        if found is None:
            raise errors.ConfigError(f"--max-age {printable(str(value))!r} is no age; write 36h, 2d or 1w")
        return found


_GROUPS = {
    "Who gets it": ("to", "where", "columns", "first"),
    "What, and when": ("max_age", "window", "wait", "watch", "crontab", "dry_run", "catch"),
    "Where it goes": ("relay_url", "workers", "ledger_url"),
    "Output": ("log_json", "quiet", "as_json", "config_path", "help"),
}


@click.command(cls=GroupedCommand, groups=_GROUPS)
@click.argument("posts", metavar="[POSTS_DIR]", required=False, type=NamedPath())
@to_option
@click.option("--where", type=Given(), default="", metavar="EXPR", help="Only to those: \"plan == 'pro'\".")
@column_option
@click.option("--max-age", type=Age(), metavar="AGE", help="Leave older posts alone; 2d by default.")
@click.option("--dry-run", is_flag=True, help="Send nothing; say what would be sent, and why not the rest.")
@click.option("--catch", is_flag=True, help="All that is due into a mail catcher; counts for nobody.")
@window_option
@click.option("--wait", is_flag=True, help="Where it is not send_at yet: wait until then.")
@click.option(
    "--watch",
    is_flag=True,
    help="Stay, and publish when it is due; see [watch].",
)
@click.option("--crontab", is_flag=True, help="Print this as lines for crontab, and do nothing else.")
@click.option("--first", is_flag=True, help="It begins here: there may be no ledger yet.")
@relay_option
@click.option("--workers", is_flag=True, help="By `newsletter worker` on other machines.")
@ledger_option
@log_option
@click.option("--quiet", is_flag=True, help="Print nothing unless something was sent, or is wrong.")
@config_option
@json_option
@runs("newsletter.cli.publish", "publish")
def publish() -> None:
    """Send whatever is due and unsent, from cron or as a daemon. Posts are due that are dated,
    published, not in the future and not too old.

    Never asks. A second run does nothing; one that was cut off is gone on with. Exits with 3 where somebody is still
    to be mailed, 4 where another run sends the same issue.

    \b
    Example:
      newsletter publish --to subscribers.csv
    """
