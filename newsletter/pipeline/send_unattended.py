"""Send one planned issue with nobody there to ask: what `send --yes` does, without a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.delivery.smtp.catcher_probe import is_catcher
from newsletter.ledger.list_reference import join_segment
from newsletter.pipeline.choose_relays import choose_lanes
from newsletter.pipeline.deliver_to_list import deliver_to_list
from newsletter.pipeline.prepare_send import SendOptions, prepare, require_sendable
from newsletter.pipeline.same_issue import under_known_name

if TYPE_CHECKING:
    from newsletter.config.config import Config, RelaySettings
    from newsletter.delivery.run_control import Watcher
    from newsletter.ledger.ledger import Ledger
    from newsletter.pipeline.plan_send import Sending
    from newsletter.pipeline.send_result import SendResult


def relays_of(config: Config, url: str | None, env: Mapping[str, str]) -> Sequence[RelaySettings]:
    """The relays, those that are mail catchers without limits. ConfigError as `choose_lanes`."""
    lanes = choose_lanes(config, url, env)
    limited = config.quiet_hours is not None
    return [
        lane.as_catcher()
        if (limited or lane.rates or lane.domains or lane.warm_up) and is_catcher(lane.relay)
        else lane
        for lane in lanes
    ]


def send_unattended(
    sending: Sending,
    ledger: Ledger,
    lanes: Sequence[RelaySettings],
    *,
    to: Sequence[Path | str],
    where: str = "",
    watcher: Watcher,
    on_start: Callable[[int], None] = lambda due: None,
) -> SendResult:
    """Mail whoever is due, once each. Raises ContentError, ConfigError, DeliveryError, and BusyError where another run
    sends the issue."""
    require_sendable(sending, [lane.relay for lane in lanes])
    sending = under_known_name(sending, ledger)
    lists = "\n".join(name if str(name).startswith("@") else str(Path(name).absolute()) for name in map(str, to))
    with ledger.hold(sending.rendering.issue.slug):
        prepared = prepare(
            sending,
            ledger,
            SendOptions(),
            post=os.path.abspath(sending.rendering.path),  # noqa: PTH100 - links stay, as the author named it
            audience=join_segment(lists, where.strip()),
        )
        return deliver_to_list(prepared, lanes, ledger, watcher, on_start)
