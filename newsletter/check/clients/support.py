"""caniemail's table as types: clients, features, levels of support."""

from __future__ import annotations

from collections.abc import Mapping

from newsletter.frozen import frozen
from newsletter.model.mail_clients import FAMILIES

YES, PARTLY, NO, UNKNOWN = "y", "a", "n", "u"
CANIEMAIL = "https://www.caniemail.com/features/"


@frozen
class Client:
    """A family's client on one platform: `outlook`, `windows`, and its display name: Windows."""

    family: str
    platform: str
    name: str

    @property
    def is_word(self) -> bool:
        """Whether it uses Word's engine, which alone evaluates MSO's conditional comments."""
        return self.family == "outlook" and self.platform in {"windows", "windows-mail"}


@frozen
class Feature:
    """`levels` has a letter for each client of its `Support`, in that order."""

    slug: str
    title: str
    category: str
    levels: str

    @property
    def url(self) -> str:
        return f"{CANIEMAIL}{self.slug}/"


@frozen
class Support:
    """The whole table: caniemail's features by slug. `package` is the npm version, `updated` the data's date."""

    package: str
    updated: str
    clients: tuple[Client, ...]
    features: Mapping[str, Feature]

    def __post_init__(self) -> None:
        letters = frozenset((YES, PARTLY, NO, UNKNOWN))
        for each in self.features.values():
            if len(each.levels) != len(self.clients) or not letters.issuperset(each.levels):
                raise ValueError(f"{each.slug} has no level for each of {len(self.clients)} clients")


def named_clients(clients: tuple[Client, ...], support: Support) -> str:
    """The clients as text, a family's platforms grouped: `Gmail, Outlook (Windows, Windows Mail)`."""
    families = dict.fromkeys(client.family for client in clients)
    return ", ".join(_named_family(family, clients, support) for family in families)


def _named_family(family: str, clients: tuple[Client, ...], support: Support) -> str:
    every = tuple(client for client in support.clients if client.family == family)
    some = tuple(client for client in clients if client.family == family)
    name = FAMILIES.get(family, family)
    return name if len(some) == len(every) else f"{name} ({', '.join(client.name for client in some)})"
