"""The ways to send the same number of messages to the same port: ours and the peers', each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from delivery_project import LINK, SENDER, Project, environment, send_command
from delivery_servers import scratch
from delivery_tools import nodemailer, postfix

LIMIT_S = 1800.0
"""A run that takes longer is ended, and the benchmark with it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the messages go. With an `authority`, its certificate's file, over TLS from the first byte."""

    port: int
    connections: int
    authority: Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """`seconds` are those of the sending, `wall_s` those of the whole process; `cpu_s` is the whole process's."""

    seconds: float
    wall_s: float
    cpu_s: float
    peak_mb: float
    ledger_bytes: int = 0


class Way(Protocol):
    @property
    def name(self) -> str: ...

    def send(self, target: Target, messages: int) -> Run: ...


@dataclass(frozen=True, slots=True)
class Newsletter:
    """Our own command, whole: list, plan, ledger on disk, report."""

    project: Project
    window: int | None = None

    @property
    def name(self) -> str:
        return "newsletter" if self.window is None else f"window = {self.window}"

    def send(self, target: Target, messages: int) -> Run:
        scheme = "smtps" if target.authority else "smtp"
        trust = {"SSL_CERT_FILE": str(target.authority)} if target.authority else {}
        people = self.project.list(messages)
        with self.project.fresh() as post:
            if self.window is not None:
                settings = post.parent / "newsletter.toml"
                settings.write_text(settings.read_text().replace("[delivery]", f"[delivery]\nwindow = {self.window}"))
            url = f"{scheme}://127.0.0.1:{target.port}"
            done = finished(send_command(post, people, url, target.connections), environment(**trust), post.parent)
            ledger = sum(path.stat().st_size for path in post.parent.glob("newsletter.db*"))
        report = json.loads(done.out)
        if report["sent"] != messages:
            raise RuntimeError(f"newsletter: {report['sent']:,} of {messages:,} sent: {report['counts']}")
        return Run(report["seconds"], done.wall_s, done.cpu_s, done.peak_mb, ledger)


@dataclass(frozen=True, slots=True)
class SmtpSource:
    """Postfix's generator. Its own start is counted: a few milliseconds."""

    size: int
    keep: bool

    @property
    def name(self) -> str:
        return "smtp-source -d" if self.keep else "smtp-source"

    def send(self, target: Target, messages: int) -> Run:
        program, libraries = postfix("smtp-source")
        command = [*program, "-s", str(target.connections), "-l", str(self.size), "-m", str(messages)]
        command += ["-d"] if self.keep else []
        command += ["-f", SENDER, "-t", "reader@example.net", f"127.0.0.1:{target.port}"]
        done = finished(command, environment(**libraries), scratch())
        return Run(done.wall_s, done.wall_s, done.cpu_s, done.peak_mb)


@dataclass(frozen=True, slots=True)
class Nodemailer:
    """nodemailer's pool: it builds each message, or is given one that is ready."""

    project: Project
    raw: bool = False

    @property
    def name(self) -> str:
        return "nodemailer, raw" if self.raw else "nodemailer"

    def send(self, target: Target, messages: int) -> Run:
        options = {
            "module": str(nodemailer()),
            "port": target.port,
            "connections": target.connections,
            "messages": messages,
            "authority": str(target.authority or ""),
            "raw": str(self.project.sample) if self.raw else "",
            "html": str(self.project.html),
            "text": str(self.project.text),
            "subject": "@@name@@, your news of today",
            "sender": SENDER,
            "link": LINK.replace("{token}", "@@token@@"),
        }
        with tempfile.TemporaryDirectory(dir=scratch()) as folder:
            file = Path(folder) / "options.json"
            file.write_text(json.dumps(options))
            script = Path(__file__).parent / "node" / "nodemailer.mjs"
            return told(finished(("node", str(script), str(file)), environment(), Path(folder)))


@dataclass(frozen=True, slots=True)
class Aiosmtplib:
    """aiosmtplib, given one message that is ready."""

    project: Project
    name: str = "aiosmtplib"

    def send(self, target: Target, messages: int) -> Run:
        script = Path(__file__).with_name("delivery_aiosmtplib.py")
        arguments = (str(target.port), str(target.connections), str(messages), str(self.project.sample))
        return told(finished((sys.executable, str(script), *arguments), environment(), scratch()))


@dataclass(frozen=True, slots=True)
class _Finished:
    out: str
    wall_s: float
    cpu_s: float
    peak_mb: float


def told(done: _Finished) -> Run:
    """The run of a peer that measures its own sending."""
    return Run(json.loads(done.out)["seconds"], done.wall_s, done.cpu_s, done.peak_mb)


def finished(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> _Finished:
    """Run a process to its end. Its peak is the kernel's own record of its resident memory (VmHWM).

    A child begins as a copy of this process, so that a peak below ours here (some 30 MB) cannot be seen.
    """
    with tempfile.TemporaryFile(dir=scratch()) as out, tempfile.TemporaryFile(dir=scratch()) as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=out, stderr=errors)
        limit = threading.Timer(LIMIT_S, process.kill)
        limit.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
        except BaseException:
            process.kill()
            raise
        finally:
            limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        said = out.read().decode()
        if process.returncode:
            words = errors.read().decode(errors="replace")
            raise RuntimeError(f"{command[0]}: exit code {process.returncode}\n{said}{words}")
    return _Finished(said, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
