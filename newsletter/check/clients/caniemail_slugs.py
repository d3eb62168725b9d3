"""caniemail's slug for each element, attribute, property, value, selector and picture format.

A CSS property's slug is `css-` and its name, unless PROPERTIES overrides it. A test compares the tables with
caniemail's own: every feature is in a table, a plain property, or in UNSEEN.
"""

from __future__ import annotations

from collections.abc import Mapping

UNSEEN: Mapping[str, str] = {
    "bimi": "stands in the DNS",
    "image-hdr": "is inside the file: the name of a picture does not tell",
}
"""The features that do not show in HTML, each with the reason."""

ELEMENTS: Mapping[str, str] = {
    **{
        name: f"html-{name}"
        for name in (
            *("abbr", "acronym", "address", "audio", "base", "bdi", "blockquote", "body", "code", "del", "dfn"),
            *("dialog", "div", "form", "hr", "img", "link", "marquee", "meter", "object", "p", "picture", "pre"),
            *("progress", "rp", "rt", "ruby", "select", "small", "span", "strike", "strong", "style", "svg", "table"),
            *("textarea", "video", "wbr"),
        )
    },
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    "map": "html-image-maps",
    **dict.fromkeys(
        (
            *("article", "aside", "details", "figcaption", "figure", "footer", "header", "main", "mark", "nav"),
            *("section", "summary", "time"),
        ),
        "html-semantics",
    ),
}
ATTRIBUTES: Mapping[str, str] = {
    **{
        name: f"html-{name}"
        for name in (
            *("align", "aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "aria-live", "background"),
            *("cellpadding", "cellspacing", "dir", "height", "hidden", "lang", "popover", "required", "role"),
            *("srcset", "target", "valign", "width"),
        )
    },
    "sizes": "html-srcset",
    "loading": "html-loading-attribute",
    "inert": "css-inert-attribute",
    "amp4email": "amp",
    "⚡4email": "amp",
}
KINDS: Mapping[tuple[str, str], str] = {
    ("button", "reset"): "html-button-reset",
    ("button", "submit"): "html-button-submit",
    **{("input", kind): f"html-input-{kind}" for kind in ("checkbox", "hidden", "radio", "reset", "submit", "text")},
}
"""An element's slug by its `type`. The default type of a button is submit, of an input text."""

PICTURES: Mapping[str, str] = {
    **{
        ending: f"image-{ending}"
        for ending in ("apng", "avif", "bmp", "gif", "ico", "jpg", "mp4", "png", "svg", "webp")
    },
    **dict.fromkeys(("jpeg", "jpe", "jfif"), "image-jpg"),
    **dict.fromkeys(("m4v", "mov"), "image-mp4"),
    **dict.fromkeys(("heic", "heif"), "image-heif"),
    **dict.fromkeys(("tif", "tiff"), "image-tiff"),
}
_SIDES = ("top", "right", "bottom", "left")
_FLOW = ("inline", "block")
PROPERTIES: Mapping[str, str] = {
    **{f"{box}-{side}": f"css-{box}" for box in ("border", "margin", "padding") for side in _SIDES},
    **{f"border-{side}-{of}": "css-border" for side in _SIDES for of in ("width", "style", "color")},
    **{f"border-{of}": "css-border" for of in ("width", "style", "color")},
    **{f"border-{end}-{side}-radius": "css-border-radius" for end in ("top", "bottom") for side in ("left", "right")},
    **{
        f"border-{one}-{other}-radius": "css-border-radius-logical"
        for one in ("start", "end")
        for other in ("start", "end")
    },
    **{f"border-{flow}": "css-border-inline-block" for flow in _FLOW},
    **{f"border-{flow}-{of}": "css-border-inline-block-individual" for flow in _FLOW for of in ("width", "style")},
    **{
        f"border-{flow}-{of}": "css-border-inline-block-individual"
        for flow in _FLOW
        for of in ("color", "start", "end")
    },
    **{
        f"border-{flow}-{end}-{of}": "css-border-inline-block-longhand"
        for flow in _FLOW
        for end in ("start", "end")
        for of in ("width", "style", "color")
    },
    **{f"{box}-{flow}": f"css-{box}-inline-block" for box in ("margin", "padding") for flow in _FLOW},
    **{
        f"{box}-{flow}-{end}": f"css-{box}-{flow}-start-end"
        for box in ("margin", "padding")
        for flow in _FLOW
        for end in ("start", "end")
    },
    **{f"border-image-{of}": "css-border-image" for of in ("source", "slice", "width", "outset", "repeat")},
    "block-size": "css-block-inline-size",
    **dict.fromkeys(_SIDES, "css-left-right-top-bottom"),
    **dict.fromkeys(("column-gap", "row-gap"), "css-gap"),
    **{f"column-{of}": "css-column-layout-properties" for of in ("fill", "span", "width")},
    **{f"column-rule{of}": "css-column-layout-properties" for of in ("", "-color", "-style", "-width")},
    "columns": "css-column-layout-properties",
    **{f"grid-template{of}": "css-grid-template" for of in ("", "-areas", "-columns", "-rows")},
    **dict.fromkeys(("overflow-x", "overflow-y", "overflow-block", "overflow-inline"), "css-overflow"),
    **{f"outline-{of}": "css-outline" for of in ("color", "style", "width")},
    **{f"text-emphasis-{of}": "css-text-emphasis" for of in ("color", "style")},
    **{f"text-wrap-{of}": "css-text-wrap" for of in ("mode", "style")},
    **{f"transition-{of}": "css-transition" for of in ("property", "duration", "timing-function", "delay")},
    **{
        f"animation-{of}": "css-animation"
        for of in (
            *("name", "duration", "timing-function", "delay", "iteration-count", "direction", "fill-mode"),
            "play-state",
        )
    },
    **{f"scroll-snap-{of}": "css-scroll-snap" for of in ("type", "align", "stop")},
}
DISPLAYS: Mapping[str, str] = {
    **dict.fromkeys(("flex", "inline-flex"), "css-display-flex"),
    **dict.fromkeys(("grid", "inline-grid"), "css-display-grid"),
    "none": "css-display-none",
}
WORDS: Mapping[str, str] = {
    "initial": "css-unit-initial",
    **dict.fromkeys(("fit-content", "min-content", "max-content"), "css-intrinsic-size"),
    **dict.fromkeys(("system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace"), "css-sytem-ui"),
}
FUNCTIONS: Mapping[str, str] = {
    **{name: f"css-function-{name}" for name in ("clamp", "light-dark", "max", "min")},
    **{name: f"css-{name}" for name in ("rgb", "rgba", "conic-gradient", "linear-gradient", "radial-gradient")},
    **{f"repeating-{name}": f"css-{name}" for name in ("conic-gradient", "linear-gradient", "radial-gradient")},
    **dict.fromkeys(("lch", "oklch", "lab", "oklab"), "css-modern-color"),
    "calc": "css-unit-calc",
    "var": "css-variables",
    "fit-content": "css-intrinsic-size",
}
UNITS: Mapping[str, str] = {
    **{
        unit: f"css-unit-{unit}"
        for unit in ("ch", "cm", "em", "ex", "in", "mm", "pc", "pt", "px", "rem", "vh", "vmax", "vmin", "vw")
    },
    "%": "css-unit-percent",
}
AT_RULES: Mapping[str, str] = {
    name: f"css-at-{name}" for name in ("font-face", "import", "keyframes", "media", "supports")
}
MEDIA: Mapping[str, str] = {
    "orientation": "css-at-media-orientation",
    "prefers-color-scheme": "css-at-media-prefers-color-scheme",
    "prefers-reduced-motion": "css-at-media-prefers-reduced-motion",
    **dict.fromkeys(("hover", "any-hover"), "css-at-media-hover"),
    **{f"-webkit-{limit}device-pixel-ratio": "css-at-media-device-pixel-ratio" for limit in ("", "min-", "max-")},
}
PSEUDO_CLASSES: Mapping[str, str] = {
    name: f"css-pseudo-class-{name}"
    for name in (
        *("active", "checked", "default", "first-child", "first-of-type", "focus", "focus-visible", "focus-within"),
        *("has", "hover", "lang", "last-child", "last-of-type", "link", "not", "nth-child", "nth-last-child"),
        *("nth-last-of-type", "nth-of-type", "only-child", "only-of-type", "target", "visited"),
    )
}
PSEUDO_ELEMENTS: Mapping[str, str] = {
    name: f"css-pseudo-element-{name}"
    for name in ("after", "before", "first-letter", "first-line", "marker", "placeholder")
}
SELECTORS: Mapping[str, str] = {
    "css-selector-adjacent-sibling": r"\+",
    "css-selector-attribute": r"\[",
    "css-selector-chaining": r"\.[\w-]+(?=\.)",
    "css-selector-child": ">",
    "css-selector-class": r"\.[\w-]",
    "css-selector-descendant": r"[\w\])*]\s+(?=[\w.#:\[*])",
    "css-selector-general-sibling": "~",
    "css-selector-grouping": ",",
    "css-selector-id": r"#[\w-]",
    "css-selector-type": r"(?:^|(?<=[\s>+~,(]))[A-Za-z]",
    "css-selector-universal": r"\*",
}
"""The pattern of a slug in a selector whose brackets are emptied."""
