"""A newsletter's folder for the benchmark of sending: post, newsletter.toml, theme, lists, a sample message."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from delivery_servers import scratch

NEWSLETTER = (sys.executable, "-c", "from newsletter.cli.main import main; main()")
SENDER = "daily@example.com"
LINK = "https://news.example.com/leave?t={token}"
SETTINGS = f"""\
[newsletter]
name = "Daily"
from = "Daily <{SENDER}>"
postal_address = "1 Main Street, Springfield"
unsubscribe_mailto = "leave@example.com"
unsubscribe_url = "{LINK}"

[delivery]
messages_per_connection = 0  # as many as there are, like the peers

[theme]
name = "%s"
"""
POST = """\
---
title: Today's news
newsletter:
  subject: "{{ subscriber.name }}, your news of today"
---
Dear {{ subscriber.name }},

"""
STORY = (
    "第 %d 条：一款小芯片（Small Chip 2）每秒能回答的问题是上一代的两倍，价格减半；三家医院按年租用，病历不出机房。"
    "[原文链接](https://example.com/news/%d)\n\n"
)
# The smallest theme: of the layout only the greeting, the text and the way out.
TINY = {
    "theme.toml": 'extends = "classic"\n',
    "issue.mjml.j2": """\
<mjml><mj-body><mj-raw>{% include "rows.mjml.j2" %}{% include "footer.mjml.j2" %}</mj-raw></mj-body></mjml>
""",
    "style.css": "",
    "live.css": "",
    "outlook.css": "",
}
NEAR = 0.03
ENVIRONMENT = {"NEWSLETTER_SECRET": "a secret of the benchmark that all may know"}


@dataclass(slots=True)
class Project:
    """`sample` is the message of the list's first; `html` and `text` are its parts, @@name@@ and @@token@@ in them."""

    folder: Path
    post: Path
    sample: Path
    html: Path
    text: Path
    lists: dict[int, Path] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def of_size(cls, size: int) -> Iterator[Self]:
        """A post whose message has so many bytes, within 3 %."""
        with _folder("classic") as folder:
            stories = 20
            for _ in range(10):
                project = cls._made(folder, stories)
                found = project.message_bytes
                if abs(found - size) <= NEAR * size:
                    yield project
                    return
                few = cls._made(folder, stories // 2).message_bytes
                stories += round((size - found) / ((found - few) / (stories - stories // 2)))
            raise RuntimeError(f"no number of stories makes a message of {size:,} bytes; {stories} make {found:,}")

    @classmethod
    @contextmanager
    def smallest(cls) -> Iterator[Self]:
        """A post of one line in the smallest theme."""
        with _folder("tiny") as folder:
            yield cls._made(folder, 0)

    @classmethod
    def _made(cls, folder: Path, stories: int) -> Self:
        post = folder / "2026-03-02-today.md"
        post.write_text(POST + "".join(STORY % (number, number) for number in range(1, stories + 1)))
        project = cls(folder, post, folder / "message.eml", folder / "part.html", folder / "part.txt")
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        done = project.newsletter(
            "send", str(post), "--to", str(project.list(1)), "--dry-run", "--out", str(out), "--json"
        )
        files = {Path(file["path"]).name: file["path"] for file in json.loads(done)["files"]}
        shutil.copyfile(files["message.eml"], project.sample)
        project._write_parts()
        return project

    def _write_parts(self) -> None:
        """The sample's two parts, what is the recipient's own replaced by marks: for who builds the message himself."""
        message = email.message_from_bytes(self.sample.read_bytes(), policy=email.policy.default)
        (token,) = set(re.findall(r"leave\?t=(\w+)", str(message["List-Unsubscribe"])))
        for kind, path in (("html", self.html), ("plain", self.text)):
            part = message.get_body((kind,))
            assert isinstance(part, email.message.EmailMessage)
            path.write_text(part.get_content().replace("Reader 0000000", "@@name@@").replace(token, "@@token@@"))

    @property
    def message_bytes(self) -> int:
        return self.sample.stat().st_size

    def list(self, people: int) -> Path:
        """A list of so many people; each one's message has the same size."""
        if people not in self.lists:
            path = self.folder / f"list-{people}.csv"
            with path.open("w", encoding="utf-8") as file:
                file.write("email,name\n")
                file.writelines(f"r{number:07}@example.net,Reader {number:07}\n" for number in range(people))
            self.lists[people] = path
        return self.lists[people]

    def newsletter(self, *arguments: str) -> str:
        """What a `newsletter` command prints."""
        done = subprocess.run(
            (*NEWSLETTER, *arguments), cwd=self.folder, env=environment(), capture_output=True, text=True, timeout=600
        )
        if done.returncode:
            raise RuntimeError(f"newsletter {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    @contextmanager
    def fresh(self) -> Iterator[Path]:
        """A copy of the folder in which nothing was ever sent -> the post."""
        with tempfile.TemporaryDirectory(dir=scratch()) as folder:
            shutil.copytree(
                self.folder,
                folder,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("list-*", "out", "newsletter.db*"),
            )
            yield Path(folder) / self.post.name


def send_command(post: Path, people: Path, url: str, connections: int) -> Sequence[str]:
    options = ("--to", str(people), "--relay", url, "--connections", str(connections), "--yes", "--first", "--json")
    return (*NEWSLETTER, "send", str(post), *options)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **ENVIRONMENT, **more}


@contextmanager
def _folder(theme: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=scratch()) as name:
        folder = Path(name)
        (folder / "newsletter.toml").write_text(SETTINGS % theme)
        if theme == "tiny":
            (folder / "templates" / theme).mkdir(parents=True)
            for file, content in TINY.items():
                (folder / "templates" / theme / file).write_text(content)
        yield folder
