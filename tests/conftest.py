"""Fixtures shared by all test folders, and hypothesis profiles."""

import gc
import os
import signal
import sys

import quick_databases
from hypothesis import HealthCheck, settings
from machine import CHECKOUT, chromium, evaluate, no_network, node, node_script, page, posts, require_program

__all__ = ["chromium", "evaluate", "no_network", "node", "node_script", "page", "posts", "require_program"]

# A busy machine must not fail a test: durations are for benchmarks/ to measure. The default profile repeats the same
# examples, so that a failure is caused by the change at hand; `--hypothesis-profile=soak` tries others, and more.
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", **UNHURRIED, max_examples=50, derandomize=True)
settings.register_profile("soak", **UNHURRIED, max_examples=2_000)
settings.load_profile("ci")

# Keep bytecode in a shared cache if none is written beside the code: these tests start hundreds of processes, and each
# would compile the whole program.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(CHECKOUT / "out" / "compiled")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

# Under nohup, and in a script's background, signals are ignored that the tested commands must handle.
for name in ("SIGHUP", "SIGINT"):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL if name == "SIGHUP" else signal.default_int_handler)

quick_databases.install()

pytest_plugins = ["browser", "postgres", "spamd"]


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a third of the time these tests wait, for servers, browsers and relays."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + cores // 2


def pytest_collection() -> None:
    """Collect no garbage while tests are collected: there is none."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later garbage collection: it stays, and it is most of all."""
    gc.freeze()
    gc.enable()
