"""Open the workers' queue: what it is made of is an extra, and is imported by those who use it."""

from __future__ import annotations

from newsletter.cli.lazy_group import Deferred

open_queue = Deferred("newsletter.cluster.job_queue", "open_queue")
