"""`newsletter subscribers check` of a million rows: rows a second and peak memory, beside a bare pass of csv.reader.

    python benchmarks/lists.py [ROWS]

Each measurement is a process of its own, the command's whole run with its start: wall time, and CPU time where other
work shares the machine. The peer reads the same file and counts the rows, nothing more.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "newsletter")
PEER = "import csv, sys; f = open(sys.argv[1], encoding='utf-8', newline=''); print(sum(1 for _ in csv.reader(f)))"


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
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.csv")
        write_rows(path, many)
        check = (PROGRAM, "subscribers", "check", str(path), "--json")
        ways = {
            "csv.reader, bare": (sys.executable, "-c", PEER, str(path)),
            "check --no-addresses": (*check, "--no-addresses"),
            "check": check,
            "check --where": (*check, "--where", "plan == 'pro' and tags has 'ai'"),
        }
        print(f"{many:,} rows, {path.stat().st_size / 1e6:.0f} MB")
        peer = 0.0
        for name, command in ways.items():
            wall, cpu, peak = measure(*command)
            peer = peer or cpu
            print(
                f"{name:<22} {many / wall:>10,.0f} rows/s  {many / cpu:>10,.0f} rows/s of CPU  "
                f"{cpu / peer:>5.1f} times the peer  peak {peak:>6.1f} MB"
            )


if __name__ == "__main__":
    main()
