"""The fallback of each feature in clients that lack it.

By caniemail's slug. A feature is listed only if an email stays complete without it; one that carries the layout or the
words is not, however rare the client. tests/test_clients.py checks this against the HTML of our own themes.
"""

from __future__ import annotations

from collections.abc import Mapping

FALLBACKS: Mapping[str, str] = {
    # --- looks
    "css-accent-color": "form controls have the client's own colour",
    "css-animation": "it stands still",
    "css-backdrop-filter": "what is behind shows sharp",
    "css-border-radius": "corners are square",
    "css-border-radius-logical": "corners are square",
    "css-border-spacing": "the table's cellspacing attribute parts the cells; set both",
    "css-box-shadow": "there is no shadow",
    "css-cursor": "the pointer is the usual one",
    "css-filter": "the picture is shown as it is",
    "css-outline": "there is no outline; a border would be shown",
    "css-text-shadow": "there is no shadow",
    "css-transition": "it changes at once",
    "html-meta-color-scheme": "the light colours stay, or the client darkens them in its own way",
    # --- letters and lines
    "css-font-kerning": "letters stand as the font has them",
    "css-hyphens": "words are not divided",
    "css-orphans": "it matters in print alone",
    "css-sytem-ui": "the next font of the list is taken, or the client's own",
    "css-text-decoration-color": "the line has the colour of the text",
    "css-text-decoration-skip-ink": "the line goes through the letters",
    "css-text-decoration-style": "the line is a plain one",
    "css-text-decoration-thickness": "the line is as thick as usual",
    "css-text-underline-offset": "the line is as near as usual",
    "css-text-wrap": "the lines of a heading are of uneven length",
    "css-white-space": "lines break wherever they may, and several spaces are one",
    "css-widows": "it matters in print alone",
    "css-word-break": "a long word or line of code stays in one piece and may widen the page",
    "css-word-spacing": "words stand at their usual distance",
    "css-word-wrap": "a long word or line of code stays in one piece and may widen the page",
    "css-overflow-wrap": "a long word or line of code stays in one piece and may widen the page",
    "html-wbr": "a long word stays in one piece",
    # --- sizes
    "css-height": "it is as high as what is in it; a picture keeps its shape by its width",
    "css-max-height": "it is as high as what is in it; to hide it, write display:none as well",
    "css-overflow": "what is larger than its box shows; to hide it, write display:none as well",
    "css-table-layout": "columns are as wide as their words and the widths of the first row ask for",
    "css-opacity": "it is opaque; to hide it, write display:none as well",
    "css-display-none": "it shows; to hide it, write max-height:0 and overflow:hidden as well",
    # --- the frame
    "html-body": "a div stands in its place; repeat its colour and font on an element inside",
    "html-doctype": "the client lays the email out by rules of its own; tables come out alike",
    "html-style": "what stands in style blocks is lost; the light layout stands on inlined styles",
    # --- behind the text ----------------------------------------------------------------------------------------------
    "html-abbr": "the letters show without what they stand for",
    "html-acronym": "the letters show without what they stand for",
    "html-anchor-links": "a click on a jump inside the email does nothing; scrolling leads there too",
    "html-aria-describedby": "a screen reader leaves the description out",
    "html-aria-hidden": "a screen reader reads it too",
    "html-aria-label": "a screen reader reads what stands there, without the label",
    "html-aria-labelledby": "a screen reader reads what stands there, without the label",
    "html-aria-live": "a screen reader reads it when it gets there",
    "html-dir": "letters run in their own direction; the paragraph starts at the left",
    "html-lang": "a screen reader takes the voice of its own language",
    "html-loading-attribute": "pictures load at once",
    "html-role": "a screen reader may announce the tables of the layout; the order of the words is the same",
    "html-semantics": "the tag is left out, and what is in it stays",
    "html-srcset": "the picture of the src attribute is shown",
    "html-target": "the client decides where a link opens",
}
