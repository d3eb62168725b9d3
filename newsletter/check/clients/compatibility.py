"""Features of an email that some readers' mail clients lack, by caniemail's table.

Conditional comments give Outlook on Windows another email; each version is checked against its own clients.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from newsletter.check.clients.fallbacks import FALLBACKS
from newsletter.check.clients.features import count_features
from newsletter.check.clients.outlook_word import as_word_reads
from newsletter.check.clients.support import CANIEMAIL, NO, PARTLY, Client, Feature, Support, named_clients
from newsletter.frozen import frozen
from newsletter.model.findings import Finding

LAYOUT_STANDS = "nothing is missing there: the light layout stands on inlined styles, and these add to it"


@frozen
class Gap:
    """A feature of the email that some clients lack, or support in part.

    `count` is how often it is used. `live`: clients lack it, or support it in part, in style blocks only.
    """

    feature: Feature
    count: int
    lacking: tuple[Client, ...]
    partly: tuple[Client, ...]
    live: bool


def find_gaps(html: str, support: Support, families: Collection[str]) -> tuple[Gap, ...]:
    """All gaps, sorted by slug."""
    everywhere, in_word = count_features(html), count_features(as_word_reads(html))
    readers = [
        (index, client, *(in_word if client.is_word else everywhere))
        for index, client in enumerate(support.clients)
        if client.family in families
    ]
    gaps: list[Gap] = []
    for slug in sorted(support.features.keys() & {slug for counts in (*everywhere, *in_word) for slug in counts}):
        feature = support.features[slug]
        short: dict[str, list[Client]] = {NO: [], PARTLY: []}
        in_body = {NO: 0, PARTLY: 0}
        used = 0
        for index, client, body, live in readers:
            level = feature.levels[index]
            if level in short and (count := body.get(slug, 0) + live.get(slug, 0)):
                short[level].append(client)
                in_body[level] += body.get(slug, 0)
                used = max(used, count)
        if used:
            live_alone = not in_body[NO if short[NO] else PARTLY]
            gaps.append(Gap(feature, used, tuple(short[NO]), tuple(short[PARTLY]), live_alone))
    return tuple(gaps)


def compat_findings(html: str, support: Support, shares: Mapping[str, float]) -> tuple[Finding, ...]:
    """`html` is the final one of a message. `shares` is the percentage of readers by family; families without one are
    ignored.

    A warning for each missing feature without a known fallback; a hint for each with one; one hint for all in style
    blocks only, one for all with partial support. Sorted by affected readers.
    """
    readers = _Readers(support, shares)
    gaps = find_gaps(html, support, {family for family, share in shares.items() if share > 0})
    lacked = sorted(
        (gap for gap in gaps if gap.lacking and not gap.live),
        key=lambda gap: (gap.feature.slug in FALLBACKS, -readers.share(gap.lacking), gap.feature.slug),
    )
    findings = [_lack(gap, readers) for gap in lacked]
    if live := tuple(gap for gap in gaps if gap.lacking and gap.live):
        who = readers.named(*(gap.lacking for gap in live))
        what = f"what style blocks use is lost on {who}: {_titles(live)}"
        findings.append(Finding("client-style-block", what, LAYOUT_STANDS, severity="hint"))
    if partly := tuple(gap for gap in gaps if gap.partly and not gap.lacking and not gap.live):
        who = readers.named(*(gap.partly for gap in partly))
        what = f"what works only in part in {who}: {_titles(partly)}"
        remedy = f"should one of them matter, look it up: {CANIEMAIL}"
        findings.append(Finding("client-partly", what, remedy, severity="hint"))
    return tuple(findings)


@frozen
class _Readers:
    support: Support
    shares: Mapping[str, float]

    def named(self, *several: tuple[Client, ...]) -> str:
        """The clients, and the share of readers; an upper bound for a family in part, whose shares are unknown."""
        some = {client for each in several for client in each}
        clients = tuple(client for client in self.support.clients if client in some)
        families = {client.family for client in clients}
        whole = all(client in some for client in self.support.clients if client.family in families)
        most = "" if whole else "at most "
        return f"{named_clients(clients, self.support)}, {most}{self.share(clients):g} % of readers"

    def share(self, clients: tuple[Client, ...]) -> float:
        return sum(self.shares[family] for family in dict.fromkeys(client.family for client in clients))


def _lack(gap: Gap, readers: _Readers) -> Finding:
    feature = gap.feature
    times = "" if gap.count == 1 else f" ({gap.count} times)"
    what = f"{feature.title}{times} is lost on {readers.named(gap.lacking)}"
    fallback = FALLBACKS.get(feature.slug)
    if fallback:
        return Finding(f"client-{feature.slug}", what, fallback, severity="hint")
    remedy = "use a JPEG or PNG file" if feature.category == "image" else f"write it another way: {feature.url}"
    return Finding(f"client-{feature.slug}", what, remedy)


def _titles(gaps: tuple[Gap, ...]) -> str:
    return ", ".join(gap.feature.title for gap in gaps)
