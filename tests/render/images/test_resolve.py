"""Pictures: found, sent along once, mirrored, or left out with a reason; never a file from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import without_root
from image_server import ImageServer, local_fetcher, serving
from pictures import faulty, photo, picture
from PIL import Image as Pillow

from newsletter.errors import ConfigError
from newsletter.model.findings import Finding
from newsletter.model.issue import Figure, Image, Issue, Link, Paragraph, Story, Text
from newsletter.model.rendered_email import Attachment
from newsletter.render.images.cache import Cache
from newsletter.render.images.resolve import MAX_FILE_BYTES, ImageMode, Resolved, resolve_images


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a post folder in it; beside both, what no post may reach."""
    root = tmp_path / "blog"
    (root / "posts").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(picture(colour="black"))
    return root


def resolve(issue: Issue, project: Path, mode: ImageMode = "remote", **options: Any) -> Resolved:
    standard = {
        "post_folder": project / "posts",
        "project": project,
        "base_url": "",
        "layout_width": 600,
        "cache": Cache(project / ".newsletter" / "images"),
        "max_total_kb": 1500,
        "fetcher": local_fetcher(timeout_s=5, max_bytes=2_000_000),
    }
    return resolve_images(issue, mode=mode, **{**standard, **options})


def attach(
    project: Path, *sources: str, base_url: str = ""
) -> tuple[tuple[Image, ...], tuple[Attachment, ...], tuple[Finding, ...]]:
    blocks = tuple(Figure(Image(src, alt="what it shows", line=7), 7) for src in sources)
    issue = Issue(slug="i", title="T", blocks=blocks, lang="en")
    resolved = resolve(issue, project, base_url=base_url)
    assert resolved.files_written == ()
    return resolved.issue.images, resolved.attachments, resolved.findings


def test_a_picture_beside_the_post_travels_with_the_mail(project: Path) -> None:
    (project / "posts" / "cat.png").write_bytes(picture(size=(640, 480)))
    (image,), (attachment,), findings = attach(project, "cat.png")
    assert findings == ()
    assert image == Image(f"cid:{attachment.content_id}", alt="what it shows", line=7, width=640, height=480)
    assert (attachment.media_type, attachment.filename) == ("image/png", "cat.png")
    assert attachment.data == picture(size=(640, 480))


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("posts/my cat.png", "my%20cat.png"),
        ("posts/images/cat.png", "images/cat.png"),
        ("posts/images/cat.png", "./images/../images/cat.png"),
        ("images/cat.png", "images/cat.png"),
        ("images/cat.png", "/images/cat.png"),
        ("images/cat.png", "../images/cat.png"),
        ("posts/猫.png", "猫.png"),
        ("posts/cat.png", "cat.png?v=2#top"),
    ],
)
def test_a_path_is_looked_up_beside_the_post_then_in_the_project(project: Path, place: str, source: str) -> None:
    (project / place).parent.mkdir(exist_ok=True)
    (project / place).write_bytes(picture())
    (image,), (attachment,), findings = attach(project, source)
    assert image.src == f"cid:{attachment.content_id}"
    assert findings == ()


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif")])
def test_the_type_is_that_of_the_bytes_whatever_the_name(project: Path, kind: str, media_type: str) -> None:
    (project / "cat.txt").write_bytes(picture(kind))
    assert attach(project, "cat.txt")[1][0].media_type == media_type


def test_a_picture_on_the_web_stays_there(project: Path, no_network: None) -> None:
    sources = (
        "https://example.com/cat.png",
        "http://me:secret@example.com/cat.png",
        "cid:there@already",
    )
    images, attachments, (finding,) = attach(project, *sources, base_url="https://blog.example.com/")
    assert tuple(image.src for image in images) == sources
    assert attachments == ()
    assert (finding.code, finding.line) == ("image-insecure", 7)
    assert finding.what == "the picture http://example.com/cat.png is on http://, where many clients show none"


@pytest.mark.parametrize("mode", ["remote", "embed"])
def test_a_picture_written_into_the_post_travels_with_the_mail(
    project: Path, no_network: None, mode: ImageMode
) -> None:
    """Gmail shows no data: address; its bytes are at hand."""
    data = picture(size=(60, 40))
    src = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    issue = Issue(slug="i", title="T", blocks=(Figure(Image(src, line=7), 7), Figure(Image(src, line=9), 9)), lang="en")
    resolved = resolve(issue, project, mode)
    (attachment,) = resolved.attachments
    assert {image.src for image in resolved.issue.images} == {f"cid:{attachment.content_id}"}
    assert {(image.width, image.height) for image in resolved.issue.images} == {(60, 40)}
    assert (attachment.media_type, attachment.filename[-4:]) == ("image/png", ".png")
    assert resolved.findings == ()


@pytest.mark.parametrize(
    ("src", "code"),
    [
        ("data:image/png;base64,", "image-format"),
        ("data:image/png;base64,!", "image-unreadable"),
        ("data:text/html,<b>x</b>", "image-format"),
        ("data:", "image-format"),
    ],
)
def test_a_data_address_that_holds_no_picture_is_a_finding(project: Path, src: str, code: str) -> None:
    _, attachments, (finding,) = attach(project, src)
    assert (attachments, finding.code, finding.line) == ((), code, 7)


def test_the_same_picture_twice_is_one_attachment(project: Path) -> None:
    for name in ("a.png", "b.png"):
        (project / name).write_bytes(picture())
    images, attachments, _ = attach(project, "a.png", "./a.png", "b.png")
    assert len(attachments) == 1
    assert {image.src for image in images} == {f"cid:{attachments[0].content_id}"}


def test_two_pictures_of_one_name_stay_two(project: Path) -> None:
    for folder, colour in (("a", "red"), ("b", "blue"), ("c", "green")):
        (project / folder).mkdir()
        (project / folder / "cat.png").write_bytes(picture(colour=colour))
    images, attachments, _ = attach(project, "a/cat.png", "b/cat.png", "c/cat.png")
    assert len({image.src for image in images}) == 3
    assert len({attachment.filename for attachment in attachments}) == 3


def test_a_content_id_is_made_of_the_bytes(project: Path) -> None:
    (project / "a.png").write_bytes(picture())
    first = attach(project, "a.png")[1][0].content_id
    assert attach(project, "a.png")[1][0].content_id == first
    (project / "a.png").write_bytes(picture(colour="blue"))
    assert attach(project, "a.png")[1][0].content_id != first


def test_without_a_file_the_picture_is_on_the_author_s_site(project: Path) -> None:
    images, attachments, findings = attach(project, "cat.png", "/x/dog.png", base_url="https://example.com/daily/")
    assert [image.src for image in images] == [
        "https://example.com/daily/cat.png",
        "https://example.com/daily/x/dog.png",
    ]
    assert attachments == ()
    # A path from the root is the site's by its form; the other may have been meant for a file.
    assert [(finding.code, finding.line) for finding in findings] == [("image-elsewhere", 7)]
    assert findings[0].what == (
        "there is no file cat.png beside the post, so it is taken from https://example.com/daily/cat.png"
    )


def test_a_picture_that_is_nowhere_leaves_its_words_and_a_finding(project: Path) -> None:
    issue = Issue(
        slug="i",
        title="T",
        lang="en",
        hero=Image("hero.png", alt="hero", line=3),
        blocks=(
            Story(1, (), (), images=(Image("story.png", alt="a story", line=5),), line=5),
            Figure(Image("cat.png", alt="A cat", href="https://example.com/cat", line=7), 7),
        ),
    )
    resolved = resolve(issue, project)
    changed, attachments, findings = resolved.issue, resolved.attachments, resolved.findings
    assert attachments == ()
    assert changed.hero is None
    story, words = changed.blocks
    assert isinstance(story, Story)
    assert story.images == ()
    assert story.body == (Paragraph((Text("a story"),), 5),)
    assert words == Paragraph((Link("https://example.com/cat", (Text("A cat"),)),), 7)
    assert [(finding.code, finding.line) for finding in findings] == [
        ("image-missing", 3),
        ("image-missing", 5),
        ("image-missing", 7),
    ]
    assert findings[2].what == "there is no picture cat.png and it is left out"
    assert "[site] url in newsletter.toml" in findings[2].remedy


@pytest.mark.parametrize("source", ["../../secret.png", "/../../secret.png", "%2e%2e/%2e%2e/secret.png", "link.png"])
def test_no_file_from_outside_the_project_is_sent(project: Path, source: str) -> None:
    (project / "posts" / "link.png").symlink_to(project.parent / "secret.png")
    images, attachments, findings = attach(project, source)
    assert (images, attachments) == ((), ())
    assert [finding.code for finding in findings] == ["image-missing"]


def test_an_absolute_path_is_one_from_the_project(project: Path) -> None:
    assert attach(project, str(project.parent / "secret.png"))[1] == ()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image-format"),
        (picture("WEBP"), "image-format"),
        (picture("BMP"), "image-format"),
        (b"", "image-format"),
        (b"not a picture", "image-format"),
        (picture()[:30], "image-format"),
        (bytes(MAX_FILE_BYTES + 1), "image-size"),
    ],
    ids=["svg", "webp", "bmp", "empty", "text", "cut off", "too large"],
)
def test_what_no_mail_client_shows_is_left_out_with_a_finding(project: Path, data: bytes, code: str) -> None:
    (project / "cat.png").write_bytes(data)
    images, attachments, (finding,) = attach(project, "cat.png")
    assert (images, attachments) == ((), ())
    assert (finding.code, finding.line) == (code, 7)
    assert "cat.png" in finding.what
    assert finding.remedy


def test_a_picture_that_unfolds_to_gigabytes_is_left_out(project: Path) -> None:
    """Pillow's own limit, twice 89 million pixels: a bomb of 12 KB must not fill the memory, here or at a reader's."""
    bomb = picture()
    header = bomb.index(b"IHDR") + 4
    (project / "cat.png").write_bytes(bomb[:header] + (60_000).to_bytes(4) * 2 + bomb[header + 8 :])
    images, attachments, findings = attach(project, "cat.png")
    assert (images, attachments) == ((), ())
    assert [finding.code for finding in findings] == ["image-format"]


def test_a_web_address_that_cannot_be_read_does_not_crash(project: Path) -> None:
    _, attachments, _ = attach(project, "//[x/cat.png", "https://[x/cat.png")
    assert attachments == ()


@pytest.mark.parametrize("source", ["a%00b.png", "x" * 5000 + ".png", "images/", "", "#top", "loop.png", "a\nb.png"])
def test_a_strange_path_is_a_finding_not_a_crash(project: Path, source: str) -> None:
    (project / "images").mkdir()
    (project / "posts" / "loop.png").symlink_to("loop.png")
    images, attachments, findings = attach(project, source)
    assert (images, attachments) == ((), ())
    assert [finding.code for finding in findings] == ["image-missing"]


def test_a_picture_that_may_not_be_read_is_a_finding() -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        project = Path(open_to_all)
        project.chmod(0o755)
        (project / "cat.png").write_bytes(picture())
        (project / "cat.png").chmod(0)
        with without_root():
            images, attachments, (finding,) = attach(project, "cat.png")
    assert (images, attachments) == ((), ())
    assert (finding.code, "Permission denied" in finding.what) == ("image-unreadable", True)


def test_the_size_of_a_picture_on_the_web_is_known_from_the_cache(project: Path, no_network: None) -> None:
    Cache(project / ".newsletter" / "images").write("https://a.test/x.png", picture(), (300, 200))
    known, unknown = attach(project, "https://a.test/x.png", "//a.test/y.png")[0]
    assert (known.width, known.height) == (300, 200)
    assert (unknown.src, unknown.width) == ("https://a.test/y.png", None)


# --- embed ----------------------------------------------------------------------------------------------------------


def issue_of(*sources: str) -> Issue:
    """One figure for each, the nth on line n + 10."""
    blocks = tuple(Figure(Image(src, alt=f"alt {n}", line=n + 10), n + 10) for n, src in enumerate(sources))
    return Issue(slug="i", title="T", blocks=blocks, lang="en")


def cids(resolved: Resolved) -> list[str]:
    return [image.src.removeprefix("cid:") for image in resolved.issue.images]


@pytest.fixture
def server() -> Iterator[ImageServer]:
    with serving() as state:
        yield state


def test_embedding_sends_a_picture_of_the_web_along(project: Path, server: ImageServer) -> None:
    url = server.serve("/a.webp", photo(1, kind="WEBP"), "text/html; charset=utf-8")
    resolved = resolve(issue_of(url), project, "embed")
    (image,), (attachment,) = resolved.issue.images, resolved.attachments
    assert resolved.findings == ()
    assert image == Image(f"cid:{attachment.content_id}", alt="alt 0", line=10, width=1200, height=750)
    name = hashlib.sha256(attachment.data).hexdigest()[:16]
    assert (attachment.media_type, attachment.filename) == ("image/jpeg", f"{name}.jpg")
    with Pillow.open(io.BytesIO(attachment.data)) as sent:
        assert sent.size == (1200, 750)


def test_embedding_takes_files_data_and_the_site_as_well(project: Path, server: ImageServer) -> None:
    (project / "posts" / "cat.webp").write_bytes(picture("WEBP"))
    server.serve("/blog/dog.png", picture(colour="blue"))
    data = "data:image/png;base64," + base64.b64encode(picture(colour="green")).decode()
    issue = issue_of("cat.webp", "dog.png", data, "file:///etc/passwd", "data:image/png;base64,%%%", "https://[x/a.png")
    resolved = resolve(issue, project, "embed", base_url=server.url("/blog/"))
    assert cids(resolved) == [attachment.content_id for attachment in resolved.attachments]
    assert len(resolved.attachments) == 3
    assert [(finding.code, finding.line) for finding in resolved.findings] == [
        ("image-elsewhere", 11),
        *(("image-failed", n) for n in (13, 14, 15)),
    ]
    assert "not http:// or https://" in resolved.findings[1].what


def test_a_second_run_asks_nobody(project: Path, server: ImageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = [server.serve(f"/{n}.png", photo(n, (300, 200))) for n in range(3)]
    first = resolve(issue_of(*urls, urls[0]), project, "embed")
    assert sorted(server.requests) == ["/0.png", "/1.png", "/2.png"]
    steps: list[tuple[int, int]] = []
    again = resolve(issue_of(*urls), project, "embed", on_progress=lambda *step: steps.append(step))
    assert again.attachments == first.attachments
    assert len(server.requests) == 3
    assert steps == []
    remote = resolve(issue_of(*urls), project)
    assert [(image.width, image.height) for image in remote.issue.images] == [(300, 200)] * 3


def test_a_damaged_cache_entry_is_fetched_anew(project: Path, server: ImageServer) -> None:
    url = server.serve("/a.png", photo(1, (300, 200)))
    first = resolve(issue_of(url), project, "embed")
    for path in (project / ".newsletter" / "images").iterdir():
        if path.suffix != ".json":
            path.write_bytes(b"damaged")
    assert resolve(issue_of(url), project, "embed").attachments == first.attachments
    assert len(server.requests) == 2
    resolve(issue_of(url), project, "embed")
    assert len(server.requests) == 2


def test_what_is_no_picture_is_not_kept(project: Path, server: ImageServer) -> None:
    url = server.serve("/a.png", b"<!doctype html>log in", "image/png")
    assert resolve(issue_of(url), project, "embed").attachments == ()
    server.serve("/a.png", picture())
    assert len(resolve(issue_of(url), project, "embed").attachments) == 1


def test_a_cache_that_cannot_be_written_stops_nothing(project: Path, server: ImageServer) -> None:
    (project / ".newsletter").write_bytes(b"a file in the way")
    resolved = resolve(issue_of(server.serve("/a.png", picture())), project, "embed")
    assert len(resolved.attachments) == 1
    assert [finding.code for finding in resolved.findings] == ["image-cache"]


def test_progress_counts_what_is_fetched(project: Path, server: ImageServer) -> None:
    urls = [server.serve(f"/{n}.png", photo(n, (30, 20))) for n in range(3)]
    steps: list[tuple[int, int]] = []
    resolve(issue_of(*urls), project, "embed", on_progress=lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_an_animation_that_is_too_heavy_stands_still_and_says_so(project: Path) -> None:
    first, *rest = (Pillow.frombytes("P", (500, 450), random.Random(n).randbytes(225_000)) for n in range(8))
    first.save(project / "cat.gif", save_all=True, append_images=rest)
    resolved = resolve(issue_of("cat.gif"), project, "embed")
    assert len(resolved.attachments) == 1
    assert [(finding.code, finding.line) for finding in resolved.findings] == [("image-still", 10)]


def test_ten_faulty_and_ten_good_pictures_give_an_issue_within_its_budget(project: Path, server: ImageServer) -> None:
    bad = faulty(server)
    good = [server.serve(f"/{n}.jpg", photo(n)) for n in range(10)]
    mixed = [url for pair in zip(bad, good, strict=True) for url in pair]
    resolved = resolve(issue_of(*mixed), project, "embed", max_total_kb=400)
    assert cids(resolved) == [attachment.content_id for attachment in resolved.attachments]
    assert len(resolved.attachments) == 10
    assert sum(len(base64.encodebytes(attachment.data)) for attachment in resolved.attachments) <= 400 * 1024
    failed = [finding for finding in resolved.findings if finding.code == "image-failed"]
    assert [finding.line for finding in failed] == [10 + 2 * n for n in range(10)]
    for finding, (url, words) in zip(failed, bad.items(), strict=True):
        assert finding.what.startswith(f"the picture {url} is left out: ")
        assert words in finding.what
        assert finding.remedy
    assert [finding.code for finding in resolved.findings][10:] == ["image-budget"]
    placeholders = resolved.issue.blocks[::2]
    assert placeholders == tuple(
        Paragraph((Link(url, (Text(f"alt {2 * n}"),)),), 10 + 2 * n) for n, url in enumerate(bad)
    )


def test_the_outcome_does_not_depend_on_who_answers_first(tmp_path: Path, server: ImageServer) -> None:
    urls = [server.serve(f"/{n}.png", photo(n, (200, 100))) for n in range(12)]
    runs = []
    for run in range(2):
        (tmp_path / str(run) / "posts").mkdir(parents=True)
        runs.append(resolve(issue_of(*urls), tmp_path / str(run), "embed"))
    assert runs[0] == runs[1]


def test_the_place_of_a_lost_picture_is_linked(project: Path, server: ImageServer) -> None:
    url = server.url("/status/404")
    named = server.url("/my%20cat.png")
    issue = Issue(
        slug="i",
        title="T",
        lang="en",
        hero=Image(url, alt="hero", line=1),
        blocks=(
            Story(1, (), (Paragraph((Text("text"),)),), images=(Image(url, alt="A cat", line=2),), line=2),
            Figure(Image(named, line=3), 3),
            Figure(Image(url, alt="A cat", href="https://example.com/", line=4), 4),
            Paragraph((Link("https://example.com/", (Image(url, alt="A cat", line=5), Text(" more"))),), 5),
            Paragraph((Text("see "), Image(url, alt="A cat", line=6)), 6),
        ),
    )
    resolved = resolve(issue, project, "embed")
    link = Link(url, (Text("A cat"),))
    assert resolved.issue.hero is None
    assert resolved.issue.images == ()
    assert resolved.issue.blocks == (
        Story(1, (), (Paragraph((Text("text"),)), Paragraph((link,), 2)), line=2),
        Paragraph((Link(named, (Text("my cat.png"),)),), 3),
        Paragraph((Link("https://example.com/", (Text("A cat"),)),), 4),
        Paragraph((Link("https://example.com/", (Text("A cat"), Text(" more"))),), 5),
        Paragraph((Text("see "), link), 6),
    )
    assert [finding.line for finding in resolved.findings] == [1, 2, 3, 4, 5, 6]
    assert sorted(server.requests) == ["/my%20cat.png", "/status/404"]


# --- mirror ---------------------------------------------------------------------------------------------------------

SITE = "https://blog.example.com/assets/newsletter"


def test_mirroring_writes_the_files_that_the_addresses_name(project: Path, server: ImageServer) -> None:
    (project / "cat.png").write_bytes(picture())
    folder = project.parent / "site" / "assets"
    issue = issue_of(server.serve("/a.jpg", photo(1)), "cat.png", "cat.png", server.url("/status/404"))
    resolved = resolve(issue, project, "mirror", mirror_folder=folder, mirror_url=SITE)
    assert resolved.attachments == ()
    assert [finding.line for finding in resolved.findings] == [13]
    names = [image.src.removeprefix(f"{SITE}/") for image in resolved.issue.images]
    assert sorted(path.name for path in folder.iterdir()) == sorted(set(names))
    assert resolved.files_written == tuple(folder / name for name in dict.fromkeys(names))
    for name in names:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest()[:16] == Path(name).stem
    embedded = resolve(issue, project, "embed")
    assert {attachment.data for attachment in embedded.attachments} == {path.read_bytes() for path in folder.iterdir()}


def test_mirroring_again_writes_nothing_but_mends_what_was_damaged(project: Path) -> None:
    (project / "cat.png").write_bytes(picture())
    (project / "dog.png").write_bytes(picture(colour="blue"))
    folder = project / "assets"

    def run() -> tuple[Path, ...]:
        options = {"mirror_folder": folder, "mirror_url": SITE}
        return resolve(issue_of("cat.png", "dog.png"), project, "mirror", **options).files_written

    _, second = run()
    assert run() == ()
    second.write_bytes(b"damaged")
    assert run() == (second,)


@pytest.mark.parametrize("options", [{}, {"mirror_url": SITE}, {"mirror_folder": Path("x")}])
def test_mirroring_needs_a_folder_and_an_address(project: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^the mode \"mirror\" needs \[images\] folder and \[images\] url .*; write"):
        resolve(issue_of("cat.png"), project, "mirror", **options)


def test_a_folder_that_cannot_be_written_is_the_operator_s_to_mend(project: Path) -> None:
    (project / "cat.png").write_bytes(picture())
    (project / "assets").write_bytes(b"a file in the way")
    with pytest.raises(ConfigError, match=r"cannot be written .*; choose another place$"):
        resolve(issue_of("cat.png"), project, "mirror", mirror_folder=project / "assets", mirror_url=SITE)
