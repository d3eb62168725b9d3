"""Plan a correction for a dry run, with a read-only ledger."""

from __future__ import annotations

from dataclasses import replace

from newsletter.addresses import fold_address
from newsletter.audience.audience import Audience
from newsletter.errors import ConfigError
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import State
from newsletter.pipeline.plan_send import Sending


def plan_erratum(sending: Sending, ledger: Ledger) -> Sending:
    """The send as `--erratum` would make it: marked, to the listed recipients who have another version of the issue.

    Raises ConfigError, as the send itself does, if there are none.
    """
    base = sending.rendering.issue.slug
    versions = {version.content_hash: version.number for version in ledger.versions(base)}
    mine = versions.get(sending.content_hash, max(versions.values(), default=0) + 1)
    holders = [row.address for row in ledger.rows(base, State.SENT) if row.version != mine]
    listed = sending.recipients.find([fold_address(address) for address in holders])
    if not listed:
        raise ConfigError(f"{base}: nobody on the list has another version of it", "there is nothing to correct")
    people = Audience.of(listed[key] for address in holders if (key := fold_address(address)) in listed)
    return replace(sending.correction(f"{base}+erratum-{mine}"), recipients=people)
