"""Run the operator's own command on events: [alerts] `on_event`.

Security: an event has names and numbers, no address and no secret; the command gets none of our environment variables,
which hold passwords. It is run without a shell and with a time limit, and its failure stops nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from newsletter.frozen import frozen

if TYPE_CHECKING:
    from newsletter.config.config import Config
    from newsletter.pipeline.send_result import SendResult

Kind = Literal["sent", "joined", "left", "bounced", "trial"]
TIMEOUT_S = 30.0

_OURS = ("NEWSLETTER_", "PGPASS")


@frozen
class EventHook:
    """The command to run; empty for none."""

    command: tuple[str, ...] = ()
    newsletter: str = ""
    timeout_s: float = TIMEOUT_S

    def tell(self, kind: Kind, at: datetime, **facts: Any) -> tuple[str, ...]:
        """Run it with the event on its standard input. Returns the fault as a sentence."""
        if not self.command:
            return ()
        event = {"event": kind, "newsletter": self.newsletter, "at": at.isoformat(timespec="seconds"), **facts}
        line = json.dumps(event, ensure_ascii=False) + "\n"
        fault = _run(self.command, line.encode("utf-8", "backslashreplace"), self.timeout_s)
        return (f"[alerts] on_event: {self.command[0]} {fault}",) if fault else ()


def hook_of(config: Config) -> EventHook:
    return EventHook(config.settings.alerts.on_event, config.settings.newsletter.name)


def tell_sent(hook: EventHook, result: SendResult, at: datetime) -> tuple[str, ...]:
    """Report a send that mailed at least one recipient; tests are not reported."""
    if result.test or not result.sent:
        return ()
    return hook.tell(
        "sent",
        at,
        issue=result.issue,
        count=result.sent,
        refused=len(result.refused),
        left=result.left_count,
        complete=result.complete,
    )


def _run(command: Sequence[str], event: bytes, timeout_s: float) -> str:
    """The fault, as it follows the command's name; empty on success."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    try:
        # A process group of its own: its children end with it, and it does not get our Ctrl-C.
        process = subprocess.Popen(  # noqa: S603 - the operator's own command, as configured
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=env,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a null byte in an argument
        what = error.strerror if isinstance(error, OSError) else error
        return f"cannot be run ({what}); write the program's full path"
    try:
        with contextlib.suppress(OSError):  # the command does not read the event
            process.communicate(event, timeout=timeout_s)
        code = process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return f"took longer than {timeout_s:g} s and {_end(process)}; let it hand long work to another program"
    ending = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"{ending}; run it by hand, with an event of docs/unattended.md" if code else ""


def _end(process: subprocess.Popen[bytes]) -> str:
    """What became of it. A program that runs as another user, behind sudo, cannot be ended, and is not waited for."""
    kill: Callable[[int, int], None] | None = getattr(os, "killpg", None)
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        if kill is None:
            process.kill()
        else:
            kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    except PermissionError:
        threading.Thread(target=process.wait, daemon=True).start()
        return "could not be ended, being another user's"
    process.wait()
    return "was ended"
