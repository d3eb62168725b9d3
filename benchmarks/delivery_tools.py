"""What the benchmark of sending needs besides Python's packages; fetched once, kept in out/benchmarks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
CACHE = CHECKOUT / "out" / "benchmarks"
NODEMAILER = "10.6.0"
PY_SPY = "0.4.3"


@cache
def postfix(name: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command smtp-sink or smtp-source, and its environment."""
    given = os.environ.get("NEWSLETTER_SMTP_SINK")
    folder = Path(given).resolve().parent if given else unpacked("postfix")
    return (str(folder / "usr/sbin" / name),), {"LD_LIBRARY_PATH": str(folder / "usr/lib/postfix")}


@cache
def stunnel() -> tuple[tuple[str, ...], dict[str, str]]:
    installed = shutil.which("stunnel4")
    if installed:
        return (installed,), {}
    folder, wrap = unpacked("stunnel4"), unpacked("libwrap0")
    libraries = {str(path.parent) for path in wrap.glob("usr/lib/*/libwrap.so*")}
    return (str(folder / "usr/bin/stunnel4"),), {"LD_LIBRARY_PATH": ":".join(libraries)}


@cache
def nodemailer() -> Path:
    """The folder whose node_modules has nodemailer."""
    folder = CACHE / f"nodemailer-{NODEMAILER}"
    if not (folder / "node_modules" / "nodemailer").is_dir():
        quietly("npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"nodemailer@{NODEMAILER}")
    return folder


@cache
def py_spy() -> str:
    beside = Path(sys.executable).with_name("py-spy")
    if beside.exists():
        return str(beside)
    folder = CACHE / f"py-spy-{PY_SPY}"
    if not folder.is_dir():
        quietly(sys.executable, "-m", "pip", "install", "--target", str(folder), f"py-spy=={PY_SPY}")
    return str(folder / "bin" / "py-spy")


def unpacked(package: str) -> Path:
    """The folder of a Debian package's files, which stay uninstalled."""
    folder = CACHE / package
    if folder.is_dir():
        return folder
    fresh = CACHE / f"{package}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    quietly("apt-get", "update", "-qq")
    # apt's own user may not write in this folder; what it downloads is verified all the same.
    quietly("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package, cwd=fresh)
    (archive,) = fresh.glob("*.deb")
    quietly("dpkg-deb", "--extract", str(archive), str(fresh))
    archive.unlink()
    return fresh.rename(folder)


def quietly(*command: str, cwd: Path | None = None) -> None:
    """Run a command; show what it said only when it fails."""
    if cwd is None:
        CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
