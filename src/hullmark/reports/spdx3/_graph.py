"""The elements of a document: each has an identifier, and refers to others by theirs."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hullmark.model.sbom import moment
from hullmark.model.sbom_flaws import published_time

Document = dict[str, Any]
CREATION = "_:creation"
_BETWEEN = '","'
_ENCODE = msgspec.json.Encoder().encode


class Graph:
    """The elements in their order; `base` is what all identifiers begin with, `created` the time of the report."""

    def __init__(self, base: str, created: str) -> None:
        self.created = created
        self.elements: list[bytes] = []
        self.identities: list[str] = []
        self._base = base
        self._count: dict[str, int] = {}
        self._agents: dict[tuple[str, str], str] = {}

    def add(self, kind: str, word: str, values: Document) -> str:
        """Add an element and give its identifier, which counts those of its sort."""
        identity = self._identity(word)
        element = {"type": kind, "spdxId": identity, "creationInfo": CREATION, **values}
        # Encoded at once: there are tens of thousands, and what is let go of does not take the memory of all.
        self.elements.append(_ENCODE(element))
        return identity

    def _identity(self, word: str) -> str:
        number = self._count[word] = self._count.get(word, 0) + 1
        identity = f"{self._base}{word}-{number}"
        self.identities.append(identity)
        return identity

    def encoded(self, context: str, creation: Document) -> bytes:
        """Give the document: who made the elements, and these in their order."""
        head = b'{"@context":%b,"@graph":[%b' % (_ENCODE(context), _ENCODE(creation))
        return b",".join((head, *self.elements[:-1], self.elements[-1] + b"]}\n"))

    def relate(self, start: str, kind: str, ends: Sequence[str], more: str = "") -> None:
        """Add a relationship, unless it would lead nowhere. No identifier has a sign that would have to be escaped.

        Put together by hand: a third of all elements are such, and it takes a third of the time.
        """
        if ends:
            element = (
                f'{{"type":"Relationship","spdxId":"{self._identity("relationship")}","creationInfo":"{CREATION}","from":"{start}",'
                f'"relationshipType":"{kind}","to":["{_BETWEEN.join(ends)}"]{more}}}'
            )
            self.elements.append(element.encode())

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
