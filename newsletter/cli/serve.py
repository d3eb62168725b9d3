"""`newsletter serve` and `newsletter sync`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from newsletter.audience.people.store import People
from newsletter.cli.console import print_json, warn
from newsletter.cli.event_hooks import tell_of_departures
from newsletter.cli.failures import ending
from newsletter.cli.load_settings import load
from newsletter.config.mail_sections import SECRET_VARIABLE
from newsletter.errors import EXIT_CONTENT, EXIT_OK, ConfigError
from newsletter.pipeline.choose_relays import choose_relays
from newsletter.signals import ending_signals
from newsletter.text import printable
from newsletter.web.public.collected_clicks import SYNC_VARIABLE, open_lines, unsubscribe_clicks
from newsletter.web.public.service import public_config, require_relay, run_service
from newsletter.web.public.webhooks import hook_secrets, provider_hooks
from newsletter.web.sockets import http_url, listen


def serve(host: str, port: int, relay_url: str | None, quiet: bool, config_path: Path | None) -> None:
    import asyncio
    import contextlib
    import logging

    config = load(config_path)
    relays = choose_relays(config, relay_url, config.env) if relay_url or config.relays else ()
    relay = require_relay(config, next(iter(relays), None))
    level = logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)

    def now() -> datetime:
        return datetime.now(UTC)

    async def run() -> None:
        stopping = asyncio.Event()
        for number in ending_signals():
            with contextlib.suppress(NotImplementedError):  # Windows, where Ctrl-C raises KeyboardInterrupt
                asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        with listen(host, port, "--port") as listening:
            public = public_config(config, host, listening.getsockname()[1])
            bound = http_url(host, listening.getsockname()[1])

            def ready() -> None:
                click.echo(f"Listening on {bound}")
                click.echo(f"Sign-up page: {public.settings.serve.url}/join")
                if not config.unsubscribe_url:
                    click.echo("Issues carry no link to these pages until [serve] url is set in newsletter.toml.")

            with provider_hooks(public, hook_secrets(public, config.env), now) as hooks:
                await run_service(public, relay, listening, clock=now, stopping=stopping, on_ready=ready, hooks=hooks)

    asyncio.run(run())


def sync(source: str, config_path: Path | None, as_json: bool) -> None:
    import sys

    config = load(config_path)
    if not config.secrets:
        raise ConfigError(
            "not set, and tokens are read with it", "set it to the one you send with", path=SECRET_VARIABLE
        )

    def now() -> datetime:
        return datetime.now(UTC)

    with (
        People.open(config.ledger_place, now, config.secrets) as people,
        open_lines(source, config.env.get(SYNC_VARIABLE, "")) as lines,
    ):
        taken = unsubscribe_clicks(lines, people, config.secrets, now())
    warn(tell_of_departures(config, taken.left, "one-click", now()))
    for fault in taken.faults:
        click.echo(f"warning: {printable(fault.at(source))}", err=True)
    code = EXIT_CONTENT if taken.refused else EXIT_OK
    if as_json:
        print_json({"left": taken.left, "known": taken.known, "refused": taken.refused, **ending(code)})
    else:
        click.echo(f"{taken.left:,} left, {taken.known:,} were known or have come back, {taken.refused:,} refused")
    sys.exit(code)
