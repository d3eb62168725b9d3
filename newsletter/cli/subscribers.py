"""The group `newsletter subscribers`: commands on list files and subscribers."""

from __future__ import annotations

from newsletter.cli.subscriber_lists import subscribers
from newsletter.cli.subscriber_people import COMMANDS
from newsletter.cli.subscriber_suppress import suppress

for command in (*COMMANDS, suppress):
    subscribers.add_command(command)

__all__ = ["subscribers"]
