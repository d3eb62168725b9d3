"""`publish --crontab`: lines that cron can run as they stand, from anywhere and without anything in the environment."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from command_line import newsletter, write_list

from newsletter.cli.crontab_lines import crontab_lines
from newsletter.config.load import load_config
from newsletter.errors import ConfigError

NOW = datetime(2026, 3, 2)
PUBLISH = ("publish", "--to", "list.csv")


def lines(folder: Path, toml: str = "", words: tuple[str, ...] = PUBLISH) -> list[str]:
    (folder / "newsletter.toml").write_text(f'[newsletter]\nname = "Quill"\n{toml}')
    config = load_config(folder / "newsletter.toml", {}, folder)
    return list(crontab_lines(config, words, Path("/srv/my letters/100%"), ["/opt/news/bin/newsletter"], NOW))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set this machine's zone."""

    def change(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield change
    monkeypatch.undo()
    time.tzset()


def test_paths_are_whole_and_quoted(tmp_path: Path) -> None:
    head, line = lines(tmp_path)
    assert head == "# Quill: put these lines into `crontab -e`. cron mails you what they print."
    assert line == (
        "7,37 * * * *  cd '/srv/my letters/100\\%' && /opt/news/bin/newsletter publish --to list.csv --quiet"
    )


@pytest.mark.parametrize(
    ("machine", "publish", "zone", "hours"),
    [
        ("UTC", 'send_at = "08:00"\nlatest = "11:30"', "UTC", "8-11"),
        ("UTC", 'send_at = "08:00"\nlatest = "12:00"', "Europe/Berlin", "6-11"),  # 7 in winter, 6 in summer
        ("Europe/Berlin", 'send_at = "08:00"\nlatest = "09:00"', "Europe/Berlin", "8-9"),
        ("UTC", 'send_at = "08:00"', "UTC", "8-23"),
        ("UTC", 'latest = "06:00"', "UTC", "0-6"),
        ("UTC", 'send_at = "22:00"\nlatest = "01:00"', "UTC", "0-1,22-23"),
        ("UTC", 'send_at = "07:00"\nlatest = "07:30"', "Asia/Kolkata", "1-2"),
        ("Asia/Shanghai", 'send_at = "07:00"\nlatest = "08:00"', "America/New_York", "19-21"),
    ],
)
def test_the_hours_are_this_machines(
    tmp_path: Path, clock: Callable[[str], None], machine: str, publish: str, zone: str, hours: str
) -> None:
    clock(machine)
    line = lines(tmp_path, f'[publish]\n{publish}\n[delivery]\ntime_zone = "{zone}"\n')[1]
    assert line.split()[1] == hours


def test_bounces_and_clicks_have_lines_where_they_are_read(tmp_path: Path) -> None:
    toml = '[bounces]\nmailbox = "imaps://b@quill.test/INBOX"\n[watch]\nsync = "https://w.quill.test/clicks"\n'
    _, _, bounces, sync = lines(tmp_path, toml, (*PUBLISH, "--config", "quill.toml"))
    assert bounces.endswith("/opt/news/bin/newsletter bounces --config quill.toml >/dev/null")
    assert sync.endswith("newsletter sync https://w.quill.test/clicks --config quill.toml >/dev/null")


def test_a_line_break_in_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line break or control character; rename it"):
        lines(tmp_path, words=("publish", "--to", "a\nb.csv"))


def test_cron_runs_the_line_as_it_stands(tmp_path: Path) -> None:
    write_list(tmp_path, "ann@quill.test")
    (tmp_path / "posts").mkdir()
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "Quill"\nfrom = "ada@quill.test"\n')
    run = newsletter(*PUBLISH, "--first", "--crontab", cwd=tmp_path, NEWSLETTER_SECRET="a-secret-of-some-length")
    assert run.code == 0, run.err
    assert "NEWSLETTER_SECRET: set in your environment, which cron does not have" in run.err
    assert "a-secret-of-some-length" not in run.out + run.err
    _, line = run.out.splitlines()
    command = line.split("  ", 1)[1].replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", command], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert str(Path(sys.executable).parent) in command


def test_what_prints_does_not_send(tmp_path: Path) -> None:
    run = newsletter(*PUBLISH, "--crontab", "--catch", cwd=tmp_path)
    assert (run.code, "--crontab only prints" in run.err) == (2, True)
