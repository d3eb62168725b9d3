"""`newsletter subscribers check` of a million rows: rows a second and peak memory, beside a bare pass of csv.reader.

    python benchmarks/lists.py [ROWS] [--rounds 5]

Each measurement is a process of its own, the command's whole run with its start, in turns with the peer, which reads
the same file and counts the rows, nothing more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from figures import ROUNDS, in_turns, machine, print_table

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "newsletter")
PEER = "import csv, sys; f = open(sys.argv[1], encoding='utf-8', newline=''); print(sum(1 for _ in csv.reader(f)))"
BARE = "a bare pass of csv.reader"
WANTED = {"`check --no-addresses`": "100,000; 10", "`check`": "50,000; 10"}


def write_rows(path: Path, rows: int) -> None:
    """Names, addresses at forty domains, a plan, tags and a date; one in a thousand stands twice, one is no address."""
    with path.open("w", encoding="utf-8") as file:
        file.write("name,email,plan,tags,joined\n")
        for n in range(rows):
            who = f"reader.{n * 7919 % rows}@mail{n % 40}.example.com"
            if n % 1000 == 998:
                who = f"reader.{(n - 1) * 7919 % rows}@MAIL{(n - 1) % 40}.example.com"
            elif n % 1000 == 999:
                who = f"reader.{n}"
            file.write(f"Reader {n},{who},{'pro' if n % 5 else 'free'},ai;ml,2026-01-{n % 28 + 1:02}\n")


def measure(*command: str) -> tuple[float, float, float]:
    """Seconds on the wall, seconds of CPU, and the peak in MB, of a command and of nothing else."""
    script = (
        "import resource, subprocess, sys, time\n"
        "start = time.monotonic(); subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=True)
    wall, cpu, peak = map(float, done.stdout.split())
    return wall, cpu, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    many, rounds = arguments.rows, arguments.rounds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.csv")
        write_rows(path, many)
        print(f"{machine()}; {many:,} rows, {path.stat().st_size / 1e6:.0f} MB; medians of {rounds} in turns\n")
        check = (PROGRAM, "subscribers", "check", str(path), "--json")
        ways = {
            BARE: (sys.executable, "-c", PEER, str(path)),
            "`check --no-addresses`": (*check, "--no-addresses"),
            "`check`": check,
            "`check --where`": (*check, "--where", "plan == 'pro' and tags has 'ai'"),
        }
        found = in_turns({name: partial(measure, *command) for name, command in ways.items()}, rounds)
    peer = median(cpu for _, cpu, _ in found[BARE])
    rows = []
    for name, figures in found.items():
        wall, cpu, peak = (median(each[number] for each in figures) for number in range(3))
        speeds = [f"{many / wall:,.0f}", f"{many / cpu:,.0f}", f"{cpu / peer:.1f}"]
        rows.append([name, *speeds, WANTED.get(name, ""), f"{peak:.1f} MB"])
    print_table(["", "rows/s", "rows/s of CPU", "times the peer's CPU", "wanted", "peak memory"], rows)


if __name__ == "__main__":
    main()
