"""Where the time of a send goes, by sampling the whole command from outside (py-spy)."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from delivery_project import Project, environment, send_command
from delivery_servers import scratch
from delivery_tools import py_spy
from delivery_ways import Target, finished

SAMPLES_A_SECOND = 250
SHOWN = 8
# A thread that has nothing to do stands in one of these.
IDLE = re.compile(
    r"^(?:_worker \(concurrent|EpollSelector\.select |select \(selectors|Condition\.wait |wait \(threading)"
)
LINE = re.compile(r":\d+\)$")


@dataclass(frozen=True, slots=True)
class Cost:
    """One of our functions with what it calls of others, the dearest of these named; the share of all threads' time."""

    share: float
    function: str
    calls: str


def costs(project: Project, target: Target, messages: int) -> tuple[Cost, ...]:
    with project.fresh() as post, tempfile.TemporaryDirectory(dir=scratch()) as folder:
        samples = Path(folder) / "samples"
        url = f"smtp://127.0.0.1:{target.port}"
        command = send_command(post, project.list(messages), url, target.connections)
        options = ("--rate", str(SAMPLES_A_SECOND), "--format", "raw", "--function", "--output", str(samples))
        finished((py_spy(), "record", *options, "--", *command), environment(), post.parent)
        return _ranked(samples.read_text())


def _ranked(samples: str) -> tuple[Cost, ...]:
    """The dearest functions. Only the loop's thread and the ledger's count: reading the post and the list is over."""
    functions: Counter[str] = Counter()
    calls: dict[str, Counter[str]] = {}
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [LINE.sub(")", frame) for frame in stack.split(";")]
        sending = any("(asyncio/" in frame or "(concurrent/futures/" in frame for frame in frames)
        if not sending or IDLE.match(frames[-1]):
            continue
        function = next((frame for frame in reversed(frames) if "(newsletter/" in frame), "the event loop")
        functions[function] += int(count)
        calls.setdefault(function, Counter())[frames[-1]] += int(count)
    total = functions.total()
    return tuple(
        Cost(count / total, function, calls[function].most_common(1)[0][0])
        for function, count in functions.most_common(SHOWN)
    )
