"""The tutorial's commands as they stand, from the built wheel; and the Chinese pages have the same ones."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import textwrap
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CHECKOUT, DEADLINE_S, shortcut

PORT = "2525"


def commands(page: str, kind: str) -> list[str]:
    """The lines of a page's fences of one kind, without what is said beside them."""
    text = (CHECKOUT / page).read_text("utf-8")
    fences = re.findall(rf"^( *)```{kind}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = "\n".join(textwrap.dedent(body) for _, body in fences).splitlines()
    kept = iter(re.sub(r" +# .*", "", line) for line in lines)
    return [_with_its_text(line, kept) for line in kept if line.strip()]


def _with_its_text(line: str, rest: Iterator[str]) -> str:
    """A command with the lines that it reads up to the mark behind `<<`."""
    if not (mark := re.search(r"<<'(\w+)'", line)):
        return line
    text = [line]
    while text[-1] != mark[1]:
        text.append(next(rest))
    return "\n".join(text)


@pytest.mark.parametrize(
    ("page", "other", "kind"),
    [
        ("docs/tutorial.md", "docs/tutorial.zh.md", "console"),
        ("docs/tutorial.md", "docs/tutorial.zh.md", "sh"),
        ("README.md", "README.zh.md", "sh"),
    ],
)
def test_both_languages_have_the_same_commands(page: str, other: str, kind: str) -> None:
    assert commands(page, kind)
    assert commands(other, kind) == commands(page, kind)


@pytest.fixture(scope="module", params=["source", pytest.param("wheel", marks=pytest.mark.whole)])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the command: of this source, or in a new environment that has the built wheel.

    Other packages are those of this one.
    """
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "source":
        shortcut(folder)
        return folder
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    assert subprocess.run(build, cwd=CHECKOUT, capture_output=True).returncode == 0
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    scripts = folder / "venv" / "bin"
    python = scripts / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.run([python, "-c", where], capture_output=True, text=True).stdout.strip())
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    others = [path for path in sys.path if path.endswith("-packages")] or [sysconfig.get_path("purelib")]
    (packages / "others.pth").write_text("\n".join(others) + "\n")
    code = "import newsletter; print(newsletter.__file__)"
    found = subprocess.run([python, "-c", code], cwd=folder, capture_output=True, text=True).stdout
    assert found.startswith(str(packages))
    return scripts


def test_the_tutorial_runs_as_it_stands(installed: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    env = {**os.environ, "PATH": f"{installed}{os.pathsep}{os.environ['PATH']}", "BROWSER": "true"}
    env["HOME"] = str(tmp_path)
    folder, said = tmp_path, dict[str, str]()
    running: list[subprocess.Popen[str]] = []
    try:
        for line in commands("docs/tutorial.md", "console"):
            command = line.replace(PORT, port)
            if command.startswith("newsletter catch"):
                command += " --web-port 0"  # another catcher may run on this machine
            if command.startswith("cd "):
                folder /= command.removeprefix("cd ")
                continue
            if command.startswith(("newsletter preview", "newsletter catch")):
                server = subprocess.Popen(
                    ["bash", "-c", f"exec {command}"], cwd=folder, env=env, stdout=subprocess.PIPE, text=True
                )
                running.append(server)
                assert server.stdout is not None
                while "http://" not in (shown := server.stdout.readline()):
                    assert shown, f"{command} ended"
                continue
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
            )
            said[line] = done.stdout + done.stderr
            # The doctor finds no relay: the page says so.
            assert done.returncode == 0 or line.startswith("newsletter doctor"), (line, said[line])
    finally:
        for server in running:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=DEADLINE_S)
    first, again = (said[line] for line in said if "--relay" in line)
    assert [server.returncode for server in running] == [0, 0]
    assert first.count("sent to 1") == 1
    assert "good-morning" in first
    assert "Nothing is due" in again
    assert (folder / "backups" / "newsletter.db").stat().st_size
    (doctor,) = (said[line] for line in said if "doctor" in line)
    assert re.search(r"^green +ledger ", doctor, re.MULTILINE)
