"""What a drawing shows: the rows that fit, with pictures or without, and the note about the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from markupsafe import Markup

from newsletter.model.issue import Story
from newsletter.render.issue_rows import Row
from newsletter.render.size_budget import Fit, row_mark
from newsletter.render.watched_values import WatchedValues
from newsletter.render.wording import count_label


class FittedRows:
    """The rows of an issue, to be drawn in several ways until the email fits.

    A long post takes a second to draw, so a drawing is not made again for a step that no template would notice.
    """

    def __init__(self, rows: Sequence[Row], values: Mapping[str, Any], labels: Mapping[str, Any]) -> None:
        self._rows = rows
        self._labels = labels
        self._plain_layout = {**values["layout"], "images": False}
        self._plain_buttons = {**values.get("buttons", {}), "style": "link"}
        self._layout = WatchedValues(values["layout"], "images")
        self._buttons = WatchedValues(values.get("buttons", {}), "style")

    def noticed(self, fit: Fit) -> Fit:
        """The fit without the steps that change nothing: no template has read their value when all rows were drawn."""
        if fit.rows < len(self._rows):
            return fit
        pictures_until = fit.pictures_until if self._layout.is_read else len(self._rows)
        return replace(fit, link_buttons=fit.link_buttons and self._buttons.is_read, pictures_until=pictures_until)

    def context(self, fit: Fit) -> dict[str, Any]:
        """What the templates are given."""
        with_pictures = min(fit.pictures_until, fit.rows)
        left = sum(isinstance(row.block, Story) for row in self._rows[fit.rows :])
        return {
            "rows": [
                *self._shown[:with_pictures],
                *(self._bare[with_pictures : fit.rows] if with_pictures < fit.rows else ()),
            ],
            "end_mark": Markup(row_mark(fit.rows)),  # noqa: S704 (a number)
            "cut": fit.rows < len(self._rows),
            "more": count_label(self._labels, "more_stories", left),
            "buttons": self._plain_buttons if fit.link_buttons else self._buttons,
        }

    @cached_property
    def _shown(self) -> list[Row]:
        return self._laid_out(self._layout)

    @cached_property
    def _bare(self) -> list[Row]:
        return self._laid_out(self._plain_layout)

    def _laid_out(self, layout: Mapping[str, Any]) -> list[Row]:
        marks = (Markup(row_mark(index)) for index in range(len(self._rows)))  # noqa: S704 (numbers)
        return [row.laid_out(mark, layout) for row, mark in zip(self._rows, marks, strict=True)]
