"""What starting costs: CPU time of `newsletter --help` and of two commands, against Python itself, in turns.

    python benchmarks/start.py [--rounds 20]

The peer is `python -c pass` of the same environment: what nobody who writes in Python can save. CPU time, since a busy
machine makes every start longer, and no start dearer. The smallest of all rounds counts.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import sysconfig
from pathlib import Path

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "newsletter")
COMMANDS = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "newsletter --help": (PROGRAM, "--help"),
    "newsletter send --help": (PROGRAM, "send", "--help"),
    "newsletter publish --help": (PROGRAM, "publish", "--help"),
}


def cpu_s(command: tuple[str, ...]) -> float:
    """CPU seconds of one run, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    least = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            least[name] = min(least[name], cpu_s(command))
    bare = least["python -c pass"]
    for name, seconds in least.items():
        print(f"{name:<26} {seconds * 1000:6.0f} ms  {seconds / bare:5.1f} times")


if __name__ == "__main__":
    main()
