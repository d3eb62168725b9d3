"""The rules of `check`: code, severity, whether --fix fixes it."""

from __future__ import annotations

from newsletter.frozen import frozen
from newsletter.model.findings import Severity


@frozen
class Rule:
    """`severity` is the usual one. A name that ends with `*` is a family of names."""

    code: str
    severity: Severity
    about: str
    mended: bool = False


RULES: tuple[Rule, ...] = (
    # The file and its front matter.
    Rule("unreadable", "error", "The post cannot be read at all: no text, no title, YAML beyond repair."),
    Rule(
        "front-matter-quote", "warning", "A stray quote makes the front matter invalid; Jekyll drops all of it.", True
    ),
    Rule("front-matter-plain", "warning", "A value that YAML takes for its own signs wants quotes.", True),
    Rule("front-matter-*", "warning", "A key that is not what it should be."),
    Rule("date-missing", "hint", "No `date`; only the file's name tells the day, or nothing does.", True),
    Rule("date-name", "warning", "The file's name begins with a day that does not exist."),
    Rule("unpublished", "warning", "`published: false` keeps `send` from mailing the post."),
    Rule("draft", "warning", "`draft: true`, or a folder `_drafts`, keeps `send` from mailing the post."),
    Rule("date-future", "warning", "A date that is yet to come keeps `send` from mailing the post before."),
    Rule(
        "template-untouched",
        "warning",
        "A sentence of the post that `init` and `new` write, in any language, is still there.",
    ),
    # The inbox.
    Rule("subject-long", "warning", "The subject is wider than the 70 columns that inboxes show at most."),
    Rule("subject-emoji", "hint", "More than one emoji in the subject."),
    Rule("subject-shouting", "warning", "Capitals only, or several exclamation marks."),
    Rule("preheader-missing", "warning", "Nothing to show beside the subject."),
    Rule("preheader-short", "hint", "Less than the 40 columns that an inbox has room for."),
    Rule("preheader-repeats", "hint", "It says what the subject says."),
    # The text.
    Rule("bold-spaces", "warning", "`** words **`: spaces inside the marks.", True),
    Rule("residue", "warning", "`**`, `{{`, `{%`, `{:` or `](` that readers would see as it stands."),
    Rule(
        "story-space",
        "warning",
        "`1.text` without a space, which Markdown takes for words, not for a list or its next item.",
        True,
    ),
    Rule(
        "fence-open",
        "warning",
        "A code fence that ends with its quote or list item, never closed. One at the end opens nothing.",
    ),
    Rule("story-source", "hint", "A story without a source in a digest whose other stories name theirs."),
    Rule(
        "table-stories",
        "warning",
        "A table whose rows are stories: the headings above titles and numbers are left out.",
    ),
    Rule("heading-order", "warning", "A heading two levels below the one before."),
    Rule("heading-empty", "warning", "A heading with nothing beneath it."),
    Rule("nesting", "warning", "Lists or quotes nested too deep."),
    Rule("drawing", "warning", "An inline drawing (`<svg>`), which mail programs do not show."),
    Rule("html-nesting", "warning", "Raw HTML nested too deep."),
    Rule("title-missing", "warning", "No title; a heading or the file's name stands in for it."),
    Rule("shortcode", "warning", "A shortcode of Hugo's that means nothing in an email."),
    Rule("mdx-code", "warning", "An import or export of MDX, which an email cannot run."),
    Rule("html-unknown", "warning", "`<name>` in a text: no tag of HTML, shown as words."),
    Rule("html-component", "warning", "A tag that means nothing in an email; what stands inside it stays."),
    Rule("html-hidden", "warning", "What a browser would hide, which is not mailed."),
    Rule("heading-space", "warning", "`##Heading`: a space lacks behind the marks."),
    Rule("box-unknown", "warning", "`:::name` or `!!! name` with a name that means no box; its words stay."),
    Rule("box-open", "warning", "`:::name` that is never closed, or a line `:::` that ends nothing."),
    Rule("footnote-unused", "warning", "A footnote that nothing refers to."),
    Rule("liquid-*", "warning", "Liquid that cannot be resolved here."),
    Rule("field-empty", "warning", "A subscriber's field without a default that some have nothing for."),
    # Links.
    Rule("link-wrapped", "warning", "`[[text](url)]`: a second pair of brackets.", True),
    Rule("link-blanks", "warning", "An address with blanks in it."),
    Rule("link-bare", "hint", "An address that stands bare; other Markdown shows it as text.", True),
    Rule("link-http", "warning", "A link over http; `--fix --links` mends it where the server answers https.", True),
    Rule("link-duplicate", "warning", "One address linked more than once."),
    Rule("link-empty", "warning", "A link without an address."),
    Rule("link-relative", "warning", "A link that leads nowhere in an email."),
    Rule("link-source", "warning", "A link to a source file, such as `other.md`, whose page is not known."),
    Rule("link-scheme", "warning", "A link that no mail program follows, such as `javascript:`."),
    Rule("link-dead", "error", "With --links: the server says that there is nothing."),
    Rule("link-moved", "hint", "With --links: the page has moved for good."),
    Rule("link-unsure", "warning", "With --links: the server did not say; a hint where it wants a login."),
    Rule("link-cache", "hint", "With --links: the answers cannot be kept for the next time."),
    # Pictures.
    Rule("image-alt", "warning", "A picture whose alternative text is missing, or says no more than “picture”.", True),
    Rule("image-insecure", "warning", "A picture over http."),
    Rule("image-hotlink", "warning", "A picture on a host that often refuses to show it elsewhere."),
    Rule("image-elsewhere", "warning", "A path without a file beside the post, taken for an address of the site."),
    Rule("image-weight", "warning", "Pictures that travel with the mail weigh over 2 MB."),
    Rule("image-*", "warning", "A picture that cannot be shown, or was changed to be shown."),
    # On a phone.
    Rule("wide-word", "hint", "A word, an address or a name in code that no line of a phone holds, and that is cut."),
    Rule("wide-table", "hint", "A table with words that are cut on a phone, or that is shown row by row."),
    Rule("wide-picture", "hint", "A picture that its author wants too wide, or that is too flat for a phone."),
    Rule("wide-element", "warning", "What a theme makes wider than a phone's window."),
    # The email.
    Rule("size", "error", "The email is so large that Gmail cuts it off."),
    Rule("budget", "warning", "The email was compacted, or ends early, to stay below Gmail's clip."),
    Rule("contrast", "warning", "Text that is too close in colour to what is behind it (WCAG 1.4.3)."),
    Rule("contrast-dark", "warning", "The same in dark mode."),
    Rule("parts-differ", "warning", "Words of the post that the HTML or the text part does not have."),
    Rule("unsubscribe-missing", "warning", "No unsubscribe link; an error where the theme drops a configured one."),
    Rule("address-missing", "warning", "No postal address; an error where the theme drops a configured one."),
    Rule("client-*", "hint", "A feature that a mail program of your readers lacks; a warning without a fallback."),
    Rule(
        "spam-score",
        "hint",
        "SpamAssassin's score, where it runs; a warning from half its threshold, an error past it.",
    ),
    Rule(
        "spam-rule", "warning", "A rule of SpamAssassin's that weighs a point or more; a hint while the score is low."
    ),
)


def describe() -> str:
    """The Markdown table of all rules."""
    rows = ["| Rule | Severity | `--fix` | What it is about |", "|---|---|---|---|"]
    rows += (f"| `{rule.code}` | {rule.severity} | {'yes' if rule.mended else ''} | {rule.about} |" for rule in RULES)
    return "\n".join(rows) + "\n"
