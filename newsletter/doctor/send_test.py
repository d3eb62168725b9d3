"""Send a test mail to an address, end to end."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from newsletter.config.config import Config
from newsletter.delivery.run_control import Watcher
from newsletter.doctor.verdict import Verdict, green, red
from newsletter.errors import DeliveryError, NewsletterError
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import State
from newsletter.pipeline.choose_relays import choose_relays
from newsletter.pipeline.deliver_test import deliver_test
from newsletter.pipeline.plan_send import plan_send
from newsletter.pipeline.prepare_send import require_sendable

_POST = """\
---
title: A test by newsletter doctor
summary: Three words in this mail's source say whether receivers believe it.
---

This mail came the way that your issues go. In your mail program choose *show original* or *view source*, and look for
the line that begins with `Authentication-Results`:

* `spf=pass`: the relay may send for the address that bounces go to;
* `dkim=pass`: the signature holds, and the domain behind `d=` is yours;
* `dmarc=pass`: one of the two speaks for the address that the mail is from.

Or save that source as a file, and let `newsletter doctor --received FILE` read it.
"""
_TAKEN = "open it, save its source (“show original”), and run `newsletter doctor --received FILE`"


def send_test(config: Config, address: str, env: Mapping[str, str], timeout_s: float) -> Verdict:
    """Judge whether the relay accepts the mail. Nothing is recorded in the ledger.

    Not for use inside a running event loop.
    """

    def now() -> datetime:
        return datetime.now(UTC)

    try:
        with tempfile.TemporaryDirectory(prefix="newsletter-doctor-") as folder, Ledger.open(None, now) as ledger:
            post = Path(folder) / "newsletter-doctor.md"
            post.write_text(_POST, "utf-8")
            sending = plan_send(str(post), config, to=None, test=[address], when=now())
            relays = [
                replace(each, timeout_s=min(each.timeout_s, timeout_s), dot_timeout_s=min(each.dot_timeout_s, 60.0))
                for each in choose_relays(config, None, env)
            ]
            require_sendable(sending, [each.relay for each in relays])
            result = deliver_test(sending, relays, ledger, Watcher(), lambda due: None)
    except NewsletterError as error:
        what, _, remedy = str(error).rpartition("; ")
        return red("test-mail", what or str(error), remedy, outside=isinstance(error, DeliveryError))
    relay = relays[0].relay
    if result.counts[State.SENT]:
        return green("test-mail", f"the test mail was taken by {relay.host}", _TAKEN)
    said = next((outcome for people in (result.refused, result.left, result.uncertain) for _, outcome in people), None)
    words = f"{said.code or ''} {said.text}".strip() if said else result.stopped
    # Redact the address, which a server repeats: the output may go into a log.
    words = words.replace(address, "the address")
    return red(
        "test-mail", f"the test mail was not taken: {words or 'no answer'}", "see what the relay said", outside=True
    )
