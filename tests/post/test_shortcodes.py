"""Hugo's shortcodes and MDX's code: what is shown of them, and what is named."""

from __future__ import annotations

import pytest

from newsletter.post.templating.shortcodes import resolve_shortcodes


def resolved(text: str, path: str = "p.md") -> tuple[str, list[tuple[int | None, str]]]:
    found = resolve_shortcodes(text, path=path, first_line=1)
    return found.text, [(finding.line, finding.code) for finding in found.findings]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('{{< figure src="a b.png" alt="A quay" caption="At noon" >}}', '![A quay](<a b.png> "At noon")'),
        ('{{< figure src="a.png" link="https://a.example" >}}', "[![](<a.png>)](<https://a.example>)"),
        ("{{< youtube abcdef >}}", "<https://www.youtube.com/watch?v=abcdef>"),
        ('[x]({{< ref "posts/one.md" >}})', "[x](/posts/one/)"),
        ("{{< highlight go >}}\nx := 1\n{{< /highlight >}}", "```go\nx := 1\n```"),
        ("{{</* figure src=x */>}}", "{% raw %}{{< figure src=x >}}{% endraw %}"),
        ("```\n{{< unknown >}}\n```", "```\n{{< unknown >}}\n```"),
    ],
)
def test_what_is_known_is_shown(source: str, shown: str) -> None:
    assert resolved(source) == (shown, [])


def test_what_is_unknown_is_taken_out_and_named_and_what_it_holds_stays() -> None:
    text, findings = resolved("a\n{{% notice tip %}}\nwords\n{{% /notice %}}\nb")
    assert text == "a\n\nwords\n\nb"
    assert findings == [(2, "shortcode")]


def test_code_of_mdx_before_the_text_is_taken_out() -> None:
    source = 'import A from "../a.astro";\nimport {\n  B,\n} from "b";\n\nimport is a word here.\n'
    text, findings = resolved(source)
    assert text == "\n\n\n\n\nimport is a word here.\n"
    assert findings == [(1, "mdx-code"), (2, "mdx-code")]


def test_in_an_mdx_file_it_may_stand_anywhere_but_in_code() -> None:
    source = "Words.\n\nexport const x = 1\n\n```js\nimport a from 'a'\n```\n\n{/* a note */}\n"
    text, findings = resolved(source, "p.mdx")
    assert text == "Words.\n\n\n\n```js\nimport a from 'a'\n```\n\n\n"
    assert findings == [(3, "mdx-code")]


def test_a_sentence_that_begins_with_import_is_text() -> None:
    source = "import duties rose, from all we hear.\n"
    assert resolved(source) == (source, [])


def test_a_comment_of_mdx_is_not_shown_and_code_keeps_its_own() -> None:
    code = "```jsx\n<A>{/* kept */}</A>\n```\n`{/* kept */}` too"
    assert resolved(f"a {{/* b\nc */}} d\n{code}", "p.mdx") == (f"a \n d\n{code}", [])
    assert resolved(f"a\n\n{{/* truncate */}}\n\n{code}") == (f"a\n\n\n\n{code}", [])
    assert resolved("a {/* words */} b") == ("a {/* words */} b", [])
