"""What `render` and `send --dry-run` leave on disk: complete, escaped, and openable in a browser."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path

from lxml import html

from newsletter.audience.audience import Audience
from newsletter.audience.lists.rows import Row
from newsletter.message.compose import Composer
from newsletter.model.delivery import Message, Sender
from newsletter.model.issue import Image, Issue, Paragraph, Text
from newsletter.model.rendered_email import Attachment, Email, Slot, Template
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.dry_run_files import SHOWN_RECIPIENTS, write_dry_run
from newsletter.pipeline.output_files import Written, write_rendering

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ISSUE = Issue(
    slug="2026-03-02-daily", title="日报", blocks=(Paragraph((Text("正文"),)),), lang="zh", hero=Image("cid:1@n")
)
SENDER = Sender("日报", "daily@example.com", unsubscribe_mailto="leave@example.com")
EVIL = '"><script>alert(1)</script>'
ADA = Subscriber("ada@example.com", {"email": "ada@example.com", "name": f"Ada {EVIL}", "city": "a,b\nc"})
BEN = Subscriber("ben@example.com", {"email": "ben@example.com", "plan": "free"})


def email(*attachments: Attachment) -> Email:
    return Email(
        subject=Template(("日报",)),
        preheader=f"preheader {EVIL}",
        html=Template(("<p>Dear ", Slot("name", "html"), ' <img src="cid:1@n"><img src="cid:2@n"></p>')),
        text=Template(("Dear ", Slot("name", "text"), "\n")),
        mjml="<mjml></mjml>",
        lang="zh",
        attachments=attachments,
    )


def sizes_are_right(written: tuple[Written, ...]) -> bool:
    return all(file.size == file.path.stat().st_size for file in written)


def test_a_rendering_is_four_files_and_the_pictures(tmp_path: Path) -> None:
    mail = email(Attachment("1@n", "image/png", "cat.png", b"one"))
    written = write_rendering(ISSUE, mail, SENDER, ADA, tmp_path / "out")
    names = [str(file.path.relative_to(tmp_path / "out")) for file in written]
    assert names == ["email.html", "email.txt", "email.mjml", "issue.json", "images/cat.png"]
    assert sizes_are_right(written)
    assert (tmp_path / "out" / "email.mjml").read_text() == "<mjml></mjml>"
    assert (tmp_path / "out" / "email.txt").read_text("utf-8") == f"Dear Ada {EVIL}\n"
    assert (tmp_path / "out" / "images" / "cat.png").read_bytes() == b"one"


def test_the_browser_s_copy_shows_the_pictures_from_their_files(tmp_path: Path) -> None:
    mail = email(Attachment("1@n", "image/png", "cat.png", b"one"), Attachment("2@n", "image/png", "dog.png", b"two"))
    write_rendering(ISSUE, mail, SENDER, ADA, tmp_path)
    assert pictures(tmp_path) == [b"one", b"two"]


def test_a_picture_of_any_name_is_found(tmp_path: Path) -> None:
    mail = email(
        Attachment("1@n", "image/png", "a b#c?d%20\"e'.png", b"one"), Attachment("2@n", "image/png", "图.png", b"two")
    )
    write_rendering(ISSUE, mail, SENDER, ADA, tmp_path)
    assert pictures(tmp_path) == [b"one", b"two"]


def pictures(folder: Path) -> list[bytes]:
    """The bytes behind each picture of email.html, found as a browser finds them."""
    from urllib.parse import unquote, urlsplit

    page = html.document_fromstring((folder / "email.html").read_text("utf-8"))
    return [(folder / unquote(urlsplit(image.get("src")).path)).read_bytes() for image in page.iter("img")]


def test_the_tree_is_json_for_people(tmp_path: Path) -> None:
    write_rendering(ISSUE, email(), SENDER, ADA, tmp_path)
    text = (tmp_path / "issue.json").read_text("utf-8")
    assert "日报" in text
    tree = json.loads(text)
    assert (tree["title"], tree["slug"], tree["lang"]) == ("日报", "2026-03-02-daily", "zh")
    assert tree["blocks"][0]["kind"] == "paragraph"
    assert tree["blocks"][0]["text"] == "正文"


def dry_run(
    folder: Path, *recipients: Subscriber, findings: tuple[str, ...] = ()
) -> tuple[Message, tuple[Written, ...]]:
    message = Composer(email(), SENDER, issue=ISSUE.slug, when=NOON).compose(recipients[0])
    written = write_dry_run(
        ISSUE,
        email(),
        SENDER,
        message,
        Audience.of(recipients),
        folder,
        project=folder,
        facts={"Subject": f"日报 {EVIL}"},
        findings=findings,
    )
    return message, written


def test_a_dry_run_leaves_everything_to_look_at(tmp_path: Path) -> None:
    message, written = dry_run(tmp_path / "out", ADA, BEN)
    assert {file.path.name for file in written} == {
        "email.html",
        "email.txt",
        "email.mjml",
        "issue.json",
        "message.eml",
        "recipients.csv",
        "index.html",
    }
    assert sizes_are_right(written)
    data = (tmp_path / "out" / "message.eml").read_bytes()
    assert data == message.data
    assert BytesParser(policy=policy.default).parsebytes(data)["To"].addresses[0].addr_spec == "ada@example.com"


def test_recipients_csv_reads_back(tmp_path: Path) -> None:
    dry_run(tmp_path, ADA, BEN)
    with (tmp_path / "recipients.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"email": "ada@example.com", "name": f"Ada {EVIL}", "city": "a,b\nc", "plan": ""},
        {"email": "ben@example.com", "name": "", "city": "", "plan": "free"},
    ]


def test_index_html_shows_all_of_it_and_runs_nothing_of_it(tmp_path: Path) -> None:
    message, _ = dry_run(tmp_path, ADA, BEN, findings=(f"post.md:3: {EVIL}",))
    source = (tmp_path / "index.html").read_text("utf-8")
    page = html.document_fromstring(source)
    shown = " ".join(page.text_content().split())
    for words in ("ada@example.com", "ben@example.com", "日报", "post.md:3:", message.message_id, f"Dear Ada {EVIL}"):
        assert words in shown, words
    assert EVIL not in source
    assert not [script for script in page.iter("script") if "alert(1)" in (script.text or "")]
    frames = list(page.iter("iframe"))
    assert len(frames) >= 2  # desktop and phone
    for frame in frames:
        assert frame.get("src") == "email.html"
        assert "allow-scripts" not in (frame.get("sandbox") or "allow-scripts")


def test_a_long_list_is_shown_in_part_and_written_whole(tmp_path: Path) -> None:
    crowd = [
        Subscriber(f"reader{n}@example.com", {"email": f"reader{n}@example.com"}) for n in range(SHOWN_RECIPIENTS + 5)
    ]
    dry_run(tmp_path, *crowd)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert len(re.findall(r"<td>reader\d+@example\.com</td>", page)) == SHOWN_RECIPIENTS + 1  # and one in the headers
    rows = list(csv.reader(io.StringIO((tmp_path / "recipients.csv").read_text("utf-8"))))
    assert len(rows) == len(crowd) + 1


def test_the_table_of_everyone_is_written_in_flat_memory(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        people = Audience(
            ("email", "note"), (Row(n, f"r{n}@example.com", [f"r{n}@example.com", "x" * 400]) for n in range(count))
        )
        message = Composer(email(), SENDER, issue=ISSUE.slug, when=NOON).compose(ADA)
        tracemalloc.start()
        try:
            write_dry_run(ISSUE, email(), SENDER, message, people, tmp_path, project=tmp_path, facts={}, findings=())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(1_000), peak(20_000)
    assert (tmp_path / "recipients.csv").stat().st_size > 8_000_000
    assert many < few + 500_000
