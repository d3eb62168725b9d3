"""Building the archive: what is shown, what is written again, and whose files are touched."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from archived import NOON, SETTINGS, Shelf
from pictures import picture

from newsletter.errors import ConfigError


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def three(shelf: Shelf) -> Shelf:
    for day, words in (("2026-01-05", "One"), ("2026-02-06", "Two"), ("2026-02-07", "Three")):
        shelf.publish(f"{day}-{words.lower()}", f"The text of {words}.", title=f"Issue {words}", date=day)
    return shelf


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_each_issue_has_a_page_and_a_place_in_its_month(shelf: Shelf) -> None:
    report = three(shelf).build()
    assert (report.issues, report.left_out, report.warnings) == (3, (), ())
    assert "The text of Two." in shelf.page("2026-02-06-two")
    month = (shelf.site / "months" / "2026-02.html").read_text()
    assert month.index("Issue Three") < month.index("Issue Two")
    assert "Issue One" not in month
    front = (shelf.site / "index.html").read_text()
    assert "Issue Three" in front
    assert 'href="months/2026-01.html"' in front


def test_neighbours_lead_to_each_other(shelf: Shelf) -> None:
    three(shelf).build()
    page = shelf.page("2026-02-06-two")
    assert 'class="older" href="../issues/2026-01-05-one.html"' in page
    assert 'class="newer" href="../issues/2026-02-07-three.html"' in page


def test_a_post_that_was_not_sent_is_not_shown(shelf: Shelf) -> None:
    three(shelf)
    shelf.write("2026-02-08-draft", title="Not yet", date="2026-02-08")
    shelf.build()
    assert all(b"Not yet" not in data for data in shelf.files().values())


def test_two_issues_of_a_day_have_a_page_each(shelf: Shelf) -> None:
    for name in ("morning", "evening"):
        shelf.publish(f"2026-03-01-{name}", f"In the {name}.", title="The same title", date="2026-03-01")
    assert shelf.build().issues == 2
    assert "In the morning." in shelf.page("2026-03-01-morning")
    assert "In the evening." in shelf.page("2026-03-01-evening")


def test_an_issue_of_another_newsletter_stays_out(shelf: Shelf) -> None:
    three(shelf)
    shelf.send(shelf.write("2026-02-09-theirs", title="Theirs", date="2026-02-09"), newsletter="other.example.com")
    report = shelf.build()
    assert report.issues == 3
    assert report.left_out == ("1 issue of another newsletter, which this ledger has as well",)


def test_an_issue_of_a_segment_stays_out_unless_somebody_says_so(shelf: Shelf) -> None:
    paid = shelf.write("2026-02-01-paid", title="For payers", date="2026-02-01")
    shelf.send(paid, segment="plan == 'pro'")
    report = shelf.build()
    assert report.issues == 0
    assert report.left_out == ("2026-02-01-paid: it went to a segment alone (plan == 'pro')",)
    assert all(b"For payers" not in data for data in shelf.files().values())
    shelf.write("2026-02-01-paid", title="For payers", date="2026-02-01", newsletter="{archive: true}")
    assert shelf.build().issues == 1
    shelf.write("2026-02-01-paid", title="For payers", date="2026-02-01")
    assert {"issues/2026-02-01-paid.html", "months/2026-02.html", "search/2026.js"} <= set(shelf.build().removed)
    assert all(b"For payers" not in data for data in shelf.files().values())
    (shelf.folder / "newsletter.toml").write_text(f"{SETTINGS}segments = true\n")
    assert shelf.build().issues == 1


def test_a_post_may_stay_out(shelf: Shelf) -> None:
    three(shelf).build()
    shelf.write("2026-02-06-two", title="Issue Two", date="2026-02-06", newsletter="{archive: false}")
    report = shelf.build()
    assert report.left_out == ("2026-02-06-two: its post says so",)
    assert "issues/2026-02-06-two.html" in report.removed
    assert not (shelf.site / "issues" / "2026-02-06-two.html").exists()


def test_a_correction_is_no_issue_and_is_told(shelf: Shelf) -> None:
    three(shelf)
    shelf.correct("2026-02-06-two", NOON + timedelta(days=2))
    assert shelf.build().issues == 3
    assert "Corrected on March 3, 2026" in shelf.page("2026-02-06-two")
    assert "Corrected" not in shelf.page("2026-01-05-one")


def test_numbers_are_those_that_the_mails_had(tmp_path: Path) -> None:
    shelf = three(Shelf(tmp_path, settings=SETTINGS.replace("[newsletter]\n", "[newsletter]\nfirst_number = 7\n")))
    shelf.build()
    assert "No. 8" in shelf.page("2026-02-06-two")


@pytest.mark.parametrize("name", ["C++ & <Rust>", "../../etc/passwd", "a" * 300, "𠀀" * 80, ".", "index.html"])
def test_a_name_of_the_ledger_never_leads_out_of_the_folder(shelf: Shelf, name: str) -> None:
    post = shelf.write("2026-02-01-post", date="2026-02-01")
    shelf.send(post, issue=name)
    shelf.build()
    (page,) = (shelf.site / "issues").iterdir()
    assert page.suffix == ".html"
    assert not (shelf.folder / "etc").exists()


# --- posts that moved, changed or went --------------------------------------------------------------------------------


def test_a_post_that_is_gone_keeps_its_page_in_a_new_frame(shelf: Shelf) -> None:
    three(shelf).build()
    before = shelf.page("2026-02-06-two")
    (shelf.folder / "posts" / "2026-02-06-two.md").unlink()
    report = shelf.build()
    assert report.written == ()
    assert report.warnings == ("2026-02-06-two: its post is gone; its page is kept as it was",)
    assert shelf.page("2026-02-06-two") == before
    shelf.publish("2026-02-06-two-b", title="Between", date="2026-02-06")
    shelf.build()
    after = shelf.page("2026-02-06-two")
    assert "The text of Two." in after
    assert "Between" in after


def test_a_post_that_is_gone_before_it_had_a_page_is_left_out(shelf: Shelf) -> None:
    three(shelf)
    (shelf.folder / "posts" / "2026-02-06-two.md").unlink()
    report = shelf.build()
    assert report.issues == 2
    assert report.left_out == ("2026-02-06-two: its post is gone, and it has no page yet",)
    assert "2026-02-06-two" not in (shelf.site / "index.html").read_text()


def test_a_project_that_was_moved_has_its_posts_all_the_same(shelf: Shelf, tmp_path: Path) -> None:
    three(shelf)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("posts", "newsletter.toml", "newsletter.db"):
        shutil.move(tmp_path / name, moved / name)
    assert Shelf(moved).build().issues == 3


def test_a_post_that_was_renamed_is_found_by_title_and_day(shelf: Shelf) -> None:
    three(shelf).build()
    folder = shelf.folder / "posts"
    (folder / "2026-02-06-two.md").rename(folder / "two-renamed.md")
    report = shelf.build()
    assert (report.issues, report.warnings) == (3, ())
    assert "The text of Two." in shelf.page("2026-02-06-two")


def test_another_post_in_its_place_is_not_shown_as_the_issue(shelf: Shelf) -> None:
    three(shelf).build()
    shelf.write("2026-02-06-two", "Something else.", title="Quite another", date="2026-05-05")
    (warning,) = shelf.build().warnings
    assert "is another post now; its page is kept as it was" in warning
    assert "The text of Two." in shelf.page("2026-02-06-two")


def test_a_post_that_cannot_be_read_keeps_its_page(shelf: Shelf) -> None:
    three(shelf).build()
    (shelf.folder / "posts" / "2026-02-06-two.md").write_bytes(b"---\ntitle: x\n---\n\xff\xfe\0")
    (warning,) = shelf.build().warnings
    assert "cannot be read" in warning
    assert "The text of Two." in shelf.page("2026-02-06-two")


def test_a_slip_that_was_mended_is_mended_on_the_page(shelf: Shelf) -> None:
    three(shelf).build()
    shelf.write("2026-02-06-two", "The mended text.", title="Issue Two!", date="2026-02-06")
    report = shelf.build()
    assert "The mended text." in shelf.page("2026-02-06-two")
    assert "Issue Two!" in shelf.page("2026-01-05-one"), "the neighbours say its new title"
    assert set(report.written) == {
        "cards/2026-02-06-two.png",
        *("index.html", "rss.xml", "atom.xml", "feed.json", "months/2026-02.html"),
        *("issues/2026-01-05-one.html", "issues/2026-02-06-two.html", "issues/2026-02-07-three.html"),
        *(path for path in report.written if path.startswith("search/")),
    }


# --- the same bytes ---------------------------------------------------------------------------------------------------


def test_a_second_run_writes_nothing(shelf: Shelf) -> None:
    three(shelf).build()
    stamps = {path: path.stat().st_mtime_ns for path in shelf.site.rglob("*")}
    report = shelf.build()
    assert (report.written, report.removed) == ((), ())
    assert {path: path.stat().st_mtime_ns for path in shelf.site.rglob("*")} == stamps


def test_step_by_step_and_at_once_give_the_same_bytes(shelf: Shelf) -> None:
    posts = shelf.folder / "posts"
    (posts / "a.png").write_bytes(picture(size=(300, 200)))
    shelf.build()
    for number in range(1, 25):
        day = f"2026-{1 + number % 3:02}-{number:02}"
        shelf.publish(f"{day}-n{number}", f"Words of {number}.\n\n![A picture](a.png)", title=f"N {number}", date=day)
        if number % 5 == 0:
            shelf.build()
    changed = next(posts.glob("*-n7.md"))
    changed.write_text(changed.read_text().replace("Words of 7", "Other words of seven"))
    (posts / "a.png").write_bytes(picture(size=(320, 200)))
    shelf.build()
    at_once = shelf.folder / "at-once"
    shelf.build(out=at_once)
    assert shelf.files() == shelf.files(at_once)


def test_a_picture_that_changed_changes_its_page(shelf: Shelf) -> None:
    file = shelf.folder / "posts" / "a.png"
    file.write_bytes(picture(size=(300, 200)))
    shelf.publish("2026-02-01-one", "![A picture](a.png)", date="2026-02-01")
    shelf.build()
    (before,) = (path for path in shelf.files() if path.endswith((".png", ".jpg")) and path.startswith("assets/"))
    file.write_bytes(picture(size=(400, 200)))
    report = shelf.build()
    assert before in report.removed
    assert before not in shelf.page("2026-02-01-one")


def test_a_page_that_somebody_deleted_is_written_again(shelf: Shelf) -> None:
    three(shelf).build()
    (shelf.site / "issues" / "2026-02-06-two.html").unlink()
    assert shelf.build().written == ("issues/2026-02-06-two.html",)


def test_a_manifest_that_is_damaged_is_no_manifest(shelf: Shelf) -> None:
    three(shelf).build()
    (shelf.site / ".newsletter-archive.json").write_text("{")
    with pytest.raises(ConfigError, match="has files that are not an archive's"):
        shelf.build()


# --- whose files ------------------------------------------------------------------------------------------------------


def test_a_folder_with_other_files_is_refused_untouched(shelf: Shelf) -> None:
    three(shelf)
    shelf.site.mkdir()
    (shelf.site / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"site: has files that are not an archive's \(thesis.txt\)"):
        shelf.build()
    assert list(shelf.files()) == ["thesis.txt"]


@pytest.mark.parametrize("place", [".", "posts"])
def test_the_project_and_the_posts_are_no_place_for_it(shelf: Shelf, place: str) -> None:
    three(shelf)
    before = shelf.files(shelf.folder)
    with pytest.raises(ConfigError):
        shelf.build(out=shelf.folder / place)
    assert shelf.files(shelf.folder) == before


def test_what_hosts_ask_for_may_lie_beside(shelf: Shelf) -> None:
    three(shelf)
    shelf.site.mkdir()
    for name in ("CNAME", "robots.txt", ".nojekyll"):
        (shelf.site / name).write_text("mine")
    shelf.build()
    shelf.build()
    assert {(shelf.site / name).read_text() for name in ("CNAME", "robots.txt", ".nojekyll")} == {"mine"}


def test_a_file_of_somebody_else_at_a_page_s_place_is_refused(shelf: Shelf) -> None:
    three(shelf).build()
    shelf.publish("2026-02-08-four", title="Four", date="2026-02-08")
    mine = shelf.site / "issues" / "2026-02-08-four.html"
    mine.write_text("mine")
    with pytest.raises(ConfigError, match="this is not the archive's"):
        shelf.build()
    assert mine.read_text() == "mine"


def test_what_a_manifest_names_outside_is_not_removed(shelf: Shelf) -> None:
    three(shelf).build()
    manifest = shelf.site / ".newsletter-archive.json"
    data = json.loads(manifest.read_text())
    for path in ("../newsletter.db", "../posts/2026-02-06-two.md", "issues/../../newsletter.toml", "CNAME"):
        data["files"][path] = ["0" * 64, 1]
    manifest.write_text(json.dumps(data))
    (shelf.site / "CNAME").write_text("mine")
    shelf.build()
    assert (shelf.folder / "newsletter.db").exists()
    assert (shelf.folder / "posts" / "2026-02-06-two.md").exists()
    assert (shelf.site / "CNAME").exists()


def test_a_page_that_somebody_changed_is_left_when_its_issue_goes(shelf: Shelf) -> None:
    three(shelf).build()
    page = shelf.site / "issues" / "2026-02-06-two.html"
    page.write_text("my own words")
    shelf.write("2026-02-06-two", title="Issue Two", date="2026-02-06", newsletter="{archive: false}")
    report = shelf.build()
    assert page.read_text() == "my own words"
    assert any("somebody has changed it" in warning for warning in report.warnings)


def test_a_build_that_was_cut_off_is_gone_on_with(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    three(shelf)
    with monkeypatch.context() as broken:
        broken.setattr("newsletter.archive.build._draw_lists", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shelf.build()
    assert (shelf.site / "issues" / "2026-02-06-two.html").exists()
    assert shelf.build().issues == 3
    at_once = shelf.folder / "at-once"
    shelf.build(out=at_once)
    assert shelf.files() == shelf.files(at_once)


def test_a_dry_run_writes_nothing_and_says_what_it_would(shelf: Shelf) -> None:
    would = three(shelf).build(dry=True)
    assert not shelf.site.exists()
    assert would.written == shelf.build().written


# --- small and empty --------------------------------------------------------------------------------------------------


def test_an_empty_newsletter_has_a_front_page(shelf: Shelf) -> None:
    shelf.build()
    front = (shelf.site / "index.html").read_text()
    assert "No issue has gone out yet." in front
    assert json.loads((shelf.site / "feed.json").read_text())["items"] == []


def test_a_year_without_issues_is_left_out(shelf: Shelf) -> None:
    for day in ("2023-05-01", "2026-02-01"):
        shelf.publish(f"{day}-post", date=day)
    shelf.build()
    front = (shelf.site / "index.html").read_text()
    assert [year for year in range(2022, 2027) if f"<h3>{year}</h3>" in front] == [2023, 2026]


def test_without_an_address_there_are_pages_and_no_feeds(tmp_path: Path) -> None:
    shelf = three(Shelf(tmp_path, settings=SETTINGS.replace('url = "https://example.com/archive"\n', "")))
    report = shelf.build()
    assert report.issues == 3
    assert not any(path.endswith((".xml", ".json")) for path in report.written)
    assert "no feeds and no sitemap" in report.warnings[0]
    assert "https://example.com/archive" not in shelf.page("2026-02-06-two")
