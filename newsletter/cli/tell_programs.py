"""Tell a program of a failure: as JSON on standard output, or as the last line of its log."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from typing import Any

from newsletter.cli.console import print_json
from newsletter.cli.progress import JsonLog, may_be_log
from newsletter.errors import ConfigError


def tell_programs(failure: dict[str, Any], given: Sequence[str], *, logged: bool) -> None:
    """Print the failure as JSON, if the command line asks for it; the command line itself may be invalid."""
    if "--json" in given:
        print_json(failure)
    log = next((word.partition("=")[2] for word in given if word.startswith("--log-json=")), "")
    log = log or next((value for word, value in itertools.pairwise(given) if word == "--log-json"), "")
    if log and not logged and may_be_log(log):
        with contextlib.suppress(ConfigError), JsonLog(log, "") as lines:  # the log is what fails
            lines.write("error", **failure)
