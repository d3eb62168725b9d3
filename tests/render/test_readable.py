"""Every theme on every screen: nothing beyond a window of 320 pixels, nothing clipped, nothing lost on paper.

The torture post has what widens an email: words without a place to break in every part, wide tables, formulas, pictures
of any size, deep lists. Measured in Chromium, one browser that is led from email to email.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from browser import FLAGS
from email_page import EmailPage
from machine import CHECKOUT, CHROMIUM, PATIENT_MS, RequireProgram, missing
from PIL import Image as Pillow
from themes import THEMES
from whole import part_of

from newsletter.model.issue import Image, Site
from newsletter.model.rendered_email import Masthead
from newsletter.model.transform import map_images
from newsletter.post.parse import decode_post, parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

WIDTHS = (320, 390, 640)
MASTHEAD = Masthead("Wochenendnachrichtenzusammenfassungsredaktion", "1 Example Street, Exampletown", unsubscribe=True)

HASH = "3f786850e387550fdab836ed7e6dc881de23001b" * 2
COMPOUND = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzentwurf"
URL = "https://example.com/2024/03/01/one_long_slug_that_has_no_place_at_all_for_a_line_to_break_in_it"
NAME = "`com.example.project.package.ConfigurationOfVeryLongNames.someMethodName`"
TABLE = """| Provider | Monthly price | Included messages | Dedicated address | Support |
|---|--:|---|:-:|---|
| Alphasend | 15 dollars | 50000 | included | email |
| Betamail | 29 dollars | 100000 | additional | telephone |
"""
MANY_COLUMNS = "\n".join(
    f"| {' | '.join(row)} |"
    for row in ([f"Column{n}" for n in range(14)], ["---"] * 14, [f"cell-number-{n}" for n in range(14)], ["1"] * 14)
)
TORTURE = f"""---
title: "{COMPOUND} and {URL}"
description: "A preheader with {HASH} in it"
author: {COMPOUND.lower()}
image: https://example.com/hero.png
---

# {COMPOUND} in a heading

## {HASH}

### {URL}

#### {NAME}

Plain words. {COMPOUND}, {HASH}, {URL} and {NAME}, then plain words again.[^1]

## Summary

```
{HASH} and {COMPOUND} in short.
```

## More

$$\\int_{{-\\infty}}^{{\\infty}}e^{{-x^2}}dx=\\sqrt{{\\pi}}=\\sum_{{n=0}}^{{\\infty}}\\frac{{x^n}}{{n!}}=\\lim_{{n\\to\\infty}}(1+x/n)^n$$

![badge](https://example.com/badge.png) ![wide](https://example.com/wide.png)

![{HASH}](https://example.com/titled.png "{COMPOUND}")

![asked](https://example.com/asked.png){{: width="480"}}

<img src="https://example.com/styled.png" style="width:1200px" alt="styled">
<img src="https://example.com/high.png" height="300" alt="high">

{TABLE}
| Key | What it is |
|---|---|
| `a` | a line of words that is a good deal longer than all that is in the other cells |
| {URL} | {HASH} |
| ![in a cell](https://example.com/cell.png) | words beside a picture |

{MANY_COLUMNS}

> {HASH}
>
> > {COMPOUND}
> >
> > > {TABLE.replace(chr(10), chr(10) + "> > > ")}

{"".join("  " * depth + f"- level {depth} {HASH if depth % 4 == 3 else ''}" + chr(10) for depth in range(16))}

{"> " * 12}deep {COMPOUND}

```python
def {HASH}(argument_number_one_of_many_arguments, argument_number_two_of_many_arguments=None):
    return "{HASH}"
```

{COMPOUND}
: {HASH} and {URL}

<video src="{URL}.mp4" title="{HASH}" poster="https://example.com/poster.png"></video>

## Stories

1. **{COMPOUND} {HASH}**
   {URL} and words.
   [A label that is so long that no telephone has a line for it, and then it goes on](https://example.com/1)
   [{COMPOUND}](https://example.com/2) [short](https://example.com/3) [kurz](https://example.com/4)
   ![story](https://example.com/story.png)

2. Another one.

   {TABLE.replace(chr(10), chr(10) + "   ")}
   - {HASH}

1000. The last one. [阅读原文阅读原文阅读原](https://example.com/5)

[^1]: {HASH} and {URL}
"""
EXAMPLES = sorted((CHECKOUT / "examples").glob("*.md"))
POSTS = sorted((CHECKOUT.parent / "shared" / "posts").glob("*.md"))
SIZES = ((120, 80), (303, 200), (480, 320), (551, 551), (720, 1560), (1200, 675), (2000, 900), (600, 2400))


@pytest.fixture(scope="module")
def page(require_program: RequireProgram, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmailPage]:
    program = require_program(*CHROMIUM)
    pdftotext = require_program("pdftotext")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page()
        page.set_default_timeout(PATIENT_MS)
        yield EmailPage(page, pdftotext, tmp_path_factory.mktemp("email"))
        browser.close()


def stand_in(src: str, folder: Path) -> tuple[Path, tuple[int, int]]:
    """A picture of one of SIZES, always the same for an address."""
    size = SIZES[int(hashlib.sha256(src.encode()).hexdigest(), 16) % len(SIZES)]
    path = folder / f"{size[0]}x{size[1]}.png"
    if not path.exists():
        Pillow.new("RGB", size, "teal").save(path)
    return path, size


def rendered(source: bytes, name: str, theme: str, folder: Path, *, known: bool) -> str:
    """The email as a browser gets it, with pictures whose size the renderer knows or does not know."""
    issue = parse_post(decode_post(source, name), path=name, site=Site("https://blog.example")).issue

    def sized(image: Image) -> Image:
        width, height = stand_in(image.src, folder)[1]
        return replace(image, width=width, height=height)

    issue = map_images(issue, sized) if known else issue
    parts = render_issue(issue, load_theme(theme, CHECKOUT), MASTHEAD).html.parts
    html = "".join(part if isinstance(part, str) else "https://a.example/u" for part in parts)
    return re.sub(r'(<img[^>]* src=")([^"]*)', lambda found: found[1] + stand_in(found[2], folder)[0].as_uri(), html)


def torture() -> dict[str, bytes]:
    return {"torture": TORTURE.encode(), "torture-rtl": TORTURE.replace("---\n", "---\nlang: ar\n", 1).encode()}


def on_screen() -> Iterator[Any]:
    """Each theme with the torture post from the left, whose pictures have sizes, and from the right, where none has.

    Each example in a theme of its own. The whole has the rest, the soak alone real posts with pictures without sizes.
    """
    for theme, (name, source), known in product(THEMES, torture().items(), (True, False)):
        marks = () if known == (name == "torture") else pytest.mark.whole
        yield pytest.param(theme, source, "torture.md", known, id=f"{theme}-{name}-{known}", marks=marks)
    for (number, path), (turn, theme) in product(enumerate((*EXAMPLES, *POSTS)), enumerate(THEMES)):
        marks = () if number == turn and path in EXAMPLES else pytest.mark.whole
        source = path.read_bytes()
        yield pytest.param(theme, source, path.name, True, id=f"{theme}-{path.stem}-True", marks=marks)
        yield pytest.param(theme, source, path.name, False, id=f"{theme}-{path.stem}-False", marks=pytest.mark.soak)


@pytest.mark.parametrize(("theme", "source", "name", "known"), [*on_screen()])
def test_nothing_is_beyond_the_window_or_clipped(
    page: EmailPage, source: bytes, name: str, theme: str, known: bool
) -> None:
    html = rendered(source, name, theme, page.folder, known=known)
    assert page.sticking_out(html, *WIDTHS) == {}


def on_paper() -> Iterator[Any]:
    """Each theme with the torture post, the last from the right as well."""
    for theme, (name, source) in product(THEMES, torture().items()):
        marks = () if name == "torture" or theme == THEMES[-1] else pytest.mark.whole
        yield pytest.param(theme, source, "torture.md", id=f"{theme}-{name}", marks=marks)
    for path, theme in product((*EXAMPLES, *POSTS), THEMES):
        yield pytest.param(theme, path.read_bytes(), path.name, id=f"{theme}-{path.stem}", marks=pytest.mark.whole)


@pytest.mark.parametrize(("theme", "source", "name"), [*on_paper()])
def test_nothing_is_lost_on_paper(page: EmailPage, source: bytes, name: str, theme: str) -> None:
    html = rendered(source, name, theme, page.folder, known=True)
    page.open(html)
    words = page.words()
    pages = page.printed()
    # A paragraph may go from page to page, so letters are counted; as NFKC, since fonts have ligatures, and without
    # their case, since a theme may set headings in capitals.
    shown, printed = (Counter(unicodedata.normalize("NFKC", "".join(texts)).casefold()) for texts in (words, pages))
    assert shown - printed == Counter()
    # The letter in place of a logo may come behind the name beside it.
    assert "".join(word for word in words if len(word) > 1)[:10] in pages[0][:60], "page 1 begins with the header"


@pytest.mark.parametrize("theme", part_of(THEMES, "classic"))
def test_an_email_without_our_care_is_found_out(page: EmailPage, theme: str) -> None:
    """What the measurements are worth: without the rules that hold an email together, each of them says so."""
    html = rendered(TORTURE.encode(), "torture.md", theme, page.folder, known=True)
    unbroken = re.sub(r"word-break:break-word;?|overflow-wrap:anywhere;?", "", html)
    assert page.sticking_out(unbroken, 320)
    clipped = unbroken.replace('<div class="card" style="', '<div class="card" style="overflow:hidden;', 1)
    assert any(" clips " in found for found in page.sticking_out(clipped, 320)[320])
    if theme == "classic":
        in_one_piece = html.replace("<div><table", '<div style="display:inline-block;width:100%"><table')
        assert in_one_piece != html
        page.open(in_one_piece)
        assert page.printed()[0] == ""


@pytest.mark.parametrize("theme", [theme for theme in THEMES if theme != "brief"])  # which shows no pictures
def test_a_dark_drawing_is_seen_on_a_dark_card(page: EmailPage, theme: str) -> None:
    """A logo in black on nothing: behind it is the light card, in dark mode too."""
    Pillow.new("RGBA", (120, 80), (0, 0, 0, 0)).save(page.folder / "clear.png")
    html = rendered(b"# Logo\n\n![logo](a.png)\n\nx ![i](b.png) y", "logo.md", theme, page.folder, known=True)
    card = load_theme(theme, CHECKOUT).values["light"]["card"]
    light = f"rgb({', '.join(str(int(card[index : index + 2], 16)) for index in (1, 3, 5))})"
    page.open(re.sub(r'(<img[^>]* src=")([^"]*)', rf"\1{(page.folder / 'clear.png').as_uri()}", html))
    for scheme, back in {"light": "rgba(0, 0, 0, 0)", "dark": light}.items():
        page.page.emulate_media(color_scheme=scheme)
        backs = page.page.evaluate("[...document.images].map((image) => getComputedStyle(image).backgroundColor)")
        assert backs == [back] * 2, scheme
