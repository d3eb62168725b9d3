"""A post's bytes to an `Issue`: what is refused and why, and what each key of the front matter means."""

from __future__ import annotations

import re
from datetime import date

import pytest
from cases import outline

from newsletter.errors import EXIT_CONTENT, ContentError
from newsletter.model.issue import Image, Issue, Paragraph, Site, plain_text, walk
from newsletter.post.detect_language import detect_language
from newsletter.post.parse import MAX_BYTES, decode_post, parse_post

BODY = "\n正文第一段。\n"


def post(front: str = "title: 题", body: str = BODY, path: str = "posts/post.md", **options: str) -> Issue:
    return parse_post(f"---\n{front}\n---\n{body}", path=path, **options).issue


def codes(issue: Issue) -> list[tuple[int | None, str]]:
    return [(finding.line, finding.code) for finding in issue.findings]


def refusal(text: str, path: str = "posts/post.md") -> str:
    with pytest.raises(ContentError) as caught:
        parse_post(text, path=path)
    assert caught.value.exit_code == EXIT_CONTENT
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("题\n正文".encode("utf-16"), "p.md: the post is UTF-16, not UTF-8; save it as UTF-8"),
        ("题".encode("utf-16-be").join([b"\xfe\xff", b""]), "p.md: the post is UTF-16, not UTF-8; save it as UTF-8"),
        (
            "title: x\n正文在这里".encode("gb18030"),
            "p.md:2:1: tried UTF-8, and byte 0xd5 does not fit; save the post as UTF-8",
        ),
        (
            b"caf\xe9 cr\xe8me",
            "p.md:1:4: tried UTF-8, and byte 0xe9 does not fit; save the post as UTF-8",
        ),
        (
            b"first\nsec\0nd",
            "p.md:2: this is a binary file (it holds a NUL byte); name a Markdown post",
        ),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "p.md:3: this is a binary file (it holds a NUL byte); name a Markdown post"),
        (b"a" * (MAX_BYTES + 1), f"p.md: the post has more than {MAX_BYTES:,} bytes; split it, or name a post"),
    ],
    ids=["utf-16-le", "utf-16-be", "gb18030", "latin-1", "nul", "png", "oversize"],
)
def test_bytes_that_are_no_post(data: bytes, sentence: str) -> None:
    with pytest.raises(ContentError) as caught:
        decode_post(data, "p.md")
    assert str(caught.value) == sentence


def test_largest_post() -> None:
    assert len(decode_post(b"a" * MAX_BYTES, "p.md")) == MAX_BYTES


def test_byte_order_mark_and_line_ends() -> None:
    assert decode_post(b"\xef\xbb\xbf---\r\ntitle: a\r\n---\rb\n", "p.md") == "---\ntitle: a\n---\nb\n"


def test_every_line_end_gives_the_same_issue() -> None:
    text = '---\ntitle: "a "b" c"\n---\n\n1. 甲。\n2. 乙。\n'
    issues = [
        parse_post(decode_post(mark + text.replace("\n", end).encode(), "p.md"), path="p.md").issue
        for end in ("\n", "\r\n", "\r")
        for mark in (b"", b"\xef\xbb\xbf")
    ]
    assert all(issue == issues[0] for issue in issues)
    assert codes(issues[0]) == [(2, "front-matter-quote")]


# --- nothing to send ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "posts/post.md: the post is empty; write a title and some text"),
        (" \n\t\n", "posts/post.md: the post is empty; write a title and some text"),
        ("---\ntitle: 题\n---\n\n", "posts/post.md:4: the post has no text after its front matter; write it"),
        ("---\ntitle: 题\n---\n\n# 题\n", "posts/post.md:4: the post has nothing beside its title; write its text"),
        ("---\ntitle: 题\n---\n<!-- x -->\n", "posts/post.md:4: the post has nothing beside its title; write its text"),
        (
            "---\ntitle: 题\n---\n{% if subscriber.a %}甲{% endif %}",
            "posts/post.md:4: some subscribers would get nothing beside the title, since no condition holds for them; "
            "write something for everyone, or use {% else %}",
        ),
        ("\n" * 50_001 + "a", "posts/post.md: the post has 50,001 lines; keep it under 50,000"),
        (
            "---\ntitle: a\n---\n\nx\n\n```py\ncode",
            "posts/post.md:7: the code fence ``` is never closed and would swallow the rest of the post; "
            "write ``` on a line after the code",
        ),
    ],
)
def test_posts_without_content(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


# --- title and heading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "heading", "kept"),
    [
        ("AI日报 2025/12/1", "## AI日报 2025/12/1", False),
        ("AI日报 2025/12/1", "# AI 日报　2025-12-1", False),
        ("AI日报", "# **AI日报**", False),
        ("Slow Software", "# slow software!", False),
        ("AI日报", "# 今日摘要", True),
    ],
)
def test_a_heading_that_repeats_the_title_is_dropped(title: str, heading: str, kept: bool) -> None:
    issue = post(f"title: {title}", f"{heading}\n\n正文。\n")
    assert len(issue.blocks) == 1 + kept
    assert issue.title == title


def test_only_the_first_heading_can_repeat_the_title() -> None:
    assert outline(post("title: 题", "正文。\n\n## 题\n").blocks) == "p @4 正文。\nh2 @6 题"


def test_the_heading_is_the_title_where_none_is_written() -> None:
    issue = post("layout: post", "# **甲** [乙](https://a.example)\n\n正文。\n")
    assert issue.title == "甲 乙"
    assert outline(issue.blocks) == "p @4 <a https://a.example>乙</a>\np @6 正文。"


# --- date, slug, language -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01",
        "2026/3/1",
        "2026-3-1",
        '"2026-03-01"',
        "2026-03-01 08:00:00",
        "2026-03-01 08:00:00 +0800",
        "2026-03-01 08:00:00 +08:00",
        "2026-03-01T08:00:00Z",
        '"2026-03-01T10:15:11.231Z"',
        "2026-03-01 8:00",
        '"2026/03/01 08:00:00 +0800"',
    ],
)
def test_dates(written: str) -> None:
    assert post(f"title: 题\ndate: {written}").date == date(2026, 3, 1)


def test_a_date_is_the_authors_day_whatever_the_zone() -> None:
    assert post("title: 题\ndate: 2026-03-01 23:30:00 -0800").date == date(2026, 3, 1)
    assert post("title: 题\ndate: 2026-03-01 00:30:00 +0800").date == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        *(("soon", "soon"), ("12", "12"), ("[2026]", "[2026]"), ("2026-13-01x", "2026-13-01x"), ("'a\n\n  b'", "a b")),
        *(("2026-02-30", "2026-02-30"), ("02/03/2026", "02/03/2026"), ("March 2026", "March 2026")),
    ],
)
def test_dates_that_are_none_are_left_out_with_a_warning(written: str, shown: str) -> None:
    issue = post(f"title: 题\ndate: {written}")
    (finding,) = issue.findings
    assert issue.date is None
    assert finding.at("p.md") == f"p.md:3: `date` is '{shown}', not a date, and is left out; write 2026-03-01"


@pytest.mark.parametrize(
    "written",
    [
        *("March 1, 2026", "1 March 2026", "Mar 1st, 2026", "Sun, 01 Mar 2026 10:00:00 +0000", "Sunday, March 1, 2026"),
        *(
            "2026.03.01",
            "2026年3月1日",
            "2026년 3월 1일",
            "20260301",
            "2026-03-01 10:00:00 UTC",
            "2026-03-01T10:00:00-05:00",
        ),
    ],
)
def test_dates_as_people_write_them(written: str) -> None:
    assert post(f"title: 题\ndate: '{written}'").date == date(2026, 3, 1)


@pytest.mark.parametrize("key", ["Date", "pubDate", "pubDatetime", "publishDate", "published_at", "published"])
def test_the_date_under_other_names(key: str) -> None:
    issue = post(f"title: 题\n{key}: 2026-03-01")
    assert (issue.date, issue.published) == (date(2026, 3, 1), True)


def test_keys_in_capitals_and_other_programs_names() -> None:
    issue = post("Title: 题\nLanguage: zh_TW\nAuthors: [Ada, {name: Bo}]\nSummary: 一句。")
    assert (issue.title, issue.lang, issue.author, issue.description) == ("题", "zh-TW", "Ada, Bo", "一句。")


@pytest.mark.parametrize(
    ("text", "path", "title", "said"),
    [
        ("Words.\n\n## B\n\nx\n\n# A\n\ny\n", "p.md", "A", "a heading's words are taken for it"),
        ("Words.\n\n## B\n\nx\n\n### C\n\ny\n", "p.md", "B", "a heading's words are taken for it"),
        ("Words.\n\n## B\n\nx\n\n## C\n\ny\n", "issue-7.md", "Issue 7", "the file's name is taken for it"),
        ("Words.\n\n## B\n\nx\n\n## C\n\ny\n", "-", "B", "a heading's words are taken for it"),
        ("Words alone.\n", "2026-03-02-issue-92.md", "Issue 92", "the file's name is taken for it"),
        ("Words alone.\n", "posts/the-harbour/index.md", "The Harbour", "the file's name is taken for it"),
    ],
)
def test_a_title_from_elsewhere_is_named(text: str, path: str, title: str, said: str) -> None:
    issue = parse_post(text, path=path).issue
    assert issue.title == title
    assert [said in finding.what for finding in issue.findings] == [True]


def test_a_post_from_standard_input_needs_a_title() -> None:
    assert refusal("text alone", path="-") == "-:1: the post has no title; write `title: …` in its front matter"


def test_a_title_is_plain_words() -> None:
    issue = post('title: "The **city\'s** `feeds` &amp; [more](https://a.example)"\ndescription: "* **Bold** <b>x</b>"')
    assert (issue.title, issue.description) == ("The city's feeds & more", "* Bold x")


def test_a_comment_that_cuts_a_value_is_named() -> None:
    assert codes(post("title: C# and F#, #1 hits")) == [(2, "front-matter-comment")]
    assert codes(post("title: C# and F#  # a comment")) == []


def test_the_file_name_dates_a_post_that_does_not() -> None:
    assert post(path="posts/2025-12-01-ai-daily.md").date == date(2025, 12, 1)
    assert post(path="posts/2025-1-2-x.md").date == date(2025, 1, 2)
    assert post("title: 题\ndate: 2026-03-01", path="2025-12-01-x.md").date == date(2026, 3, 1)
    assert post(path="posts/notes.md").date is None


def test_a_file_name_that_is_no_day_is_a_warning() -> None:
    issue = post(path="2025-02-30-x.md")
    assert (issue.date, codes(issue)) == (None, [(None, "date-name")])


@pytest.mark.parametrize(
    ("path", "title", "slug"),
    [
        ("posts/2025-12-01-ai-daily.md", "题", "2025-12-01-ai-daily"),
        ("posts/AI 日报 №1.md", "题", "ai-日报-1"),
        ("-", "AI日报 2025/12/1", "ai日报-2025-12-1"),
        ("<stdin>", "Slow Software!", "slow-software"),
        ("-", "!!!", "issue"),
        ("-", "x" * 200, "x" * 80),
        ("../..", "题", "issue"),
    ],
)
def test_slugs(path: str, title: str, slug: str) -> None:
    assert post(f'title: "{title}"', path=path).slug == slug


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("OpenAI 发布 GPT-5.2 系列模型，含三版本", "zh"),
        ("今日のニュースをお届けします", "ja"),
        ("生成AIの最新動向をまとめました", "ja"),
        ("오늘의 소식을 전합니다", "ko"),
        ("Slow software, and why", "en"),
        ("A long English text that mentions 北京 once", "en"),
        ("2026 / 3 / 1", "en"),
        ("", "en"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_the_author_decides_the_language_then_the_configuration() -> None:
    assert post("title: 题\nlang: zh-TW").lang == "zh-TW"
    assert post("title: 题\nlang: no").lang == "no"
    assert post("title: 题\nlang: fr", language="de").lang == "fr"
    assert post("title: 题", language="de").lang == "de"
    assert post("title: 题").lang == "zh"


# --- the other keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "published"),
    [("false", False), ("no", False), ('"false"', False), ("true", True), ("yes", True), ("~", True)],
)
def test_published(written: str, published: bool) -> None:
    assert post(f"title: 题\npublished: {written}").published is published


def test_published_unless_said_otherwise() -> None:
    assert post().published is True


def test_words_and_texts() -> None:
    issue = post(
        "title:  甲\n  乙\nauthor: 某人\nlayout: post\ntags: [AI, 日报]\ncategories: a b\nfeatured: true\nweight: 3"
    )
    assert issue.title == "甲 乙"
    assert (issue.author, issue.layout) == ("某人", "post")
    assert (issue.tags, issue.categories) == (("AI", "日报"), ("a", "b"))
    assert issue.extra == {"featured": True, "weight": 3}


def test_category_stands_in_for_categories() -> None:
    assert post('title: 题\ncategory: "AI-Info-Hub"').categories == ("AI-Info-Hub",)


@pytest.mark.parametrize("title", ["12:30", "2026", "No", "1.10", "2026-03-01", "0x1F"])
def test_a_title_stays_as_it_was_written(title: str) -> None:
    assert post(f"title: {title}").title == title


def test_text_that_is_a_list_is_a_warning() -> None:
    issue = post("title: 题\ndescription: [a, b]")
    assert (issue.description, codes(issue)) == ("", [(3, "front-matter-description")])


def test_the_summary_describes_a_post_without_a_description() -> None:
    issue = post(body="## 今日摘要\n\n```\n第一行。\n第二行。\n```\n")
    assert issue.description == "第一行。 第二行。"
    assert post("title: 题\ndescription: 我的").description == "我的"


def test_own_keys() -> None:
    issue = post('title: 题\nnewsletter:\n  subject: " 主题\\n二 "\n  preheader: 预览\n  template: classic')
    assert (issue.subject, issue.preheader, issue.template) == ("主题 二", "预览", "classic")
    assert codes(issue) == []


def test_own_keys_that_we_do_not_know() -> None:
    issue = post("title: 题\nnewsletter:\n  sbject: 主题")
    assert [finding.at("p.md") for finding in issue.findings] == [
        "p.md:4: `newsletter.sbject` is not a key we know; did you mean subject?"
    ]
    (far,) = post("title: 题\nnewsletter:\n  zzz: 主题").findings
    assert far.remedy == (
        "it may have archive, digest, headline, issue, latest, number, preheader, send_at, smart_punctuation, stories, "
        "subject, template"
    )


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: T\nnewsletter:\n  {}\nlatest: 9\n---\nWords.",
        "---\ntitle: T\n\nNewsletter: # ours\n# send_at: x, isue: y\n\n    {}\n---\nWords.",
        "---\nnewsletter: {{issue: a, {}}}\ntitle: T\n---\nWords.",
        "---\nnewsletter: {{issue: a,\n  {}\n}}\ntitle: T\n---\nWords.",
    ],
    ids=["below", "apart", "on-one-line", "in-braces"],
)
@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("isue: 3", "`newsletter.isue` is not a key we know; did you mean issue?"),
        ("stores: false", "`newsletter.stores` is not a key we know; did you mean stories?"),
        ("Subject: A", "`newsletter.Subject` is not a key we know; did you mean subject?"),
        ("stories: perhaps", "`newsletter.stories` is neither true nor false; write stories: false"),
        ('send_at: "25:00"', '`newsletter.send_at` is "25:00", not a time of day; write "08:00"'),
        ("send_at: 25:00", '`newsletter.send_at` is "25:00", not a time of day; write "08:00"'),
        ("latest: 800", '`newsletter.latest` is "800", not a time of day; write "08:00"'),
        ("latest: noon", '`newsletter.latest` is "noon", not a time of day; write "08:00"'),
        ("latest: [1]", '`newsletter.latest` is "[1]", not a time of day; write "08:00"'),
    ],
)
def test_a_slip_beneath_newsletter_is_named_on_its_own_line(text: str, entry: str, sentence: str) -> None:
    source = text.format(entry)
    line = source[: source.rindex(entry)].count("\n") + 1
    issue = parse_post(source, path="posts/2026-03-01-p.md", site=Site("https://blog.example")).issue
    assert [finding.at("p.md") for finding in issue.findings] == [f"p.md:{line}: {sentence}"]


@pytest.mark.parametrize(
    "text",
    [
        '+++\ntitle = "T"\n[newsletter]\nissue = "a"\nisue = 3\n+++\nWords.',
        '+++\ntitle = "T"\n\n[params.newsletter]\nisue = 3\n[other]\nsend_at = "x"\n+++\nWords.',
        '+++\ntitle = "T"\n\n\nnewsletter.isue = 3\n+++\nWords.',
        '+++\ntitle = "T"\n\n\nnewsletter = {isue = 3}\n+++\nWords.',
    ],
    ids=["table", "params", "dotted", "inline"],
)
def test_a_slip_beneath_newsletter_in_toml(text: str) -> None:
    issue = parse_post(text, path="posts/2026-03-01-p.md", site=Site("https://blog.example")).issue
    assert [(finding.code, finding.line) for finding in issue.findings] == [("front-matter-newsletter", 5)]


@pytest.mark.parametrize("entry", ["8:00", "08:00", '"8:00"', "12:30", "23:59", "''", ""])
def test_times_that_are_none_of_a_slip(entry: str) -> None:
    assert codes(post(f"title: 题\nnewsletter:\n  send_at: {entry}\n  latest: {entry}")) == []


@pytest.mark.parametrize("value", ["yes", "True", "weekly", "3", "[weekly, blog]"])
@pytest.mark.parametrize(
    "form", ["---\ntitle: 题\nnewsletter: {}\n---\n正文", "Title: 题\nAuthor: 甲\nNewsletter: {}\n\n正文"]
)
def test_another_programs_key_of_that_name_is_said_and_not_read(value: str, form: str) -> None:
    issue = parse_post(form.format(value), path="posts/post.md").issue
    (finding,) = issue.findings
    assert (finding.code, finding.line, finding.severity) == ("front-matter-newsletter", 3, "warning")
    assert finding.what == "`newsletter` is not a group of keys, and is not read"
    assert finding.remedy.startswith("indent archive, digest, headline, issue, latest, number, preheader, send_at")
    assert issue.published


@pytest.mark.parametrize("control", ["\\r\\nBcc: x@a.example", "\\u2028Bcc", "\\u0085x", "\\ex"])
def test_no_control_character_reaches_a_title_or_subject(control: str) -> None:
    issue = post(f'title: "a{control}"\nnewsletter:\n  subject: "b{control}"')
    for text in (issue.title, issue.subject):
        assert text.isprintable()


def test_hero() -> None:
    assert post("title: 题\nimage: images/hero.png").hero == Image("images/hero.png", "题", line=3)
    assert post("title: 题\nimage:\n  path: a.png\n  alt: 甲").hero == Image("a.png", "甲", line=3)
    assert post().hero is None


def test_a_hero_that_no_mail_client_shows_is_left_out() -> None:
    issue = post("title: 题\nimage: file:///home/me/a.png")
    assert (issue.hero, codes(issue)) == (None, [(3, "front-matter-image")])


def test_a_hero_of_its_own_bytes_is_kept() -> None:
    issue = post("title: 题\nimage: data:image/png;base64,xx")
    assert (issue.hero, codes(issue)) == (Image("data:image/png;base64,xx", "题", line=3), [])


def test_findings_are_in_reading_order() -> None:
    issue = post('title: "a "b" c"\nimage: x:y', "\n[a](x:y)\n\n** 重点 **字\n\n![](z:y)\n")
    assert codes(issue) == [
        (2, "front-matter-quote"),
        (3, "front-matter-image"),
        (6, "link-scheme"),
        (8, "bold-spaces"),
        (10, "image-scheme"),
    ]


def test_liquid_is_resolved() -> None:
    text = "---\ntitle: 题\ntopic: 芯片\n---\n\n谈{{ page.topic }}，见 {{ '/about' | absolute_url }} 。\n"
    issue = parse_post(text, path="p.md", site=Site("https://blog.example", "/b")).issue
    about = "https://blog.example/b/about"
    assert (outline(issue.blocks), codes(issue)) == (f"p @6 谈芯片，见 <a {about}>{about}</a> 。", [])


def test_liquid_that_is_not_set_leaves_nothing_and_is_named() -> None:
    issue = post(body="见 {{ site.url }}。")
    assert (outline(issue.blocks), codes(issue)) == ("p @4 见 。", [(4, "liquid-empty")])


def test_raw_liquid_stays_text() -> None:
    assert "{{ site.url }}" in outline(post(body="见 {% raw %}{{ site.url }}{% endraw %}。").blocks)


# --- conditions and the web version ---------------------------------------------------------------------------------

SPLIT = """---
title: 题
---

1. 甲。
{% if subscriber.plan == "pro" %}
2. 乙。{{ subscriber.city }}
{% elsif subscriber.plan %}
2. 丙。
{% endif %}
3. [丁](x:y)
"""


def test_conditions_choose_the_stories() -> None:
    everything = parse_post(SPLIT, path="p.md")
    assert [condition.source for condition in everything.conditions] == ['subscriber.plan == "pro"', "subscriber.plan"]
    assert [condition.line for condition in everything.conditions] == [6, 8]
    for chosen, words in ((None, "甲。丁"), (0, "甲。乙。丁"), (1, "甲。丙。丁")):
        answers = [condition for index, condition in enumerate(everything.conditions) if index == chosen]
        issue = parse_post(SPLIT, path="p.md", choose=lambda condition: condition in answers).issue  # noqa: B023
        shown = "".join(plain_text(block.inlines) for block in walk(issue.blocks) if isinstance(block, Paragraph))
        assert re.sub(r"nlfield\d+x\d+z", "", shown) == words
        assert [story.number for story in issue.stories] == list(range(1, len(issue.stories) + 1))
        assert codes(issue) == [(11, "link-scheme")]
        assert [field.name for field in issue.fields] == ["city"]


def test_fields_in_the_front_matter() -> None:
    issue = post('title: 你好{{ subscriber.name | default("朋友") }}\nnewsletter:\n  subject: "{{ subscriber.name }}"')
    assert [(field.name, field.default, field.line) for field in issue.fields] == [("name", "朋友", 2), ("name", "", 4)]
    assert issue.title == f"你好{issue.mark}0z"
    assert issue.subject == f"{issue.mark}1z"


def test_a_field_names_no_slug() -> None:
    assert post("title: 你好 {{ subscriber.name }}", path="-").slug == "你好"


@pytest.mark.parametrize(
    ("front", "path", "url"),
    [
        ("title: 题", "posts/2026-03-01-Chips.md", "https://blog.example/b/2026/03/01/Chips.html"),
        ("title: 题\ncategories: [AI, Daily]", "2026-03-01-x.md", "https://blog.example/b/ai/daily/2026/03/01/x.html"),
        ("title: 题\npermalink: /today/", "2026-03-01-x.md", "https://blog.example/b/today/"),
        ("title: 题\ndate: 2026-04-05", "2026-03-01-x.md", "https://blog.example/b/2026/04/05/x.html"),
        ("title: 题\npublished: false", "2026-03-01-x.md", ""),
        ("title: 题", "notes.md", ""),
    ],
)
def test_the_web_version(front: str, path: str, url: str) -> None:
    site = Site("https://blog.example", "/b", "date")
    assert parse_post(f"---\n{front}\n---\n正文", path=path, site=site).issue.url == url


def test_links_are_relative_to_the_web_version() -> None:
    site = Site("https://blog.example", "/b", "pretty")
    issue = parse_post(
        "---\ntitle: 题\n---\n[a](#x) [b](y.html) [c](/z) [d](/b/z)", path="2026-03-01-p.md", site=site
    ).issue
    assert re.findall(r"<a ([^\s>]+)>", outline(issue.blocks)) == [
        "https://blog.example/b/2026/03/01/p/#x",
        "https://blog.example/b/2026/03/01/p/y.html",
        "https://blog.example/b/z",
        "https://blog.example/b/z",
    ]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Generics: List<T> and Map<K, V>", "Generics: List<T> and Map<K, V>"),
        ("The <project-name> flag", "The <project-name> flag"),
        ("A <em>new</em> chip &amp; more", "A new chip & more"),
    ],
)
def test_a_title_loses_tags_and_no_words(written: str, title: str) -> None:
    assert post(f"title: {written!r}").title == title


MDX = """---
title: Of the day
---
import Steps from "./Steps.astro";

<Steps>
1. Write `a` file.

    <details>
    <summary>Show it</summary>
    ```js title="of its own"
    let tram = 1;

    let tide = 2;
    ```
    </details>

2. Use **it**.
</Steps>

<Box icon="x">
Words *here*.
</Box>
"""


def test_markdown_between_the_tags_of_mdx_is_read() -> None:
    issue = parse_post(MDX, path="p.mdx").issue
    assert outline(issue.blocks) == (
        "story 1 @7\n  p @7 Write <code>a</code> file.\n  p @10 <b>Show it</b>\n"
        "  p @11 <code>of its own</code>\n  code @11 js\n    |let tram = 1;\n    |\n    |let tide = 2;\n"
        "story 2 @18\n  p @18 Use <b>it</b>.\np @22 Words <i>here</i>."
    )
    assert [(f.code, f.line) for f in issue.findings] == [
        ("mdx-code", 4),
        ("html-component", 6),
        ("html-component", 21),
    ]


def test_a_custom_element_holds_markdown_in_mdx() -> None:
    body = "<tide-note a=x>\n\tSee [*it*](https://a.example/x).\n</tide-note>\n\n- <a-b>words</a-b>\n"
    issue = parse_post(f"---\ntitle: T\n---\n{body}", path="p.mdx").issue
    assert outline(issue.blocks) == "p @5 See <a https://a.example/x><i>it</i></a>.\nlist @8\n  item\n    p @8 words"
    assert [(f.code, f.line) for f in issue.findings] == [("html-component", 4), ("html-component", 8)]


def test_tags_of_other_posts_are_html() -> None:
    issue = parse_post("---\ntitle: T\n---\n<div>\n    *as it is*\n</div>\n", path="p.md").issue
    assert outline(issue.blocks) == "p @4 *as it is*"


def test_an_inline_drawing_is_left_out_with_a_word() -> None:
    issue = parse_post("---\ntitle: T\n---\nText.\n\n<svg><text>in it</text></svg>\n", path="p.md").issue
    assert [(f.code, f.line) for f in issue.findings] == [("drawing", 6)]


def test_an_address_that_only_the_site_can_fill_in_is_no_address() -> None:
    site = Site("https://blog.example", permalink="/:title/")
    for written in ("/notes/{{ page.fileSlug }}/", "{{ title | slugify }}.html", "{% if x %}/a/{% endif %}"):
        source = f"---\ntitle: T\npermalink: '{written}'\n---\nSee [above](#up).\n"
        issue = parse_post(source, path="p.md", site=site).issue
        assert issue.url == ""
        assert "{" not in outline(issue.blocks)
        assert [(f.code, f.line) for f in issue.findings if "permalink" in f.code] == [("front-matter-permalink", 3)]
