"""A post looked over: every rule as a triplet, the command line, the file that --fix rewrites."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cases import Case, read_cases
from command_line import HELLO, newsletter, write_list, write_post
from image_server import allow_here
from link_server import serving
from machine import CHECKOUT, RequireProgram

from newsletter.check import fix_post as fix_module
from newsletter.check.check_post import ask_links, ask_spam, check_post, finding_of, secure_links
from newsletter.check.fix_post import fix_post
from newsletter.check.links.checker import LinkChecker
from newsletter.check.rendered.width import width_findings
from newsletter.check.rule_list import RULES, Rule, describe
from newsletter.check.source.fixes import FixedText, fix_text
from newsletter.config.load import load_config
from newsletter.errors import ContentError, Located, located
from newsletter.model.findings import Finding
from newsletter.model.transform import map_images
from newsletter.post.parse import parse_post

CONFIGURED = (
    '[newsletter]\nname = "N"\nfrom = "n@example.com"\npostal_address = "1 Main Street"\n'
    'unsubscribe_mailto = "leave@example.com"\n'
)
SLIPS = (
    "---\ntitle: March\ndescription: What moved in March, in five stories and one picture.\n---\n"
    "1. A chip. [[Source](https://a.example/1)]\n2. ** A model ** for nobody. [Source](https://a.example/2)\n"
)
FIXED = (
    "---\ntitle: March\ndate: 2026-03-01\ndescription: What moved in March, in five stories and one picture.\n---\n"
    "1. A chip. [Source](https://a.example/1)\n2. **A model** for nobody. [Source](https://a.example/2)\n"
)


def rule_of(code: str) -> Rule | None:
    """The rule that a finding belongs to: of its name, else of its family."""
    own = next((rule for rule in RULES if rule.code == code), None)
    families = (rule for rule in RULES if rule.code.endswith("*") and code.startswith(rule.code[:-1]))
    return own or next(families, None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "newsletter.toml").write_text(CONFIGURED)
    return tmp_path


@pytest.mark.parametrize("case", read_cases("checks"), ids=lambda case: case.title)
def test_findings(case: Case, project: Path) -> None:
    post = write_post(project, case.source, "2026-03-01-post.md")
    checked = check_post(str(post), load_config(project / "newsletter.toml", {}, project))
    found = [f"{each.line or '-'} {each.code} {each.severity}" for each in checked.findings if _told(each)]
    assert found == (case.expected.split("\n") if case.expected else [])
    assert all(each.what and each.remedy for each in checked.findings)


def _told(finding: Finding) -> bool:
    return not finding.code.startswith(("client-", "spam"))


def test_a_picture_too_flat_for_a_phone() -> None:
    issue = parse_post("# T\n\n![Prices](a.png)\n\n![Rule](b.png)", path="2026-03-01-a.md").issue
    sizes = {"a.png": (2000, 200), "b.png": (2000, 8)}
    sized = map_images(issue, lambda image: replace(image, width=sizes[image.src][0], height=sizes[image.src][1]))
    (finding,) = width_findings(sized, "")
    assert (finding.code, finding.line) == ("wide-picture", 3)
    assert finding.what == "a picture of 2000 by 200 pixels is 27 high on a phone: its words are lost"


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ('<table width="600"><tr><td>x</td></tr></table>', "<table> is 600 pixels wide"),
        ('<img width="600" src="a">', "<img> is 600 pixels wide"),
        ('<div style="width: 600px">x</div>', "<div> is 600 pixels wide"),
        ('<td style="min-width:600px">x</td>', "<td> is 600 pixels wide"),
        (f'<p style="white-space:nowrap">{"words " * 12}</p>', "keeps “words words"),
        ('<table width="100%"><tr><td style="width:600px">x</td></tr></table>', ""),
        ('<img width="600" style="max-width:100%" src="a">', ""),
        ('<!--[if mso]><table width="600"><![endif]-->x', ""),
        ('<td style="white-space:nowrap">12.</td>', ""),
        ("", ""),
    ],
)
def test_what_a_theme_keeps_wider_than_a_phone(html: str, what: str) -> None:
    issue = parse_post("# T\n\nx", path="2026-03-01-a.md").issue
    found = list(width_findings(issue, html and f"<html><body>{html}</body></html>"))
    assert [finding.code for finding in found] == (["wide-element"] if what else [])
    assert all(what in finding.what and finding.remedy for finding in found)


def test_what_the_theme_s_css_lacks_is_told_by_its_own_option(project: Path) -> None:
    post = write_post(project, FIXED, "2026-03-01-post.md")
    plain = newsletter("check", str(post), "--no-spam", "--all", cwd=project)
    assert "client-" not in plain.out
    theme = newsletter("check", str(post), "--no-spam", "--theme", cwd=project)
    assert len(re.findall("client-", theme.out)) == 1
    assert re.search(
        r"\d+ features that some mail programs lack and do without \(client-\*\); --all names them", theme.out
    )
    every = newsletter("check", str(post), "--no-spam", "--theme", "--all", cwd=project)
    assert len(re.findall(r"\[client-", every.out)) > 10


# --- rules ----------------------------------------------------------------------------------------------------------


def test_every_rule_is_named_once_and_documented() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    document = (CHECKOUT / "docs" / "checks.md").read_text("utf-8")
    assert describe() in document


def test_every_code_in_the_package_has_its_rule() -> None:
    # `note` of a post's reader names a key of the front matter.
    sources = [path for path in (CHECKOUT / "newsletter").rglob("*.py") if not _is_elsewhere(path)]
    codes = {
        f"front-matter-{found[1]}" if path.parent.name == "post" and "note(" in found[0] else found[1]
        for path in sources
        for found in re.finditer(r'(?:Finding|Fix|_?note)\(\s*f?"([a-z]+(?:-[a-z]+)*-?)"', path.read_text("utf-8"))
    }
    assert {"budget", "residue", "link-bare", "bold-spaces", "image-alt"} <= codes
    assert [code for code in sorted(codes) if rule_of(code) is None] == []


def _is_elsewhere(path: Path) -> bool:
    """Of a list, of clicks, of the preview's own trouble: no finding of a post."""
    return "audience" in path.parts or path.stem == "collected_clicks" or path.parent.name == "preview"


@pytest.mark.parametrize("case", read_cases("checks"), ids=lambda case: case.title)
def test_each_finding_has_the_severity_of_its_rule(case: Case) -> None:
    for line in case.expected.split("\n") if case.expected else ():
        _, code, severity = line.split()
        rule = rule_of(code)
        assert rule
        assert rule.severity == severity


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        (located("p.md", 3, "bad", "mend it", 7), Finding("unreadable", "bad", "mend it", 3, 7, "error")),
        (located("p.md", 3, "a; b", "c; d"), Finding("unreadable", "a; b", "c; d", 3, None, "error")),
        (located("p.md", None, "bad"), Finding("unreadable", "bad", "", None, None, "error")),
        (located("t.toml", 2, "bad"), Finding("unreadable", "bad", "", 2, None, "error", "t.toml")),
    ],
)
def test_an_error_as_a_finding(fault: Located, finding: Finding) -> None:
    assert finding_of(fault, "p.md") == finding
    assert finding.at("p.md") == fault


# --- the command line -----------------------------------------------------------------------------------------------


def test_text_and_exit_codes(project: Path) -> None:
    write_post(project, SLIPS, "2026-03-01-slips.md")
    run = newsletter("check", "2026-03-01-slips.md", cwd=project)
    assert run.code == 0
    told = "warning: the link “Source” is wrapped in brackets twice; write [Source](…) [link-wrapped]"
    assert f"2026-03-01-slips.md:5: {told}" in run.out
    assert run.out.splitlines()[-1].startswith("2026-03-01-slips.md: 2 warnings")
    assert "--fix mends 3" in run.out
    assert newsletter("check", "2026-03-01-slips.md", "--strict", cwd=project).code == 1
    assert newsletter("check", "nowhere.md", cwd=project).code == 1
    assert newsletter("check", cwd=project).code == 2
    assert newsletter("check", "2026-03-01-slips.md", "--dry-run", cwd=project).code == 2


def test_alike_findings_are_counted(project: Path) -> None:
    stories = "".join(f"{n}. Story {n}, ** bold **. [Source](https://a.example/{n})\n" for n in range(1, 13))
    write_post(project, f"---\ntitle: March\n---\n{stories}")
    run = newsletter("check", "2026-03-01-hello.md", cwd=project)
    assert run.out.count("[bold-spaces]") == 5
    assert "… and 7 more of bold-spaces; --all names them" in run.out
    assert newsletter("check", "2026-03-01-hello.md", "--all", cwd=project).out.count("[bold-spaces]") == 12


def test_json_is_as_documented(project: Path) -> None:
    write_post(project, SLIPS, "2026-03-01-slips.md")
    write_post(project, "---\ntitle: March\n", "broken.md")
    run = newsletter("check", "2026-03-01-slips.md", "broken.md", "--json", cwd=project)
    assert run.code == 1
    assert run.json["version"] == 1
    first, broken = run.json["posts"]
    assert run.json["counts"]["error"] == 1
    assert first["post"] == "2026-03-01-slips.md"
    assert first["issue"] == "2026-03-01-slips"
    assert first["fix"] is None
    assert first["html"]["encoded"] > first["html"]["decoded"] > 1_000
    wrapped = next(each for each in first["findings"] if each["rule"] == "link-wrapped")
    assert wrapped == {
        "rule": "link-wrapped",
        "severity": "warning",
        "line": 5,
        "column": None,
        "what": "the link “Source” is wrapped in brackets twice",
        "remedy": "write [Source](…)",
        "fixable": True,
    }
    assert (broken["issue"], broken["html"]) == (None, None)
    assert [(each["rule"], each["severity"]) for each in broken["findings"]] == [("unreadable", "error")]
    document = (CHECKOUT / "docs" / "checks.md").read_text("utf-8")
    for key in {*run.json, *first, *wrapped, "written", "backup", "mended", "diff"}:
        assert f"`{key}`" in document


def test_fields_that_the_list_lacks(project: Path) -> None:
    write_post(project, "---\ntitle: March\n---\nDear {{ subscriber.nickname }}\n")
    write_list(project, "ada@example.com")
    run = newsletter("check", "2026-03-01-hello.md", "--to", "list.csv", cwd=project)
    assert run.code == 1
    assert "error: subscriber.nickname is not a column of the list; write one of: email, name" in run.out


def test_standard_input(project: Path) -> None:
    run = newsletter("check", "-", cwd=project, stdin=SLIPS.encode())
    assert run.code == 0
    assert "<stdin>:5: warning: the link" in run.out
    fixed = newsletter("check", "-", "--fix", cwd=project, stdin=SLIPS.encode())
    assert fixed.code == 2
    assert "name the post" in fixed.err


# --- --fix ----------------------------------------------------------------------------------------------------------


def test_the_diff_is_what_was_written(project: Path, require_program: RequireProgram) -> None:
    post = write_post(project, SLIPS, "2026-03-01-slips.md")
    run = newsletter("check", "2026-03-01-slips.md", "--fix", cwd=project)
    assert run.code == 0
    assert post.read_text() == FIXED
    assert (project / "2026-03-01-slips.md.bak").read_text() == SLIPS
    assert "as it was, it is in 2026-03-01-slips.md.bak" in run.err
    diff = run.out[: run.out.index("2026-03-01-slips.md: ")]
    post.write_text(SLIPS)
    subprocess.run([require_program("git"), "apply", "-"], input=diff.encode(), cwd=project, check=True)
    assert post.read_text() == FIXED


def test_a_second_fix_finds_nothing(project: Path) -> None:
    post = write_post(project, SLIPS, "2026-03-01-slips.md")
    newsletter("check", "2026-03-01-slips.md", "--fix", cwd=project)
    run = newsletter("check", "2026-03-01-slips.md", "--fix", cwd=project)
    assert "nothing to mend" in run.err
    assert post.read_text() == FIXED
    assert sorted(path.name for path in project.glob("*.bak*")) == ["2026-03-01-slips.md.bak"]


def test_a_dry_run_writes_nothing(project: Path) -> None:
    post = write_post(project, SLIPS, "2026-03-01-slips.md")
    run = newsletter("check", "2026-03-01-slips.md", "--fix", "--dry-run", cwd=project)
    assert "+date: 2026-03-01" in run.out
    assert post.read_text() == SLIPS
    assert list(project.glob("*.bak*")) == []


def test_line_ends_mark_mode_link_and_older_backups_stay(project: Path) -> None:
    real = project / "real.md"
    real.write_bytes(b"\xef\xbb\xbf" + SLIPS.replace("\n", "\r\n").rstrip().encode())
    real.chmod(0o640)
    post = project / "2026-03-01-slips.md"
    post.symlink_to(real)
    (project / "2026-03-01-slips.md.bak").write_text("an older one")
    run = newsletter("check", "2026-03-01-slips.md", "--fix", "--json", cwd=project)
    assert real.read_bytes() == b"\xef\xbb\xbf" + FIXED.replace("\n", "\r\n").rstrip().encode()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert post.is_symlink()
    assert (project / "2026-03-01-slips.md.bak").read_text() == "an older one"
    fix = run.json["posts"][0]["fix"]
    assert fix["written"] is True
    assert fix["backup"] == "2026-03-01-slips.md.bak2"
    assert [each["rule"] for each in fix["mended"]] == ["date-missing", "link-wrapped", "bold-spaces"]
    assert "\\ No newline at end of file" in fix["diff"]


def test_the_backup_is_for_the_same_eyes(project: Path) -> None:
    post = write_post(project, SLIPS, "2026-03-01-slips.md")
    post.chmod(0o600)
    newsletter("check", post.name, "--fix", cwd=project)
    assert post.read_text() == FIXED
    assert [stat.S_IMODE(path.stat().st_mode) for path in (post, project / f"{post.name}.bak")] == [0o600, 0o600]


def test_what_is_no_file_is_no_backup(project: Path) -> None:
    post = write_post(project, SLIPS, "2026-03-01-slips.md")
    (project / f"{post.name}.bak").mkdir()
    (project / f"{post.name}.bak2").symlink_to("nowhere")
    (project / f"{post.name}.bak3").symlink_to(f"{post.name}.bak3")
    os.mkfifo(project / f"{post.name}.bak4")
    run = newsletter("check", post.name, "--fix", "--json", cwd=project)
    assert run.json["posts"][0]["fix"]["backup"] == f"{post.name}.bak5"
    assert (project / f"{post.name}.bak5").read_text() == SLIPS
    assert not (project / "nowhere").exists()


def test_a_name_too_long_for_a_backup_leaves_the_post(project: Path) -> None:
    post = write_post(project, SLIPS, f"2026-03-01-{'x' * 240}.md")
    run = newsletter("check", post.name, "--fix", cwd=project)
    assert run.code == 2
    assert "cannot be written (File name too long); rename the post" in run.err
    assert post.read_text() == SLIPS


def test_a_post_that_vanishes_meanwhile_is_a_sentence(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    post = write_post(project, SLIPS, "2026-03-01-slips.md")
    config = load_config(project / "newsletter.toml", {}, project)

    def while_it_vanishes(*arguments: Any) -> FixedText:
        post.unlink()
        return fix_text(*arguments)

    monkeypatch.setattr(fix_module, "fix_text", while_it_vanishes)
    with pytest.raises(ContentError, match="cannot be read any more"):
        fix_post(str(post), config)
    assert list(project.glob("*.bak*")) == []


def test_a_line_end_in_a_name_is_no_second_finding(project: Path) -> None:
    run = newsletter("check", "no\nsuch.md", "--json", cwd=project)
    assert [each["what"] for each in run.json["posts"][0]["findings"]] == ["there is no such file"]


HEAD = "---\ntitle: March\ndate: 2026-03-01\n---\n"


@pytest.mark.parametrize(
    "hidden",
    [
        "{% if subscriber.a %}\nA.\n{% else %}\n{% if subscriber.b %}\nHIDDEN\n{% endif %}\n{% endif %}",
        "{% if subscriber.a %}\nA.\n{% elsif subscriber.b %}\nHIDDEN\n{% else %}\nC.\n{% endif %}",
        "{% if subscriber.a %}\n{% unless subscriber.b %}\nHIDDEN\n{% endunless %}\n{% endif %}",
        "\n".join(f"{{% if subscriber.c{n} %}}\n{n}.\n{{% else %}}" for n in range(4))
        + "\n{% if subscriber.c4 %}\n{% if subscriber.c5 %}\nHIDDEN\n"
        + "\n".join(["{% endif %}"] * 6),
    ],
    ids=["nested", "elsif", "unless", "many"],
)
def test_code_that_some_readers_get_stays(project: Path, hidden: str) -> None:
    body = hidden.replace("HIDDEN", "Run `curl https://a.example/x`.")
    post = write_post(project, f"{HEAD}Of all: https://a.example/x\n\n{body}\n")
    newsletter("check", post.name, "--fix", cwd=project)
    assert post.read_text() == f"{HEAD}Of all: <https://a.example/x>\n\n{body}\n"


@pytest.mark.parametrize(
    "heading",
    [
        "Write `{{ subscriber.name }}`",
        "Write {% raw %}`{{ site.url }}`{% endraw %}",
        "Write {% raw %}`{[{ site.url }}`{% endraw %}",
        "Write `&[lt;b>`",
        "Write `C:\\new`",
        "For {{ subscriber.name }}",
        "Now `:smile:` is text",
    ],
)
def test_words_that_would_not_mean_themselves_are_no_alternative_text(project: Path, heading: str) -> None:
    source = f"{HEAD}## {heading}\n\n![](https://a.example/x.png)\n"
    post = write_post(project, source)
    before = newsletter("check", post.name, "--json", cwd=project).json["posts"][0]["findings"]
    assert [each["fixable"] for each in before if each["rule"] == "image-alt"] == [False]
    newsletter("check", post.name, "--fix", cwd=project)
    assert post.read_text() == source


def test_a_picture_by_a_path_is_mended_and_said_to_be(project: Path) -> None:
    (project / "newsletter.toml").write_text(CONFIGURED + '[site]\nurl = "https://blog.example"\n')
    post = write_post(project, f"{HEAD}## A chip\n\n![](images/x.png)\n")
    found = newsletter("check", post.name, "--json", cwd=project).json["posts"][0]["findings"]
    assert {each["rule"]: each["fixable"] for each in found if each["rule"].startswith("image")} == {
        "image-alt": True,
        "image-elsewhere": False,
    }
    newsletter("check", post.name, "--fix", cwd=project)
    assert post.read_text() == f"{HEAD}## A chip\n\n![A chip](images/x.png)\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the post is empty"),
        (b"\xff\xfeh\x00i\x00", "UTF-16"),
        (b"---\ntitle: T\n---\n\x00", "binary"),
        (b"---\ntitle: T\n---\n\xe4\xb8\xff", "does not fit"),
        (b"---\ntitle: T\n", "never closed"),
        (b"x" * 2_000_000, "more than 1,048,576 bytes"),
    ],
    ids=["empty", "utf-16", "nul", "latin", "unclosed", "large"],
)
def test_what_is_no_post(project: Path, content: bytes, words: str) -> None:
    post = project / "bad.md"
    post.write_bytes(content)
    for more in ((), ("--fix",)):
        run = newsletter("check", "bad.md", *more, cwd=project)
        assert run.code == 1
        assert words in run.out
        assert "[unreadable]" in run.out
    assert post.read_bytes() == content
    assert list(project.glob("*.bak*")) == []


def test_the_rest_is_checked_when_one_cannot_be_read(project: Path) -> None:
    write_post(project, HELLO)
    run = newsletter("check", "missing.md", "2026-03-01-hello.md", cwd=project)
    assert run.code == 1
    assert "there is no such file" in run.out
    assert "2026-03-01-hello.md:" in run.out
    assert run.out.splitlines()[-1].startswith("2 posts: 1 error")


# --- the real posts -------------------------------------------------------------------------------------------------


def test_the_known_faults_of_the_real_posts(posts: Path, project: Path) -> None:
    """Each is found, and what --fix mends is not found again."""
    known = {
        "2025-12-01-ai-daily": {"front-matter-quote", "image-alt", "link-http", "date-missing"},
        "2025-12-06-ai-daily": {"link-wrapped", "image-alt", "link-http", "date-missing"},
        "2025-12-12-ai-daily": {"bold-spaces", "link-bare", "story-space", "date-missing"},
        "2025-12-15-ai-daily": {"link-http", "date-missing"},
        "2026-01-17-ai-info-hub": set(),
    }
    for name in known:
        shutil.copy(posts / f"{name}.md", project)
    files = [f"{name}.md" for name in known]
    before = newsletter("check", *files, "--json", cwd=project).json
    for post in before["posts"]:
        assert known[Path(post["post"]).stem] <= {each["rule"] for each in post["findings"]}
    newsletter("check", *files, "--fix", cwd=project)
    after = newsletter("check", *files, "--json", cwd=project).json
    for old, new in zip(before["posts"], after["posts"], strict=True):
        left = {each["rule"] for each in new["findings"]}
        assert left & {rule.code for rule in RULES if rule.mended and rule.code != "link-http"} == set()
        kept = [each for each in old["findings"] if not each["fixable"]]
        assert len(new["findings"]) == len(kept), json.dumps(new["findings"], ensure_ascii=False)


# --- asking others --------------------------------------------------------------------------------------------------


def test_dead_links_by_line_and_https_where_it_answers(project: Path) -> None:
    with serving() as server:
        dead, alive = server.serve("/dead", (404, {})), server.serve("/alive")
        links = f"1. A. [Source]({alive})\n2. B. [Source]({dead})\n\n![A chip]({server.serve('/x', (404, {}))})\n"
        post = write_post(project, f"---\ntitle: March\ndate: 2026-03-01\n---\n{links}")
        config = load_config(project / "newsletter.toml", {}, project)
        checker = LinkChecker(allow=allow_here, pause=_at_once)
        checked = check_post(str(post), config, more=lambda rendering: ask_links(rendering, checker))
        told = [each for each in checked.findings if each.code in ("link-dead", "link-unsure", "link-moved")]
        assert [(each.code, each.line, each.severity) for each in told] == [
            ("link-dead", 6, "error"),
            ("link-dead", 8, "error"),
        ]
        assert [each.what.split("http")[0] for each in told] == ["the link ", "the picture "]
        # The server speaks no TLS.
        assert secure_links(str(post), config, checker) == frozenset()


async def _at_once(seconds: float) -> None:
    return


def test_links_of_this_machine_are_not_asked(project: Path) -> None:
    write_post(project, "---\ntitle: March\n---\n[a](http://127.0.0.1:9/) and [b](http://[::1]:9/)\n")
    run = newsletter("check", "2026-03-01-hello.md", "--links", cwd=project)
    assert run.code == 0
    assert run.out.count("it is on a private address") == 2


def test_the_spam_score(project: Path, spamc: tuple[str, ...]) -> None:
    gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    post = write_post(project, f"---\ntitle: March\n---\nSpam:\n\n```\n{gtube}\n```\n")
    config = load_config(project / "newsletter.toml", {}, project)
    when = datetime(2026, 3, 1, tzinfo=UTC)
    checked = check_post(str(post), config, more=lambda rendering: ask_spam(rendering, config, when, spamc))
    spam = [each for each in checked.findings if each.code.startswith("spam-")]
    assert spam[0].severity == "error"
    assert any("GTUBE" in each.what for each in spam)
    silent = check_post(str(post), config, more=lambda rendering: ask_spam(rendering, config, when, ("no-such-spamc",)))
    assert not any(each.code.startswith("spam-") for each in silent.findings)
