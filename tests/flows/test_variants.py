"""Personal content without per-person rendering: one email per combination of answers that the list really gives."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import newsletter.pipeline.render_post
from newsletter.audience.audience import Audience
from newsletter.audience.read_audience import read_audience
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.errors import EXIT_CONTENT, ContentError
from newsletter.message.fill_slots import fill, slot_values
from newsletter.model.delivery import Sender
from newsletter.model.rendered_email import Email
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.plan_send import plan_send
from newsletter.pipeline.render_post import Rendering, render_post
from newsletter.render.render_issue import render_issue

POST = """---
title: 日报，{{ subscriber.name | default("朋友") }}
---

1. 大家都读的。
{% if subscriber.plan == "pro" %}
2. 专业版才有的。
{% elsif subscriber.plan == "max" %}
2. 旗舰版才有的。
{% endif %}
{% unless subscriber.city contains "杭州" %}
3. 杭州以外的。
{% endunless %}
{% if subscriber.age >= 18 %}
4. 成年人的。
{% endif %}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "日报"\n', "utf-8")
    return load_config(tmp_path / "newsletter.toml", {}, tmp_path)


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of each issue that was rendered, in order; rendering itself goes on as ever."""
    seen: list[str] = []

    def counting(*arguments: Any, **named: Any) -> Email:
        email = render_issue(*arguments, **named)
        seen.append(fill(email.text, {}))
        return email

    monkeypatch.setattr(newsletter.pipeline.render_post, "render_issue", counting)
    return seen


def audience_of(tmp_path: Path, rows: list[dict[str, str]]) -> Audience:
    path = tmp_path / "list.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return read_audience(path)


def post_of(tmp_path: Path, text: str = POST) -> str:
    path = tmp_path / "2026-03-01-x.md"
    path.write_text(text, "utf-8")
    return str(path)


def stories_for(person: Subscriber) -> list[str]:
    """What this person should read, worked out without the product."""
    plan, city, age = (person.fields.get(column, "") for column in ("plan", "city", "age"))
    return [
        "大家都读的。",
        *(["专业版才有的。"] if plan == "pro" else ["旗舰版才有的。"] if plan == "max" else []),
        *(["杭州以外的。"] if "杭州" not in city else []),
        *(["成年人的。"] if age.isdigit() and int(age) >= 18 else []),
    ]


def shown(email: Email) -> list[str]:
    lines = (line.strip() for line in fill(email.text, {}).split("\n"))
    return [line.partition(". ")[2] for line in lines if line[:1].isdigit() and ". " in line]


def person(number: int) -> dict[str, str]:
    plan = ("pro", "free")[number % 2]
    return {
        "email": f"reader{number}@example.com",
        "name": f"读者{number}",
        "plan": plan,
        "city": ("浙江杭州", "上海")[number // 2 % 2],
        "age": ("30", "12")[number // 4 % 2],
    }


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_subscribers_and_three_conditions(config: Config, renders: list[str], tmp_path: Path, count: int) -> None:
    audience = audience_of(tmp_path, [person(number) for number in range(count)])
    text = POST.replace('{% elsif subscriber.plan == "max" %}\n2. 旗舰版才有的。\n', "")
    rendering = render_post(post_of(tmp_path, text), config, audience)
    emails = {id(email): email for email in map(rendering.variants.email_for, audience)}
    assert len(audience) == count
    assert len(rendering.variants.conditions) == 3
    # Nobody of an empty row is on the list, but the author's own copy is one.
    assert len(emails) == 8
    assert len(renders) == len(rendering.variants.emails) <= 8
    assert Counter(renders).most_common(1)[0][1] == 1
    right = {key: shown(email) for key, email in emails.items()}
    for reader in audience:
        assert right[id(rendering.variants.email_for(reader))] == stories_for(reader)


def test_everyone_gets_the_right_one(config: Config, renders: list[str], tmp_path: Path) -> None:
    plans, cities, ages = ("pro", "max", "free", ""), ("杭州", "上海", ""), ("18", "17", "", "old")
    rows = [
        {"email": f"r{a}{b}{c}@example.com", "name": "", "plan": plan, "city": city, "age": age}
        for a, plan in enumerate(plans)
        for b, city in enumerate(cities)
        for c, age in enumerate(ages)
    ]
    audience = audience_of(tmp_path, rows)
    rendering = render_post(post_of(tmp_path), config, audience)
    assert len(renders) == len(rendering.variants.emails) == 12
    for reader in audience:
        assert shown(rendering.variants.email_for(reader)) == stories_for(reader)


def test_only_what_the_list_asks_for_is_rendered(config: Config, renders: list[str], tmp_path: Path) -> None:
    audience = audience_of(tmp_path, [person(0), person(0) | {"email": "b@example.com"}])
    rendering = render_post(post_of(tmp_path), config, audience)
    assert len(renders) == len(rendering.variants.emails) == 2  # theirs, and the author's own copy
    assert shown(rendering.email) == ["大家都读的。", "杭州以外的。"]


def test_fields_are_filled_not_rendered(config: Config, renders: list[str], tmp_path: Path) -> None:
    audience = audience_of(tmp_path, [person(number) | {"plan": "free"} for number in range(4)])
    title = "你好 {{ subscriber.name | default('朋友') }}"
    text = f"---\ntitle: {title}\n---\n\n" + "来自{{ subscriber.city }}的{{ subscriber.name }}\n"
    rendering = render_post(post_of(tmp_path, text), config, audience)
    assert len(renders) == 1
    for reader in audience:
        values = slot_values(Sender("日报", "daily@example.com"), reader)
        assert f"来自{reader.fields['city']}的{reader.name}" in fill(rendering.email.html, values)
        assert fill(rendering.email.subject, values) == f"你好 {reader.name}"
    assert fill(rendering.email.subject, {}) == "你好 朋友"


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        ("甲\n\n{{ subscriber.plam }}", 6, "plam"),
        ("甲\n{% if subscriber.plan %}\n{% elsif subscriber.cty %}\n{% endif %}", 6, "cty"),
        ("甲{% if subscriber.no %}{% if subscriber.plan %}{{ subscriber.hidden }}{% endif %}{% endif %}", 4, "hidden"),
        ('甲\n{% if subscriber["Full Name"] %}{% endif %}', 5, "full name"),
    ],
)
def test_an_unknown_column_is_named_with_its_line_and_the_lists_columns(
    config: Config, tmp_path: Path, body: str, line: int, column: str
) -> None:
    post = post_of(tmp_path, f"---\ntitle: 题\n---\n{body}\n".replace("subscriber.no ", "subscriber.plan "))
    with pytest.raises(ContentError) as caught:
        render_post(post, config, audience_of(tmp_path, [person(1)]))
    assert caught.value.exit_code == EXIT_CONTENT
    assert str(caught.value) == (
        f"{post}:{line}: subscriber.{column} is not a column of the list; write one of: age, city, email, name, plan"
    )


CORPORATE = (
    '---\ntitle: 题\n---\n1. 大家都读的。\n{% if subscriber.email contains "@corp." %}\n2. 公司才有的。\n{% endif %}\n'
)


@pytest.mark.parametrize("listed", [True, False])
def test_a_stranger_s_test_is_the_variant_of_their_own_address(config: Config, tmp_path: Path, listed: bool) -> None:
    to = tmp_path / "list.csv"
    to.write_text("email\nann@example.com\n", "utf-8")
    sending = plan_send(
        post_of(tmp_path, CORPORATE),
        config,
        to=to if listed else None,
        test=("boss@corp.example", "Ann@example.com"),
        when=datetime(2026, 3, 1, 6, tzinfo=UTC),
        dry=True,
    )
    boss, ann = sending.recipients
    assert shown(sending.composer.variants.email_for(boss)) == ["大家都读的。", "公司才有的。"]
    assert shown(sending.composer.variants.email_for(ann)) == ["大家都读的。"]
    assert ann.line == (2 if listed else None)


def test_holes_are_counted_over_everyone(config: Config, tmp_path: Path) -> None:
    to = tmp_path / "list.csv"
    rows = "".join(f"p{n}@example.com,{'' if n % 3 else 'Oslo'},\n" for n in range(1_500))
    to.write_text(f"email,city,name\n{rows}", "utf-8")
    text = "---\ntitle: 题\n---\n{{ subscriber.city }} {{ subscriber.email }}\n{{ subscriber.name | default('x') }}\n"
    sending = plan_send(
        post_of(tmp_path, text), config, to=to, test=(), when=datetime(2026, 3, 1, 6, tzinfo=UTC), dry=True
    )
    holes = [finding for finding in sending.findings if finding.code == "field-empty"]
    assert [(hole.what, hole.line) for hole in holes] == [
        ("subscriber.city is empty for 1,000 of 1,500, and leaves a hole", 4)
    ]


def test_without_a_list_every_column_is_taken_for_empty(config: Config, tmp_path: Path) -> None:
    rendering: Rendering = render_post(post_of(tmp_path), config)
    assert shown(rendering.email) == ["大家都读的。", "杭州以外的。"]
    assert "日报，朋友" in fill(rendering.email.html, {})
