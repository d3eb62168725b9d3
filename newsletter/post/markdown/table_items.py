"""Turn a table's rows into stories: the linked cell is the title, the others follow with their column names."""

from __future__ import annotations

from markdown_it.tree import SyntaxTreeNode

from newsletter.model.issue import Block, Inlines, Paragraph, Story, Strong, Text, plain_text
from newsletter.post.markdown.blocks import Reader
from newsletter.post.markdown.cjk import is_cjk
from newsletter.post.markdown.digest_shapes import body_rows, title_column
from newsletter.post.markdown.soft_breaks import settle
from newsletter.post.markdown.story import take_images
from newsletter.post.markdown.videos import linked_videos


def rows_as_stories(reader: Reader, table: SyntaxTreeNode) -> list[Story]:
    """A story per row. The headings of titles, numbers and a single text column are omitted, with a finding."""
    rows = body_rows(table)
    column = title_column(rows, reader.sequence) or 0
    head = [row.children for part in table.children if part.type == "thead" for row in part.children]
    names = [linked_videos(settle(reader.sequence(cell))) for cell in (head[0] if head else ())]
    numbers = column - 1  # none if the titles are in the first column
    others = {place for row in rows for place in range(len(row))} - {column, numbers}
    unnamed = {column, numbers, *(others if len(others) == 1 else ())}  # a single text column needs no name
    if left_out := [name for place, each in enumerate(names) if place in unnamed and (name := plain_text(each))]:
        what = f"the table's rows are stories, and its headings (“{'”, “'.join(left_out)}”) are left out"
        reader.note("table-stories", what, "write newsletter: stories: false to keep the table", reader.line_of(table))
    stories = []
    for row in rows:
        lead: Inlines = ()
        number = None
        body: list[Block] = []
        images = []
        line = reader.line_of(row[0]) if row else reader.line_of(table)
        for place, cell in enumerate(row):
            rest, found = take_images(reader.sequence(cell))
            words = linked_videos(settle(rest))
            if place == column:
                lead = words[0].children if len(words) == 1 and isinstance(words[0], Strong) else words
            elif place == numbers:
                number = int(plain_text(words).strip().rstrip("."))
            elif words:
                body.append(Paragraph((*(() if place in unnamed else _named(names, place)), *words), line))
            images += found
        stories.append(Story(number, lead, tuple(body), (), tuple(images), line))
    return stories


def _named(names: list[Inlines], place: int) -> Inlines:
    """A column's name in front of a cell's words."""
    name = names[place] if place < len(names) else ()
    words = plain_text(name).strip()
    if not words:
        return ()
    colon = "" if words.endswith((":", "：")) else "：" if is_cjk(words[-1]) else ":"
    return (Strong((*name, Text(colon))), Text("" if is_cjk(words[-1]) else " "))
