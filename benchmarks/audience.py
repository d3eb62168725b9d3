"""A list of a million read, walked through and searched: rows a second and peak memory, against the plain way.

    python benchmarks/audience.py [ROWS]

The plain way is what a script does: csv.DictReader into a dictionary by address, nothing checked. Each measurement is a
process of its own. A flat reader's peak for all rows is near that for a hundredth of them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

OURS = """
people = read_audience(path)
clock("read")
assert sum(1 for _ in people) == rows
clock("walked through")
addresses = people.addresses()
while keys := [address.lower() for address in islice(addresses, 500)]:
    assert len(people.find(keys)) == len(keys)
clock("found, 500 at a time")
"""
PLAIN = """
with path.open(encoding="utf-8", newline="") as file:
    people = {row["email"].lower(): row for row in csv.DictReader(file)}
clock("read")
assert len(people) == rows
"""
FRAME = """
import csv, sys, time
from itertools import islice
from pathlib import Path
from newsletter.audience.read_audience import read_audience
path, rows = Path(sys.argv[1]), int(sys.argv[2])
last = time.process_time()
def clock(what):
    global last
    now = time.process_time()
    print(f"  {{what:<22}} {{rows / (now - last):>9,.0f}} rows a second of CPU")
    last = time.process_time()
{body}
status = Path("/proc/self/status").read_text()
print("peak_kb", next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))
"""


def run(body: str, path: Path, rows: int) -> float:
    """Prints what the process says; its peak memory in MB."""
    script = FRAME.format(body=body)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(rows)], capture_output=True, text=True, check=True
    )
    *said, peak = done.stdout.splitlines()
    print("\n".join(said))
    return int(peak.split()[1]) / 1024


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for rows in (many // 100, many):
            path = Path(folder, "list.csv")
            with path.open("w", encoding="utf-8") as file:
                file.write("name,email\n")
                file.writelines(f"Reader {n},reader.{n * 7919 % rows}@mail{n % 40}.example.com\n" for n in range(rows))
            for name, body in (("newsletter", OURS), ("plain", PLAIN)):
                print(f"{name}, {rows:,} rows")
                peaks[name, rows] = run(body, path, rows)
                print(f"  {'peak':<22} {peaks[name, rows]:>9.1f} MB")
        for name in ("newsletter", "plain"):
            print(f"{name}: {many:,} rows take {peaks[name, many] / peaks[name, many // 100]:.2f} times the memory")


if __name__ == "__main__":
    main()
