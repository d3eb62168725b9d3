"""A grammar of posts: every construct of kramdown's manual, alone and combined, with unique words."""

from __future__ import annotations

import random
from collections.abc import Callable

WORDS = ("harbour", "ledger", "字", "Zürich", "маяк", "lantern", "港口", "tide", "Ἰλιάς", "quay")


class Writer:
    """Generates random posts; words are numbered, so that none can be confused with another."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.count = 0
        self.later: list[str] = []  # definitions for the end
        self.depth = 0

    def post(self) -> str:
        blocks = [self.block() for _ in range(self.chance.randint(1, 6))]
        return "\n\n".join([*blocks, *self.later]) + "\n"

    def digest(self) -> str:
        """Items of one shape, sometimes with words and sections around them."""
        item = self.chance.choice(
            (self.heading_item, self.bullet_item, self.line_item, self.counted_item, self.numbered_item, self.row_item)
        )
        count = self.chance.randint(3, 6)
        items = [item(number) for number in range(1, count + 1)]
        between = "\n" if item in (self.bullet_item, self.numbered_item, self.row_item) else "\n\n"
        if item == self.row_item:
            items.insert(0, f"| no{self.word()} | {self.word()} | {self.word()} |\n|---|---|---|")
        before = [self.block()] if self.chance.random() < 0.3 else []
        after = [self.paragraph()] if self.chance.random() < 0.5 else []
        return "\n\n".join([*before, between.join(items), *after, *self.later]) + "\n"

    def heading_item(self, number: int) -> str:
        section = f"## {self.words()}\n\n" if self.chance.random() < 0.2 else ""
        mark = self.chance.choice(("", "", "🔥 ", f"{number}. "))
        aside = f" ({self.word()})" if self.chance.random() < 0.2 else ""
        blocks = "\n\n".join(self.block() for _ in range(self.chance.randint(1, 2)))
        return f"{section}### {mark}[{self.words()}]({self.address()}){aside}\n\n{blocks}"

    def bullet_item(self, number: int) -> str:
        title = f"[{self.words()}]({self.address()})"
        title = f"**{title}**" if self.chance.random() < 0.3 else title
        text = f"{self.words(8)} {self.line()}"
        nested = text.replace("\n", "\n  ")
        return f"- {title}" + self.chance.choice((f": {nested}", f" – {nested}", f"\n  {nested}", f"\n\n  > {nested}"))

    def line_item(self, number: int) -> str:
        ended = self.chance.choice(
            (f" [{self.words()}]({self.address()})", f" {self.address()}", f" ({self.address()})")
        )
        picture = f"\n\n{self.picture()}" if self.chance.random() < 0.3 else ""
        after = self.chance.choice(("\n", "\n\n"))
        return f"**{self.words()}**{after}{self.paragraph()}.{ended}{picture}"

    def counted_item(self, number: int) -> str:
        section = f"## {self.words()}\n\n" if self.chance.random() < 0.2 else ""
        more = f"\n\n{self.chance.choice((self.picture, self.paragraph))()}" if self.chance.random() < 0.4 else ""
        return f"{section}{number}、{self.line()}。{more}"

    def numbered_item(self, number: int) -> str:
        pointer = self.chance.choice(("", "🔗 ", f"{self.word()}: "))
        address = self.chance.choice((self.address(), f"({self.address()})", f"[{self.word()}]({self.address()})"))
        return f"{number}. {self.words(6)}. {pointer}{address}"

    def row_item(self, number: int) -> str:
        return f"| {number} | [{self.words()}]({self.address()}) | {self.words(8)} {self.cell()} {self.words(8)} |"

    def word(self) -> str:
        self.count += 1
        return f"{self.chance.choice(WORDS)}{self.count}x"

    def words(self, most: int = 4) -> str:
        return " ".join(self.word() for _ in range(self.chance.randint(1, most)))

    def address(self) -> str:
        self.count += 1
        return f"https://a.example/{self.chance.choice(('x', 'a-b', 'a--b', 'q?a=b&c=d', '%E4%B8%AD'))}{self.count}"

    # --- inside a paragraph -----------------------------------------------------------------------------------------

    def inline(self) -> str:
        kinds: tuple[Callable[[], str], ...] = (
            self.words,
            self.words,
            lambda: f"**{self.words()}**",
            lambda: f"**{self.word()}:**{self.word()}",
            lambda: f"*{self.words()}*",
            lambda: f"_{self.words()}_",
            lambda: f"~~{self.words()}~~",
            lambda: f"***{self.words()}***",
            lambda: f"`{self.word()} | {self.word()}`",
            lambda: f"[{self.words()}]({self.address()})",
            lambda: f'[{self.words()}]({self.address()} "{self.word()}")',
            lambda: f"[**{self.word()}** {self.word()}]({self.address()})",
            lambda: f"<{self.address()}>",
            self.reference,
            self.footnote,
            self.abbreviation,
            lambda: f"\"{self.words()}\" -- {self.word()}... it's '{self.word()}'",
            lambda: f"<<{self.words()}>>",
            lambda: f"{self.word()}<sup>{self.word()}</sup> {self.word()}<sub>2</sub>",
            lambda: f"<kbd>{self.word()}</kbd> <mark>{self.words()}</mark> <span class='x'>{self.words()}</span>",
            lambda: f"\\*{self.word()}\\* \\[{self.word()}\\] {self.word()}_{self.word()}_{self.word()}",
            lambda: f"&amp; {self.word()} &copy; {self.word()} &lt;{self.word()}&gt;",
            lambda: f"{self.word()}\\\\\n{self.word()}",
            lambda: f"{self.word()}  \n{self.word()}",
            lambda: f"[{self.words()}](https://a.example/a {self.word()}.html)",
        )
        return self.chance.choice(kinds)()

    def line(self) -> str:
        return " ".join(self.inline() for _ in range(self.chance.randint(1, 3)))

    def plain_line(self) -> str:
        """Words for a place that allows no line end and no bar."""
        return " ".join(
            self.chance.choice(
                (self.words, lambda: f"**{self.word()}**", lambda: f"[{self.word()}]({self.address()})")
            )()
            for _ in range(self.chance.randint(1, 2))
        )

    def reference(self) -> str:
        name = self.word()
        self.later.append(f"[{name}]: {self.address()}")
        return self.chance.choice(
            (f"[{self.words()}][{name}]", f"[{self.words()}] [{name}]", f"[{name}][]", f"[{name}]")
        )

    def footnote(self) -> str:
        name = f"n{self.count}"
        self.later.append(f"[^{name}]: {self.words()}")
        return f"{self.word()}[^{name}]"

    def abbreviation(self) -> str:
        name = f"ABC{self.count}"
        self.count += 1
        self.later.append(f"*[{name}]: {self.words()}")
        return f"{name} {self.word()}"

    # --- blocks -----------------------------------------------------------------------------------------------------

    def block(self) -> str:
        kinds: tuple[Callable[[], str], ...] = (
            self.paragraph,
            self.paragraph,
            lambda: f"{'#' * self.chance.randint(1, 4)} {self.plain_line()}",
            lambda: f"{self.words()}\n{self.chance.choice('=-') * 5}",
            self.bullets,
            self.numbers,
            self.quote,
            self.definitions,
            self.fence,
            lambda: f"    {self.words()}\n    {self.words()}",
            self.table,
            self.loose_table,
            self.html,
            self.picture,
            lambda: "* * *",
            lambda: f"{self.paragraph()}\n{{: .{self.chance.choice(('note', 'big'))}}}",
        )
        self.depth += 1
        block = self.chance.choice(kinds[: 4 if self.depth > 3 else None])()
        self.depth -= 1
        return block

    def paragraph(self) -> str:
        return "\n".join(f"{self.word()} {self.line()}" for _ in range(self.chance.randint(1, 3)))

    def bullets(self) -> str:
        items = [f"* {self.item()}" for _ in range(self.chance.randint(1, 3))]
        between = self.chance.choice(("\n", "\n", "\n\n"))
        ended = between.join(items)
        return f"{ended}\n^\n* {self.plain_line()}" if self.chance.random() < 0.2 else ended

    def numbers(self) -> str:
        return "\n".join(f"{n}. {self.item()}" for n in range(1, self.chance.randint(2, 4)))

    def item(self) -> str:
        item = self.plain_line()
        if self.depth < 3 and self.chance.random() < 0.3:
            inner = self.chance.choice((self.bullets, self.paragraph, self.fence))()
            item += "\n\n" + "\n".join(f"   {line}" if line else "" for line in inner.split("\n"))
        return item

    def quote(self) -> str:
        inner = "\n\n".join(self.block() for _ in range(self.chance.randint(1, 2)))
        return "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))

    def definitions(self) -> str:
        terms = "\n".join(self.words() for _ in range(self.chance.randint(1, 3)))
        return f"{terms}\n" + "\n".join(f": {self.plain_line()}" for _ in range(self.chance.randint(1, 2)))

    def fence(self) -> str:
        language = self.chance.choice(("", "python", "console", "html", "unknown"))
        lines = [f"{' ' * self.chance.randint(0, 4)}{self.words()}" for _ in range(self.chance.randint(1, 3))]
        return f"```{language}\n" + "\n".join(lines) + "\n```"

    def table(self) -> str:
        rows = ["| " + " | ".join(self.cell() for _ in range(self.chance.randint(2, 4))) + " |" for _ in range(3)]
        rows.insert(1, "|" + self.chance.choice(("---|---", ":--|--:", "---+---")) + "|")
        if self.chance.random() < 0.3:
            rows += ["|===|===|", f"| {self.cell()} | {self.cell()} |"]
        return "\n".join(rows)

    def loose_table(self) -> str:
        """Without a header, or without its outer bars."""
        rows = [f"{self.cell()} | {self.cell()}" for _ in range(self.chance.randint(2, 3))]
        return "\n".join(f"| {row} |" if self.chance.random() < 0.5 else row for row in rows)

    def cell(self) -> str:
        kinds: tuple[Callable[[], str], ...] = (
            self.words,
            lambda: f"`{self.word()}|{self.word()}`",
            lambda: f"[{self.word()}]({self.address()})",
            lambda: f"{self.word()}\\|{self.word()}",
        )
        return self.chance.choice(kinds)()

    def html(self) -> str:
        one, two = self.words(), self.words()
        return self.chance.choice(
            (
                f"<div>\n  <p>{one}</p>\n\n  <p>{two}</p>\n</div>",
                f"<figure>\n\n    <figcaption>{one} <b>{two}</b></figcaption>\n</figure>",
                f"<p>{one}</p>\n<pre><code>{two}\n\n    {self.word()}\n</code></pre>",
                f"<p>{one}<br>{two}</p>\n{self.word()}",
                f"<table><tr><th>{one}</th><th>{two}</th></tr><tr><td rowspan=2>{self.word()}</td><td>{self.word()}"
                f"</td></tr><tr><td>{self.word()}</td></tr></table>",
                f"<div hidden>{one}</div>\n\n{two}",
                f"<ruby>{one}<rt>{two}</rt></ruby> {self.word()}",
            )
        )

    def picture(self) -> str:
        return self.chance.choice(
            (
                f"![{self.words()}]({self.address()}.png)",
                f"![{self.word()}](https://a.example/my {self.word()}.png)",
                f"![]({self.address()}.png)\n*{self.words()}*",
                f"{self.words()}\n![]({self.address()}.png)\n{self.words()}",
                f"[![{self.word()}]({self.address()}.png)]({self.address()})",
            )
        )
