"""The fixtures that every folder of tests may ask for, and how hypothesis runs."""

from hypothesis import HealthCheck, settings
from machine import chromium, evaluate, no_network, node, node_script, posts, require_program

__all__ = ["chromium", "evaluate", "no_network", "node", "node_script", "posts", "require_program"]

# A busy machine is no failure: how long a thing takes is for benchmarks/ to say.
# `--hypothesis-profile=soak` looks longer.
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", **UNHURRIED, max_examples=100)
settings.register_profile("soak", **UNHURRIED, max_examples=2_000)
settings.load_profile("ci")

pytest_plugins = ["postgres", "spamd"]
