"""Send one alert to each channel of [alerts], marked as a trial, and say what came back."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.pipeline.alerts import Alerts
from newsletter.pipeline.event_hook import EventHook

_TAKEN = {
    "heartbeat": ("the heartbeat answered", "see that its page shows a sign of life of just now"),
    "webhook": ("the webhook took the trial", "see that it is shown where you would look"),
    "mail": ("the relay took the trial mail", "see that it is in your inbox, and not among the spam"),
    "on_event": ("the command of on_event ran, and ended with 0", ""),
}
_REMEDIES = {
    "heartbeat": "check its address with whoever gave it to you",
    "webhook": "check its address, and that it takes a JSON object by POST",
    "mail": "check [alerts] mail and mail_relay, and the password in NEWSLETTER_SMTP_PASSWORD_ALERTS",
    "on_event": "run the command by hand, with an event of docs/unattended.md",
}


def try_alerts(alerts: Alerts, hook: EventHook, faults: Sequence[str]) -> tuple[Verdict, ...]:
    """A line for each that is set; `faults` are sentences about those that cannot be used at all."""
    found = [*alerts.try_each()]
    if hook.command:
        found.append(("on_event", " ".join(hook.tell("trial", alerts.now()))))
    lines = [_line(key, fault) for key, fault in found]
    lines += [_unusable(fault) for fault in faults]
    if not lines:
        remedy = 'write heartbeat = "https://…" below [alerts] in newsletter.toml; docs/unattended.md has the others'
        return (yellow("alerts", "no alert is set: nobody would hear of a run that fails, or never came", remedy),)
    return tuple(lines)


def _line(key: str, fault: str) -> Verdict:
    if not fault:
        return green("alerts", *_TAKEN[key])
    what, _, remedy = fault.partition("; ")
    # A command of the operator's own is theirs to mend; of a server that does not answer nobody knows yet.
    return red("alerts", what, remedy or _REMEDIES[key], outside=key in ("heartbeat", "webhook", "mail"))


def _unusable(fault: str) -> Verdict:
    what, _, remedy = fault.rpartition("; ")
    return red("alerts", what or fault, remedy if what else "mend it, and try again")
