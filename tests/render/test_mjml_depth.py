"""The depth of MJML, and the themes that go too deep."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import newsletter

from newsletter.render.inline_css import MAX_MJML_DEPTH
from newsletter.render.mjml_depth import mjml_depth


@pytest.mark.parametrize(
    ("mjml", "depth"),
    [
        ("", 0),
        ("<mjml><mj-body></mj-body></mjml>", 2),
        ("<a/><a /><a></a>", 1),
        ("<a><br><br/><img src='x'>x</a>", 1),
        ('<a b="x > y" c=">"/><a></a>', 1),
        ("<a><!-- <b><b><b> --><![CDATA[<c><c>]]></a>", 1),
        ("</a></a><a>", 1),
        ("<a><b><c></c></b><b></b></a>", 3),
        ("<a" * 100, 100),
        ("<!-- never closed <a><a>", 0),
        ("<a b='" * 3, 3),
    ],
)
def test_depth_is_how_many_elements_are_open_at_once(mjml: str, depth: int) -> None:
    assert mjml_depth(mjml) == depth


BODY = """<mjml><mj-body><mj-section><mj-column><mj-text>
{open}x{close}
</mj-text></mj-column></mj-section></mj-body></mjml>
"""


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("{% for n in range(16000) %}<div>{% endfor %}", "{% for n in range(16000) %}</div>{% endfor %}"),
        ("<b>" * 16_000, ""),
        ("{% for n in range(16000) %}<mj-wrapper a='>'>{% endfor %}", "</mj-wrapper>"),
    ],
)
def test_a_theme_that_nests_without_end_gets_a_sentence(tmp_path: Path, opening: str, closing: str) -> None:
    theme = tmp_path / "templates" / "deep"
    theme.mkdir(parents=True)
    (theme / "theme.toml").write_text('extends = "classic"\n')
    (theme / "issue.mjml.j2").write_text(BODY.format(open=opening, close=closing))
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "A"\n[theme]\nname = "deep"\n')
    (tmp_path / "post.md").write_text("---\ntitle: Hello\n---\n\nWords.\n")
    result = newsletter("render", "post.md", cwd=tmp_path)
    assert result.code == 2
    assert "templates/deep" in result.err
    assert f"more than {MAX_MJML_DEPTH}" in result.err
    assert result.err.count("\n") == 1


def test_the_deepest_post_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "A"\n')
    inner = "<div>" * 59 + "x" + "</div>" * 59
    (tmp_path / "post.md").write_text("---\ntitle: Hello\n---\n\n" + ">" * 120 + " x\n\n" + "- " * 99 + inner + "\n")
    assert newsletter("render", "post.md", cwd=tmp_path).code == 0
