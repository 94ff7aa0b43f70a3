"""The elements of a document: each has an identifier, and refers to others by theirs."""

import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from hullmark.model.sbom import moment
from hullmark.model.sbom_flaws import published_time

Document = dict[str, Any]
CREATION = "_:creation"
_ENCODE = msgspec.json.Encoder().encode


class Graph:
    """The elements in their order; `base` is what all identifiers begin with, `created` the time of the report."""

    def __init__(self, base: str, created: str) -> None:
        self.created = created
        self.elements: list[msgspec.Raw] = []
        self.identities: list[str] = []
        self._base = base
        self._count: dict[str, int] = {}
        self._agents: dict[tuple[str, str], str] = {}

    def add(self, kind: str, word: str, values: Document) -> str:
        """Add an element and give its identifier, which counts those of its sort."""
        number = self._count[word] = self._count.get(word, 0) + 1
        identity = f"{self._base}{word}-{number}"
        element = {"type": kind, "spdxId": identity, "creationInfo": CREATION, **values}
        # Encoded at once: there are tens of thousands, and what is let go of does not take the memory of all.
        self.elements.append(msgspec.Raw(_ENCODE(element)))
        self.identities.append(identity)
        return identity

    def relate(self, start: str, kind: str, ends: list[str], **more: str) -> None:
        """Add a relationship, unless it would lead nowhere."""
        if ends:
            values = {"from": start, "relationshipType": kind, "to": ends, **more}
            self.add("Relationship", "relationship", values)

    def annotate(self, subject: str, values: Mapping[str, str]) -> None:
        """Add what an element has no field for, if there is anything."""
        if values:
            statement = {
                "annotationType": "other",
                "contentType": "application/json",
                "statement": _ENCODE(values).decode(),
                "subject": subject,
            }
            self.add("Annotation", "annotation", statement)

    def agent(self, name: str, mail: str = "", kind: str = "Agent") -> str:
        """Give the element of a person, an organisation, or whoever goes by a name; each is added once."""
        known = self._agents.get((name, mail))
        if known is None:
            values: Document = {"name": name}
            if mail:
                kind = "Person"
                values["externalIdentifier"] = [identifier("email", mail)]
            known = self._agents[name, mail] = self.add(kind, "agent", values)
        return known


def identifier(kind: str, text: str) -> Document:
    """Give a name that an element has elsewhere."""
    return {"type": "ExternalIdentifier", "externalIdentifierType": kind, "identifier": text}


@functools.lru_cache(maxsize=4096)
def time_of(text: str) -> str:
    """Give a published time as SPDX has all times: to the second, in UTC."""
    time = published_time(text)
    return moment(time) if time else ""
