"""Configurations of products (CPE) to which a flaw applies, as NVD and the CVE List publish them.

Format: `configurations` of https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema, `cpeApplicability` of
https://github.com/CVEProject/cve-schema since 5.1, which is the same. Products serve bare binaries only (ecosystem `generic`, known by
`vendor:product`): operating systems and hardware, versions for other systems than Linux, and names without a
version (`-`) are passed over. In a configuration that needs several products together, what runs only on
another system is passed over as well; any other company is named in the statement's note, since a scan
cannot tell it.
"""

from collections.abc import Iterable, Iterator

import msgspec

from hullmark.advisories._formats import constraints, cpe
from hullmark.model.advisory import Affected, Range

ABSURD = "a configuration of absurdly many products that must stand together"
_MAX_COMPANIONS = 3
_MAX_TOGETHER = 200
"""So many products at most must stand together in one configuration; NVD names a few."""

_LINUX = "linux:linux_kernel"


class Match(msgspec.Struct, rename="camel"):
    """A product and a range of its versions."""

    criteria: str
    vulnerable: bool = True
    version_start_including: str = ""
    version_start_excluding: str = ""
    version_end_including: str = ""
    version_end_excluding: str = ""


class Node(msgspec.Struct, rename="camel"):
    """Products of which one must be there, or all (`AND`)."""

    operator: str = "OR"
    negate: bool = False
    cpe_match: list[Match] = []


class Configuration(msgspec.Struct):
    """Nodes of which one must hold, or all (`AND`)."""

    operator: str = "OR"
    negate: bool = False
    nodes: list[Node] = []


def affected(configurations: Iterable[Configuration]) -> tuple[tuple[Affected, ...], bool]:
    """Gather the statements by product and note, since one product stands in many matches; tell whether all could be used."""
    alternatives = [each for item in configurations for each in _alternatives(item)]
    usable = [item for item in alternatives if len(_groups(item)) <= _MAX_TOGETHER]
    return _affected(usable), len(usable) == len(alternatives)


def _affected(configurations: list[Configuration]) -> tuple[Affected, ...]:
    found: dict[tuple[str, str], list[Range | str]] = {}
    for configuration in configurations:
        if configuration.negate or any(node.negate for node in configuration.nodes):
            continue  # never seen in the data; what it would exclude has no place in a statement
        for name, companions, versions in _statements(configuration):
            found.setdefault((name, _note(companions)), []).append(versions)
    return tuple(
        Affected(
            ecosystem="generic",
            name=name.partition(":")[2],
            ranges=tuple(dict.fromkeys(item for item in versions if isinstance(item, Range))),
            versions=tuple(dict.fromkeys(item for item in versions if isinstance(item, str))),
            cpes=(name,),
            note=note,
        )
        for (name, note), versions in found.items()
    )


def _statements(configuration: Configuration) -> Iterator[tuple[str, tuple[str, ...], Range | str]]:
    """Give `vendor:product`, what it must stand together with, and its versions."""
    groups = _groups(configuration)
    for place, group in enumerate(groups):
        others = [item for n, item in enumerate(groups) if n != place and item]
        if any(all(name.is_elsewhere for _match, name in other) for other in others):
            continue
        companions = tuple(
            dict.fromkeys(
                name.name
                for other in others
                if all(name.name != _LINUX for _match, name in other)
                for _match, name in other
                if not name.is_elsewhere
            )
        )
        for match, name in group:
            if match.vulnerable and name.part == "a" and not name.is_elsewhere and name.version != "-":
                yield name.name, companions, _versions(match, name)


def _groups(configuration: Configuration) -> list[list[tuple[Match, cpe.Cpe]]]:
    """Give the alternatives that must hold together: one group where any single one suffices."""
    groups: list[list[tuple[Match, cpe.Cpe]]] = []
    for node in configuration.nodes:
        pairs = [(match, name) for match in node.cpe_match if (name := cpe.parse(match.criteria)) is not None]
        # An inner AND (every match of one node together) is a group a match.
        groups += [[pair] for pair in pairs] if node.operator == "AND" else [pairs]
    return groups


def _alternatives(configuration: Configuration) -> list[Configuration]:
    """Give what each suffices by itself: the whole where its nodes must hold together, else each node."""
    if configuration.operator == "AND":
        return [configuration]
    return [Configuration("AND", configuration.negate, [node]) for node in configuration.nodes]


def _versions(match: Match, name: cpe.Cpe) -> Range | str:
    if name.version:
        return name.exact_version
    introduced = match.version_start_including
    if match.version_start_excluding:
        introduced = constraints.after("generic", match.version_start_excluding)
    return Range(
        "" if introduced == "0" else introduced,
        match.version_end_excluding,
        "" if match.version_end_excluding else match.version_end_including,
    )


def _note(companions: tuple[str, ...]) -> str:
    if not companions:
        return ""
    more = len(companions) - _MAX_COMPANIONS
    shown = ", ".join(companions[:_MAX_COMPANIONS]) + (f" and {more} more" if more > 0 else "")
    return f"only together with {shown}"
