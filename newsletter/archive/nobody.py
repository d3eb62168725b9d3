"""An issue as nobody gets it: each subscriber's field is its default, and no value of any list can be in it."""

from __future__ import annotations

import re

from markupsafe import Markup

from newsletter.message.fill_slots import fill
from newsletter.model.issue import Issue
from newsletter.render.slots import Marks

_BEFORE_MARK = "[,.;:!?，。；：！？、…]"


def without_fields(text: str, issue: Issue) -> str:
    """A text of the issue with the default words of each field; a field without any leaves no gap before a comma."""
    return _unfilled(text, issue) if not issue.fields else _filled(_unfilled(text, issue), issue)


def without_fields_html(page: Markup, issue: Issue) -> Markup:
    """The same of HTML: each default is escaped for where it stands."""
    if not issue.fields:
        return page
    template = Marks(issue.mark, issue.fields).split(_unfilled(str(page), issue), "html")
    return Markup(fill(template, {}))  # noqa: S704 (filling escapes; the rest was markup)


def _unfilled(text: str, issue: Issue) -> str:
    """Without the fields that have no default, and without the space that each would leave before a mark."""
    for number, field in enumerate(issue.fields):
        if not field.default:
            text = re.sub(f" ?{issue.mark}{number}z(?=$|[<]|{_BEFORE_MARK})|{issue.mark}{number}z ?", "", text)
    return text


def _filled(text: str, issue: Issue) -> str:
    return re.sub(f"{issue.mark}(\\d+)z", lambda mark: issue.fields[int(mark[1])].default, text)
