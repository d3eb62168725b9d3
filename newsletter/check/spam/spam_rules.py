"""Findings from SpamAssassin's verdict. Pure."""

from __future__ import annotations

from newsletter.frozen import frozen
from newsletter.model.findings import Finding, Severity
from newsletter.text import printable

WEIGHTY = 1.0
"""Rules from this score on get a finding of their own. The usual threshold is 5; most rules score less than 1."""

# Prefixes of the rules that SpamAssassin tags `net`: block lists, and DNS lookups about the sender.
_OF_THE_NETWORK = (
    *("RCVD_IN_", "URIBL_", "SURBL_", "DKIM_", "DKIMWL_", "ARC_", "SPF_", "T_SPF_", "DMARC_", "USER_IN_"),
    *("DCC_", "PYZOR_", "RAZOR2_", "DNS_FROM_", "NO_DNS_", "FROM_FMBLA_"),
)

# By prefix of a rule's name; the first match counts.
_REMEDIES = (
    ("HTML_IMAGE_ONLY", "write more text around the pictures"),
    ("HTML_IMAGE_RATIO", "write more text around the pictures, or make them smaller"),
    ("HTML_SHORT_LINK_IMG", "write more text around the picture"),
    ("DC_IMAGE", "write more text around the pictures"),
    ("HTML_FONT_LOW_CONTRAST", "give the text a colour that stands out from its background"),
    ("HTML_FONT_SIZE", "use a smaller font in the theme"),
    ("HTML_IFRAME", "take the frame out; link to its page"),
    ("HTML_EMBEDS", "take the object out; link to it"),
    ("MPART_ALT_DIFF", "let the text part say what the HTML says"),
    ("MIME_HTML_", "send a text part too"),
    ("SUBJ_ALL_CAPS", "write the subject in small letters, as a sentence"),
    ("PLING_QUERY", "end the subject with one mark or none"),
    ("MISSING_SUBJECT", "give the post a title"),
    ("SUBJ", "word the subject differently"),
    ("GAPPY_SUBJECT", "write the subject without gaps inside its words"),
    ("FREEMAIL_", "send from a domain of your own"),
    ("FROM_", "look at the sender's name and address"),
    ("NORMAL_HTTP_TO_IP", "link to a name, not to a bare IP address"),
    ("HTTPS_IP_MISMATCH", "link to a name, not to a bare IP address"),
    ("NUMERIC_HTTP_ADDR", "link to a name, not to a bare IP address"),
    ("URI_", "look at the links, and at where they lead"),
    ("URIBL_", "take out the link to a listed site"),
    ("SPOOF_", "look at the links: one passes for another site's"),
    ("RCVD_IN_", "ask the relay's operator: its address is on a block list"),
    ("DKIM_", "look at the records of the sender's domain in the DNS"),
    ("SPF_", "look at the records of the sender's domain in the DNS"),
    ("DMARC_", "look at the records of the sender's domain in the DNS"),
)


@frozen
class SpamRule:
    """A rule that hit, with its score (negative for a good sign) and SpamAssassin's description."""

    name: str
    points: float
    what: str


@frozen
class SpamVerdict:
    """From `threshold` on, most receivers' filters treat a message as spam. Rules are in SpamAssassin's order."""

    score: float
    threshold: float
    rules: tuple[SpamRule, ...]

    def __post_init__(self) -> None:
        if self.threshold <= 0:
            raise ValueError(f"a threshold of {self.threshold} points calls every message spam")

    @property
    def only_local(self) -> bool:
        """Whether no network rule hit. A daemon without them has no block lists, which score highest."""
        return not any(rule.name.startswith(_OF_THE_NETWORK) for rule in self.rules)


def spam_findings(verdict: SpamVerdict) -> tuple[Finding, ...]:
    """The score first: a hint below half the threshold, an error from the threshold on, a warning between.

    Then each rule with a score of one or more, the highest first.
    """
    weighty = sorted((rule for rule in verdict.rules if rule.points >= WEIGHTY), key=lambda rule: -rule.points)
    severity = _severity(verdict)
    scope = " (local rules only)" if verdict.only_local else ""
    summary = Finding(
        "spam-score",
        f"SpamAssassin gives {verdict.score:.1f} of the {verdict.threshold:.1f} points that make spam{scope}",
        _advice(severity, weighty=bool(weighty)),
        severity=severity,
    )
    # No rule is an error by itself: the sum is.
    each: Severity = "hint" if severity == "hint" else "warning"
    return (summary, *(_rule_finding(rule, each) for rule in weighty))


def _severity(verdict: SpamVerdict) -> Severity:
    if verdict.score >= verdict.threshold:
        return "error"
    return "warning" if verdict.score >= verdict.threshold / 2 else "hint"


def _advice(severity: Severity, *, weighty: bool) -> str:
    if severity == "hint":
        return ""
    return (
        "mend what the rules below name" if weighty else "many small signs add up: look at subject, links and pictures"
    )


def _rule_finding(rule: SpamRule, severity: Severity) -> Finding:
    remedy = next((words for start, words in _REMEDIES if rule.name.startswith(start)), "")
    said = printable(rule.what) or "no description"
    return Finding("spam-rule", f"{rule.points:.1f} points of spam: {said} ({rule.name})", remedy, severity=severity)
