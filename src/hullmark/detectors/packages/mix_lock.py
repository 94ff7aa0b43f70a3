"""Elixir's `mix.lock`.

Format: Mix's `Mix.Dep.Lock`, one map from application to `{:hex, package, version, checksum, managers, needs, repository,
checksum}`; `{:git, …}` and paths have no version and are no package. Needs are `{application, requirement, options}`.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import dependency_paths, terms
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_REPOSITORY = 6  # the field with the repository: `hexpm`, or `hexpm:organisation`
_NEEDS = 5


def read(file: File) -> Iterator[Package | Unread]:
    """Give the packages locked from a Hex repository."""
    top = terms.parse(file.text(), "#", file.limits.max_depth)
    if len(top) != 1 or not isinstance(top[0], list):
        raise MalformedError("not a mix.lock: not one map")
    entries = dict(_pairs(top[0]))
    packages: dict[str, tuple[str, str]] = {}
    edges: dict[str, list[str]] = {}
    whole = True
    for application, entry in entries.items():
        if not (isinstance(entry, list) and entry):
            yield file.unread("not a locked dependency", application)
        elif entry[0] == "hex":
            name, version = [*entry, "", ""][1:3]
            if not (isinstance(name, str) and name and isinstance(version, str) and version):
                yield file.unread("package without name or version", application)
                continue
            repository = entry[_REPOSITORY] if len(entry) > _REPOSITORY else ""
            organisation = repository.partition(":")[2] if isinstance(repository, str) else ""
            packages[application] = (f"{organisation}/{name}" if organisation else name, version)
            edges[application] = [need for need in _needs(entry) if need in entries]
            whole = whole and len(entry) > _NEEDS
        else:
            edges[application] = []
            whole = False
    direct = dict.fromkeys(dependency_paths.tops(edges))
    via = dependency_paths.paths(
        direct,
        edges,
        lambda key: "@".join(packages[key]) if key in packages else key,
    )
    for application, (name, version) in packages.items():
        yield Package(
            ecosystem="hex",
            name=name,
            version=version,
            origin="locked",
            # mix.exs alone says what is direct; what nobody needs can only be, unless one of another source does
            direct=True if whole and application in direct else None,
            via=via.get(application, ()),
        )


def _pairs(items: list[terms.Term]) -> Iterator[tuple[str, terms.Term]]:
    for key, value in zip(items[::2], items[1::2], strict=False):
        if not isinstance(key, str):
            raise MalformedError("not a mix.lock: a key that is no text")
        yield key, value


def _needs(entry: list[terms.Term]) -> Iterator[str]:
    """Give the applications that an entry needs; an optional one is not wanted by it."""
    needs = entry[_NEEDS] if len(entry) > _NEEDS and isinstance(entry[_NEEDS], list) else []
    for need in needs:
        if isinstance(need, list) and need and isinstance(need[0], str):
            options = need[-1] if isinstance(need[-1], list) else []
            if ("optional", "true") not in list(zip(options[::2], options[1::2], strict=False)):
                yield need[0]


DETECTOR = Detector(name="mix_lock", version=2, wants=("**/mix.lock",), read=read, max_bytes=4 * 1024 * 1024)
