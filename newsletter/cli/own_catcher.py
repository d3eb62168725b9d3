"""Run the mail catcher within a command: it is imported, with its web server, by `--catch` alone."""

from __future__ import annotations

from newsletter.cli.lazy_group import Deferred

own_catcher = Deferred("newsletter.web.catcher.server", "Catcher")
