"""The command line as a person meets it: what it asks, what it refuses, and the one sentence for each mistake."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from time import monotonic

import pytest
import trustme
from command_line import (
    DEADLINE_S,
    HELLO,
    PROGRAM,
    Run,
    environment,
    finish,
    newsletter,
    people,
    spawn,
    start,
    write_list,
    write_post,
)
from smtp_server import Fault, Rule, SmtpServer

from newsletter import DISTRIBUTION, __version__

PASSWORD = "the-secret-word"
TOML = """\
[newsletter]
from = "News <news@example.com>"
postal_address = "1 Main Street"
unsubscribe_mailto = "leave@example.com"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *people(2))
    return tmp_path


SEND = ("send", "2026-03-01-hello.md", "--to", "list.csv")


# --- bad input ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bad:
    """A mistake: files by name, the command, and the exit code and words that it earns."""

    code: int
    words: str
    files: dict[str, bytes | str]
    command: tuple[str, ...] = ("render", "post.md")


ONE = "email\na@example.com\n"


def post(text: str | bytes, code: int, words: str) -> Bad:
    """A post that cannot be rendered."""
    return Bad(code, words, {"post.md": text})


def roll(text: str | bytes, code: int, words: str) -> Bad:
    """A list that nothing can be sent to."""
    return sending(code, words, "--to", "list.csv", "--dry-run", files={"post.md": HELLO, "list.csv": text})


def sending(code: int, words: str, *options: str, files: dict[str, bytes | str] | None = None) -> Bad:
    return Bad(code, words, files or {"post.md": HELLO, "list.csv": ONE}, ("send", "post.md", *options))


def relayed(code: int, words: str, relay: str, **files: bytes | str) -> Bad:
    """A real send that must not begin. Nothing listens on port 1."""
    everything = {"post.md": HELLO, "list.csv": ONE, **{name.replace("_", "."): text for name, text in files.items()}}
    return sending(code, words, "--to", "list.csv", "--relay", relay, "--yes", "--first", files=everything)


def catching(words: str, *options: str, **files: bytes | str) -> Bad:
    """A place to keep the mail that cannot be had."""
    everything = {"post.md": HELLO, "list.csv": ONE, **{name.replace("_", "/"): text for name, text in files.items()}}
    return sending(2, words, "--to", "list.csv", "--catch", "--yes", "--no-wait", *options, files=everything)


NOWHERE = "smtp://127.0.0.1:1"
UNPUBLISHED = "---\ntitle: x\npublished: false\n---\n\nText.\n"
BAROQUE = "---\ntitle: x\nnewsletter: {template: baroque}\n---\n\nText.\n"
IMPRINT = "newsletter.from, newsletter.postal_address, newsletter.unsubscribe_mailto must be set"
BAD: dict[str, Bad] = {
    "missing post": Bad(1, "post.md: there is no such file", {}),
    "folder": Bad(1, "folder: this is a folder; name the post inside it", {"folder/a.md": HELLO}, ("render", "folder")),
    "empty post": post("", 1, "post.md: the post is empty"),
    "blank post": post(" \n\n\t\n", 1, "post.md: the post is empty"),
    "binary": post(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 1, "post.md:3: this is a binary file"),
    "wrong encoding": post("# caf\xe9\n".encode("latin-1"), 1, "post.md:1:6: tried UTF-8, and byte 0xe9 does not fit"),
    "broken YAML": post("---\ntitle: x\n- a list\n---\n\nText.\n", 1, "post.md:3"),
    "unclosed front matter": post("---\ntitle: x\n\nText.\n", 1, "post.md:"),
    "unclosed fence": post("# Hi\n\n```\ncode\n", 1, "post.md:3: the code fence ``` is never closed"),
    "missing theme": post(BAROQUE, 2, "baroque"),
    "list without email": roll("street,name\n1 Main Street,A\n", 1, "list.csv:1: no column is named email"),
    "empty list": roll("", 1, "list.csv: the list is empty"),
    "list without rows": roll("email,name\n", 1, "list.csv: nobody is on the list"),
    "list of bad rows": roll("email\nx\ny\n", 1, "list.csv: none of its 2 rows has an address"),
    "list in latin-1": roll(b"email,name\na@example.com,caf\xe9\n", 1, "list.csv:2: byte 18 of the line, 0xe9"),
    "binary list": roll(b"\0\1\2", 1, "list.csv: a binary file"),
    "missing list": sending(2, "none.csv: there is no such file", "--to", "none.csv", "--dry-run"),
    "list is a folder": sending(2, ".: a folder, not a list", "--to", ".", "--dry-run"),
    "no list": sending(2, "nobody to send to; write --to", "--dry-run"),
    "bad test address": sending(2, "--test 'nobody' is not an email address", "--test", "nobody", "--dry-run"),
    "broken configuration": Bad(2, "newsletter.toml:1", {"post.md": HELLO, "newsletter.toml": "[newsletter\n"}),
    "missing configuration": Bad(2, "no.toml", {"post.md": HELLO}, ("render", "post.md", "--config", "no.toml")),
    "no relay": sending(2, "no [relay] url is set", "--to", "list.csv", "--yes", "--first"),
    "bad relay": relayed(2, 'the relay is "http://…", not an SMTP address', "http://x"),
    "password in the relay": relayed(2, "NEWSLETTER_SMTP_PASSWORD", f"smtp://me:{PASSWORD}@localhost"),
    "far relay without an imprint": relayed(2, IMPRINT, "smtp://mail.example.com"),
    "not published": relayed(1, "`published: false` says not to send", NOWHERE, post_md=UNPUBLISHED),
    "ledger is no ledger": relayed(2, "newsletter.db: not a ledger", NOWHERE, newsletter_db="x" * 100),
    "two ways at once": sending(2, "exclude each other", "--dry-run", "--catch"),
    "mbox without a catcher": sending(2, "go with --catch", "--mbox", "a.mbox"),
    "mbox is a folder": catching("box", "--mbox", "box", box_x=""),
    "maildir is a file": catching("box", "--maildir", "box", box=""),
    "out is a file": Bad(2, "cannot be written", {"post.md": HELLO, "out": "a file"}),
    "unknown command": Bad(2, "No such command 'sned'", {}, ("sned",)),
    "unknown option": Bad(2, "No such option", {"post.md": HELLO}, ("render", "post.md", "--ouch")),
    "no such port": Bad(2, "port 99999 does not exist", {}, ("catch", "--smtp-port", "99999")),
}


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Run, list[str], Path]]:
    """Each mistake made once: how it ended, and the files that stand there afterwards."""

    def make(name: str) -> tuple[Run, list[str], Path]:
        bad = BAD[name]
        folder = tmp_path_factory.mktemp("bad", numbered=True)
        for file, content in bad.files.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        run = newsletter(*bad.command, cwd=folder)
        left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        return run, left, folder

    return {name: make(name) for name in BAD}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_sentence_and_an_exit_code(
    name: str, mistakes: dict[str, tuple[Run, list[str], Path]]
) -> None:
    bad, (run, left, folder) = BAD[name], mistakes[name]
    assert "Traceback" not in run.err, run.err
    assert run.code == bad.code, run.err
    sentences = [line for line in run.err.splitlines() if not line.startswith(("warning: ", "Usage: ", "Try "))]
    assert bad.words in run.err
    assert PASSWORD not in run.err
    if "Usage:" not in run.err and "--catch" not in bad.command:
        assert len(sentences) == 1, run.err
    # Nothing half-written: what stood there stands there, and no more.
    assert [path for path in left if not path.startswith("newsletter.db")] == sorted(
        str(Path(file)) for file in bad.files if not file.startswith("newsletter.db")
    )
    for file, content in bad.files.items():
        assert (folder / file).read_bytes() == (content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("# Hi\n\n![]()\n\nText.\n", "post.md:3: the image has no URL and is left out; write the image's address"),
        (
            "# Hi\n\n[x](javascript:alert(1)) text\n",
            "post.md:3: the link begins with “javascript:”, which no mail client",
        ),
    ],
)
def test_what_no_reader_may_get_is_left_out_with_a_warning(tmp_path: Path, text: str, warning: str) -> None:
    write_post(tmp_path, text, "post.md")
    run = newsletter("render", "post.md", cwd=tmp_path)
    assert run.code == 0
    assert f"warning: {warning}" in run.err
    for name in ("email.html", "email.txt"):
        assert "javascript:" not in (tmp_path / "out" / "post" / name).read_text("utf-8")
        assert 'src=""' not in (tmp_path / "out" / "post" / name).read_text("utf-8")


def test_each_fault_of_the_configuration_has_a_line_of_its_own(tmp_path: Path) -> None:
    write_post(tmp_path)
    (tmp_path / "newsletter.toml").write_text('[relay]\ntimeout_s = "soon"\nports = 25\n[newsletter]\n"a\\nb" = 1\n')
    run = newsletter("render", "2026-03-01-hello.md", cwd=tmp_path)
    assert (run.code, run.out) == (2, "")
    assert [line.partition(" ")[0] for line in run.err.splitlines()] == [f"newsletter.toml:{n}:" for n in (2, 3, 4)]
    assert r"\n" in run.err.splitlines()[2], "a line end inside a key is not one of ours"


# --- bad relays -----------------------------------------------------------------------------------------------------


def refused(folder: Path, relay: str, more: str = "", **env: str) -> str:
    """The sentence of a relay that could not be had: exit 3, and no secret told."""
    (folder / "newsletter.toml").write_text(TOML + more)
    run = newsletter(*SEND, "--relay", relay, "--yes", "--first", cwd=folder, NEWSLETTER_SMTP_PASSWORD=PASSWORD, **env)
    assert run.code == 3, run.err
    assert PASSWORD not in run.out + run.err
    lines = [line for line in run.err.splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1, run.err
    return lines[0]


def test_an_unreachable_relay(folder: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        sentence = refused(folder, f"smtp://127.0.0.1:{unused.getsockname()[1]}")
    assert "cannot connect (Connection refused)" in sentence
    with SmtpServer() as server:  # nobody was taken for mailed
        again = newsletter(*SEND, "--relay", server.url, "--yes", "--first", "--json", cwd=folder)
    assert (again.code, again.json["sent"]) == (0, 2)


def test_a_silent_relay(folder: Path) -> None:
    with SmtpServer(Rule("connect", Fault.SILENCE)) as server:
        assert "no answer in time" in refused(folder, server.url, "[relay]\ntimeout_s = 0.5\n")


def test_a_wrong_password(folder: Path) -> None:
    with SmtpServer(login=("me", "another word")) as server:
        sentence = refused(folder, server.url.replace("smtp://", "smtp://me@"))
    assert "the login as me was refused (535 5.7.8 credentials invalid)" in sentence
    assert server.seen("MAIL") == 0


def test_a_refused_certificate_and_the_same_one_trusted(folder: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with SmtpServer(tls=context, implicit=True, login=("me", PASSWORD)) as server:
        relay = f"smtps://me@localhost:{server.port}"
        assert "the certificate was refused (" in refused(folder, relay)
        assert not server.commands
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        run = newsletter(
            "send", "2026-03-01-hello.md", "--test", "me@example.com", "--relay", relay, "--yes",
            cwd=folder, NEWSLETTER_SMTP_PASSWORD=PASSWORD, SSL_CERT_FILE=str(tmp_path / "ca.pem"),
        )  # fmt: skip
    assert run.code == 0, run.err
    assert server.recipients == ["me@example.com"]


def test_a_relay_s_words_move_no_cursor(folder: Path) -> None:
    with SmtpServer(Rule("RCPT", b"550 5.1.1 \x1b[2Jgone \xff\xfe\r\n")) as server:
        run = newsletter(*SEND, "--relay", server.url, "--yes", "--first", cwd=folder)
        told = newsletter(*SEND, "--relay", server.url, "--yes", "--first", "--json", cwd=folder)
    assert "\x1b" not in run.out + run.err
    assert "gone" in run.out
    assert [entry["code"] for entry in told.json["refused"]] == [550, 550]


# --- asking ---------------------------------------------------------------------------------------------------------


def test_without_a_terminal_and_without_yes_it_refuses(folder: Path) -> None:
    with SmtpServer() as server:
        run = newsletter(*SEND, "--relay", server.url, cwd=folder, stdin=b"y\n")
        assert (run.code, server.connections) == (2, 0)
    assert "Send to 2 subscribers? There is no terminal to ask on; write --yes" in run.err
    assert "Hello" in run.out
    assert newsletter("status", "--json", cwd=folder).json["issues"] == []


class Terminal:
    """A command on a terminal of its own, as pty(7) makes one."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self.screen = ""
        self._ours, theirs = pty.openpty()
        self.process = spawn(
            *arguments,
            cwd=cwd,
            env={"TERM": "xterm", "COLUMNS": "120"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            new_session=True,
        )
        os.close(theirs)

    def read_until(self, words: str) -> str:
        deadline = monotonic() + DEADLINE_S
        while words not in self.screen:
            ready, _, _ = select.select([self._ours], [], [], max(0, deadline - monotonic()))
            assert ready, self.screen
            assert self._read(), f"it ended: {self.screen}"
        return self.screen

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(DEADLINE_S)

    def hang_up(self) -> None:
        """As closing its window does: the terminal is gone, and the process is told."""
        os.close(self._ours)
        self.process.send_signal(signal.SIGHUP)

    def _read(self) -> bool:
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # Linux: the other side is closed
            return False
        self.screen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


def test_on_a_terminal_a_wait_is_a_line_that_lives(folder: Path) -> None:
    """Why, until when and in which zone, how long still, and that Ctrl-C is safe."""
    now = datetime.now(UTC)
    end = now + timedelta(hours=2)
    with SmtpServer() as server:
        quiet = f'quiet_hours = "{now - timedelta(hours=1):%H:%M}-{end:%H:%M}"\ntime_zone = "Africa/Abidjan"'
        (folder / "newsletter.toml").write_text(f'[relay]\nurl = "{server.url}"\n[delivery]\n{quiet}\n', "utf-8")
        terminal = Terminal(*SEND, cwd=folder)
        terminal.read_until("Send to 2 subscribers? [y/N]")
        terminal.type("y\n")
        terminal.read_until(f"quiet hours; going on at {end:%Y-%m-%d %H:%M} Africa/Abidjan")
        screen = terminal.read_until("Ctrl-C is safe")
        assert re.search(r"quiet hours: until \d{4}-\d\d-\d\d \d\d:\d\d \S+, 1:5\d:\d\d to go; Ctrl-C is safe", screen)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 3
        assert "goes on with those who are left" in terminal.screen
        assert server.seen("EHLO") == 0


def test_a_closed_terminal_lets_the_messages_under_way_end(folder: Path) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        terminal = Terminal(*SEND, "--relay", server.url, cwd=folder)
        terminal.read_until("[y/N]")
        terminal.type("y\n")
        server.wait_for(lambda server: server.seen("dot") == 1)
        terminal.hang_up()
        server.release(9)
        assert terminal.process.wait(DEADLINE_S) == 3
    told = newsletter("status", "2026-03-01-hello", "--json", cwd=folder).json
    # The next one may have been begun before the signal came.
    assert (told["sent"] + told["left"], told["uncertain"]) == (2, 0)
    assert told["sent"] == len(server.messages)


@pytest.mark.parametrize("answer", ["\n", "n\n"])
def test_no_means_no(folder: Path, answer: str) -> None:
    with SmtpServer() as server:
        terminal = Terminal(*SEND, "--relay", server.url, cwd=folder)
        screen = terminal.read_until("Send to 2 subscribers? [y/N]")
        for words in ("Hello", "2 of 2 rows in list.csv", server.url, "Newsletter <newsletter@localhost>"):
            assert words in screen
        terminal.type(answer)
        assert terminal.end() == 2
        assert server.connections == 0
    assert "nothing was sent" in terminal.screen
    assert "Traceback" not in terminal.screen
    assert newsletter("status", "--json", cwd=folder).json["issues"] == []


def test_yes_means_yes(folder: Path) -> None:
    with SmtpServer() as server:
        terminal = Terminal(*SEND, "--relay", server.url, cwd=folder)
        terminal.read_until("Send to 2 subscribers? [y/N]")
        assert server.connections == 0
        terminal.type("y\n")
        assert terminal.end() == 0
    assert "Sent           2" in terminal.screen
    assert server.recipients == people(2)


def test_on_a_terminal_the_inbox_stays_open(folder: Path) -> None:
    terminal = Terminal(*SEND, "--catch", "--yes", cwd=folder)
    screen = terminal.read_until("Press Ctrl-C to stop.")
    url = screen.partition("Inbox: ")[2].split()[0]
    with urllib.request.urlopen(url, timeout=600) as page:
        assert "reader001@example.com" in page.read().decode()
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 0
    assert "Traceback" not in terminal.screen


# --- the rest -------------------------------------------------------------------------------------------------------


def test_help_names_the_commands_and_loads_nothing_heavy(tmp_path: Path) -> None:
    run = newsletter("--help", cwd=tmp_path)
    assert run.code == 0
    for command in ("render", "send", "catch"):
        assert f"  {command} " in run.out
    program = (
        "import sys\nfrom newsletter.cli.main import main\nsys.argv = ['newsletter', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "import json; print('@@' + json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=tmp_path, check=True, timeout=600)
    loaded = set(json.loads(done.stdout.decode().partition("@@")[2]))
    assert "newsletter.cli.main" in loaded
    heavy = {
        "premailer",
        "lxml",
        "sqlalchemy",
        "mjml",
        "jinja2",
        "aiosmtplib",
        "aiosmtpd",
        "PIL",
        "uvicorn",
    }
    assert loaded & heavy == set()


def test_a_rendering_loads_what_it_needs_alone(tmp_path: Path) -> None:
    """Each of these takes as long to load as a post to render; what a command imports, it pays for at each start."""
    write_post(tmp_path)
    program = (
        "import sys\nfrom newsletter.cli.main import main\n"
        "sys.argv = ['newsletter', 'render', '2026-03-01-hello.md', '--out', 'out']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "import json; print('@@' + json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=tmp_path, check=True)
    loaded = set(json.loads(done.stdout.decode().partition("@@")[2]))
    assert {"newsletter.render.render_issue", "jinja2"} <= loaded
    needless = {"sqlalchemy", "httpx", "aiosmtplib", "aiosmtpd", "uvicorn", "starlette", "email_validator"}
    needless |= {"PIL", "sqlite3", "socket", "subprocess", "email.policy", "concurrent.futures"}
    needless |= {"rich.console"}  # its widths of letters alone are light
    assert loaded & needless == set()


def test_a_command_that_is_done_frees_nothing_more(tmp_path: Path) -> None:
    """Looking for garbage at the end, among all that was imported, takes a fifth of a cold rendering."""
    program = (
        "import atexit, gc, sys\nfrom newsletter.__main__ import main\nsys.argv = ['newsletter', '--version']\n"
        "atexit.register(lambda: print('left', len(gc.get_objects()), 'frozen', gc.get_freeze_count()))\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)
    left, frozen = map(int, done.stdout.splitlines()[-1].split()[1::2])
    assert left < 1_000 < frozen


def test_the_version_names_the_distribution_to_upgrade(tmp_path: Path) -> None:
    assert version(DISTRIBUTION) == __version__
    assert newsletter("--version", cwd=tmp_path).out == f"{DISTRIBUTION}, version {__version__}\n"


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "newsletter", "send", "--help"], cwd=tmp_path, capture_output=True, env=environment()
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"Usage: python -m newsletter send")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_catch_takes_mail_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    process = start("catch", "--smtp-port", "0", "--web-port", "0", cwd=tmp_path, PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    assert process.stderr is not None
    lines = [process.stdout.readline().decode() for _ in range(2)]
    assert lines[0].startswith("SMTP:  smtp://127.0.0.1:")
    assert lines[1].startswith("Inbox: http://127.0.0.1:")
    assert process.stderr.readline() == b"Press Ctrl-C to stop.\n"
    port = int(lines[0].rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port, timeout=600) as client:
        client.sendmail("a@example.com", ["b@example.com"], "Subject: caught\r\n\r\ntext\r\n")
    with urllib.request.urlopen(lines[1].split()[1], timeout=600) as page:
        assert "caught" in page.read().decode()
    process.send_signal(number)
    run = finish(process)
    assert (run.code, run.err) == (0, "")


@pytest.mark.parametrize("option", ["--out", "--config"])
def test_an_empty_path_is_not_the_folder_we_are_in(folder: Path, option: str) -> None:
    before = sorted(folder.iterdir())
    run = newsletter("render", "2026-03-01-hello.md", option, "", cwd=folder)
    assert (run.code, run.err) == (2, f"{option} is empty; write the path that is meant\n")
    assert sorted(folder.iterdir()) == before


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = newsletter("catch", "--smtp-port", port, "--web-port", "0", cwd=tmp_path)
    assert run.code == 2
    assert f"port {port} on 127.0.0.1 is taken by another program" in run.err


@pytest.mark.parametrize("command", [("--help",), (*SEND, "--dry-run")])
def test_a_reader_that_has_gone_is_no_error(folder: Path, command: tuple[str, ...]) -> None:
    """`newsletter ... | head -1`: the pipe is closed before anything was written to it."""
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [PROGRAM, *command], cwd=folder, env=environment(), stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    _, err = process.communicate(timeout=DEADLINE_S)
    assert b"Traceback" not in err
    assert b"BrokenPipe" not in err
    assert b"Exception" not in err


@pytest.mark.parametrize(
    "command",
    [
        ("--help",),
        ("subscribers", "check", "list.csv", "--json"),
        ("subscribers", "diff", "list.csv", "long.csv", "--json"),
        ("subscribers", "diff", "list.csv", "long.csv", "--all"),
    ],
)
def test_an_output_that_takes_nothing_is_one_sentence(folder: Path, command: tuple[str, ...]) -> None:
    write_list(folder, *people(3_000), name="long.csv")
    with (folder / "out.txt").open("wb") as out:
        # The shell forbids what it starts to write to any file.
        done = subprocess.run(
            ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", PROGRAM, *command],
            cwd=folder,
            env=environment(),
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=DEADLINE_S,
        )
    assert done.stderr == b"standard output cannot be written (File too large); write it to another place\n"
    assert done.returncode == 2


@pytest.mark.parametrize(
    "encoding",
    ["latin-1", "ascii:strict", *(pytest.param(name, marks=pytest.mark.whole) for name in ("ascii", "utf-8"))],
)
def test_a_letter_that_the_terminal_lacks_ends_no_run(folder: Path, encoding: str) -> None:
    (folder / "list.csv").write_text("email,name,好😀é\nann@example.com,王,\nbo\x9b2J,x,\n", "utf-8")
    command = [PROGRAM, "subscribers", "check", "list.csv"]
    env = environment(PYTHONIOENCODING=encoding)
    shown = subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=DEADLINE_S)
    assert (shown.returncode, shown.stderr) == (1, b"")
    told = subprocess.run([*command, "--json"], cwd=folder, env=env, capture_output=True, timeout=DEADLINE_S)
    assert "\x9b" not in told.stdout.decode(encoding.partition(":")[0])
    found = json.loads(told.stdout.decode(encoding.partition(":")[0]))
    assert found["columns"][2] == "好😀é"
    assert "\\x9b2J" in found["findings"][0]["what"]


def test_a_send_goes_on_when_its_reader_has_gone(folder: Path) -> None:
    """Nobody loses their mail over a closed window: the ledger has what was done, and the next run does the rest."""
    with SmtpServer() as server:
        reader, writer = os.pipe()
        os.close(reader)
        command = [PROGRAM, *SEND, "--relay", server.url, "--yes", "--first"]
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        _, err = process.communicate(timeout=DEADLINE_S)
        assert b"Traceback" not in err
        again = newsletter(*SEND, "--relay", server.url, "--yes", "--first", "--json", cwd=folder)
    assert again.code == 0
    assert again.json["sent"] + again.json["already_sent"] == 2
    assert sorted(server.recipients) == people(2)
