"""Lay a folder of feeds out for the peers' own database builders.

    python bench/peers/layouts.py FEEDS TRIVY GRYPE

FEEDS is what `hullmark db build --from` takes. TRIVY becomes what trivydb reads: the folders of vuln-list, vuln-list-debian
and of the publishers' own repositories, as trivy-db's sources want them. GRYPE becomes what grypedb reads: one folder for
each provider, with records in the envelopes of vunnel. None of Hullmark's readers is used: a mistake in one of them must
not be copied into what it is compared with.

What has a native reader on the other side is handed over as published (OSV for Trivy, the Go database and AlmaLinux for
Grype, ruby-advisory-db and FriendsOfPHP for Trivy); the rest is rewritten by rule, without comparing versions: a
requirement that says what is sound is negated (`unsound`).
"""

import gzip
import itertools
import json
import re
import sys
import tarfile
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

SCHEMAS = "https://raw.githubusercontent.com/anchore/vunnel/main/schema/vulnerability/"
LANGUAGES = {"PyPI": "python", "npm": "npm", "Maven": "java", "crates.io": "rust"}
"""OSV's ecosystems by the names that Grype's GitHub provider has for them."""

CODENAMES = {
    "etch": "4", "lenny": "5", "squeeze": "6", "wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10",
    "bullseye": "11", "bookworm": "12", "trixie": "13",
}  # fmt: skip
_HEADER = re.compile(r"\[[^\]]+\]\s+(D[SL]A-\S+)\s*(.*)")
_FIX = re.compile(r"\s+\[(\w+)\]\s+-\s+(\S+)\s+([0-9]\S*)")
_REQUIREMENT = re.compile(r"\s*(~>|>=|<=|!=|==|=|>|<|\^|~)?\s*([^\s,]+)")


class Record(NamedTuple):
    """One advisory as its publisher gives it."""

    feed: str
    content: dict[str, Any]


def documents(feeds: Path) -> Iterator[Record]:
    """Give the records of the feeds that are of one file, or one entry, each."""
    for path in sorted(feeds.glob("osv/*/all.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith(".json"):
                    yield Record(f"osv/{path.parent.name}", json.loads(archive.read(name)))
    for path in sorted(feeds.glob("alpine-secdb/*/*.json")):
        yield Record("alpine", json.loads(path.read_bytes()))
    for name, text in _members(feeds, "rustsec-advisory-db", ".md"):
        head = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
        if "/crates/" in f"/{name}" and head:
            yield Record("rustsec", tomllib.loads(head[1]))
    for name, text in _members(feeds, "ruby-advisory-db", ".yml"):
        if "/gems/" in f"/{name}":
            yield Record("rubysec", {"path": name, "text": text, **yaml.safe_load(text)})
    for name, text in _members(feeds, "php-security-advisories", ".yaml"):
        content = yaml.safe_load(text)
        if "reference" in content:
            yield Record("friendsofphp", {"path": name, "text": text, **content})
    for name in ("DSA", "DLA"):
        yield from _debian(feeds, name)


def _members(feeds: Path, name: str, ending: str) -> Iterator[tuple[str, str]]:
    path = feeds / f"{name}.tar.gz"
    if path.exists():
        with tarfile.open(path) as archive:
            for member in archive:
                body = archive.extractfile(member) if member.name.endswith(ending) else None
                if body is not None:
                    yield member.name, body.read().decode()


def _debian(feeds: Path, name: str) -> Iterator[Record]:
    packed = feeds / "debian" / f"{name}-list.gz"
    if not packed.exists():
        return
    current: dict[str, Any] = {}
    for line in gzip.decompress(packed.read_bytes()).decode().splitlines():
        if header := _HEADER.match(line):
            if current:
                yield Record("debian", current)
            current = {"id": header[1], "title": header[2], "cves": [], "fixes": []}
        elif flaws := re.match(r"\s+\{([^}]*)\}", line):
            current["cves"] += flaws[1].split()
        elif fix := _FIX.match(line):
            current["fixes"].append(fix.groups())
    if current:
        yield Record("debian", current)


def ids(record: Record) -> list[str]:
    """Give a record's own id and those that it says are the same; of errata those of the flaws that they fix."""
    content = record.content
    match record.feed:
        case "rubysec":
            cve, ghsa = content.get("cve"), content.get("ghsa")
            named = [f"CVE-{cve}"] * bool(cve) + [f"GHSA-{ghsa}"] * bool(ghsa)
            return named or [Path(content["path"]).stem]
        case "friendsofphp":
            stem = Path(content["path"]).stem
            name = (
                stem
                if stem.startswith("CVE-")
                else f"FOP-{content['reference'].removeprefix('composer://')}/{stem}"
            )
            return [content.get("cve") or name]
        case "rustsec":
            return [content["advisory"]["id"], *content["advisory"].get("aliases", ())]
        case "debian":
            return content["cves"] or [content["id"]]
        case feed if feed.startswith("osv/AlmaLinux"):
            return content["related"] or [content["id"]]
        case _:
            return [content["id"], *content.get("aliases", ())]


def secfix_ids(line: str) -> list[str]:
    """Give the ids in a line of Alpine's secfixes (`CVE_2019-2426`, `CVE-????-?????  XSA-295`): its CVEs, else the others."""
    spelled = re.sub(r"CVE[ _](?=\d{4}-)", "CVE-", line)
    return re.findall(r"CVE-\d{4}-\d{4,}", spelled) or re.findall(r"(?:XSA|GHSA)-[\w-]+", spelled)


def unsound(sound: list[str], kind: str) -> list[str]:
    """Turn requirements, any of which a sound version satisfies, into ranges of which an unsound one satisfies one.

    not ((a and b) or c) is (not a and not c) or (not b and not c): no version needs to be compared.
    """
    lines = [[part for test in line.split(",") for part in _negated(*_parts(test), kind)] for line in sound]
    return [", ".join(dict.fromkeys(choice)) for choice in itertools.product(*lines)]


def _parts(test: str) -> tuple[str, str]:
    found = _REQUIREMENT.fullmatch(test.strip() or "= none")
    assert found is not None, test
    return found[1] or "", found[2]


def _negated(sign: str, version: str, kind: str) -> list[str]:
    plain = {">=": "<", "<": ">=", ">": "<=", "<=": ">"}
    if sign in plain:
        return [f"{plain[sign]}{version}"]
    if sign in {"=", "=="} or (not sign and kind == "gem"):
        return [f"<{version}", f">{version}"]
    if sign == "!=":
        return [f"={version}"]
    return [f"<{version}", f">={_next(sign, version, kind)}"]


def _next(sign: str, version: str, kind: str) -> str:
    """Give the first version above what `~>`, `^` or `~` allow, before-releases of it excluded as each ecosystem does."""
    figures = [int(part) for part in re.split(r"[.+-]", version) if part.isdigit()]
    if kind == "gem":
        kept = figures[:-1] or figures
        return ".".join(str(part) for part in [*kept[:-1], kept[-1] + 1]) + ".a"
    figures = [*figures, 0, 0][:3]
    if sign == "~":
        figures = [figures[0], figures[1] + 1, 0]
    else:  # what stands without a sign is a caret's
        first = next((place for place, part in enumerate(figures) if part), 2)
        figures = [*figures[:first], figures[first] + 1, *[0] * (2 - first)]
    return ".".join(str(part) for part in figures) + "-0"


def _ranges(affected: dict[str, Any]) -> list[tuple[str, str]]:
    """Give an OSV entry's ranges as constraints with the fixed version of each; a listed version outside them by itself."""
    found = []
    for entry in affected.get("ranges", ()):
        if entry["type"] == "GIT":
            continue
        start = None
        for event in entry["events"]:
            if "introduced" in event:
                start = event["introduced"]
                low = [] if start == "0" else [f">={start}"]
                continue
            fixed, last = event.get("fixed", ""), event.get("last_affected", "")
            if last and found and start is None:  # several ends of one start: the last one is meant
                found[-1] = (",".join([*low, f"<={last}"]), "")
            elif start is not None:
                found.append((",".join([*low, f"<{fixed}" if fixed else f"<={last}"]), fixed))
                start = None
        if start is not None:
            found.append((f">={start}", ""))
    listed = affected.get("versions", ())
    if affected["package"]["ecosystem"] == "PyPI" and found:
        listed = [version for version in listed if not _holds(version, [text for text, _ in found])]
    return found + [(f"={version}", "") for version in listed]


def _holds(version: str, constraints: list[str]) -> bool:
    try:
        return any(SpecifierSet(text).contains(Version(version), prereleases=True) for text in constraints)
    except (InvalidVersion, ValueError):
        return False


def _language_ranges(record: Record) -> Iterator[tuple[str, str, str, str]]:
    """Give ecosystem, name, constraint and fixed version of what a record on libraries says."""
    content = record.content
    match record.feed:
        case "rustsec":
            versions = content.get("versions", {})
            sound = [*versions.get("patched", ()), *versions.get("unaffected", ())]
            for text in unsound(sound, "semver"):
                yield "rust", content["advisory"]["package"], text or ">=0", ""
        case "rubysec":
            sound = [*(content.get("patched_versions") or ()), *(content.get("unaffected_versions") or ())]
            for text in unsound(sound, "gem"):
                yield "gem", content["gem"], text or ">=0", ""
        case "friendsofphp":
            for branch in content["branches"].values():
                name = content["reference"].removeprefix("composer://")
                yield "composer", name, ",".join(branch["versions"] or ()), ""
        case _:
            for entry in content.get("affected", ()):
                kind = LANGUAGES.get(entry["package"]["ecosystem"])
                for text, fixed in _ranges(entry) if kind else ():
                    yield str(kind), entry["package"]["name"], text, fixed


class Trivy:
    """The layout of trivy-db's sources."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count()

    def write(self, path: str, content: object) -> None:
        """Write a document, as it is where it is text."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content))

    def add(self, record: Record) -> None:
        """Put one record where its reader looks."""
        content, number = record.content, next(self.numbers)
        if record.feed.startswith("osv/AlmaLinux"):
            self._alma(content, number)
        elif record.feed.startswith("osv/"):
            self.write(f"{record.feed}/{content['id']}-{number}.json", content)
            if record.feed == "osv/Go":
                self.write(f"govulndb/data/osv/{content['id']}.json", content)
        elif record.feed == "alpine":
            for entry in content["packages"] or ():
                document = {**entry["pkg"], "distroversion": content["distroversion"]}
                self.write(f"vuln-list/alpine/{number}/{document['name']}.json", document)
        elif record.feed == "rustsec":
            advisory, versions = content["advisory"], content.get("versions", {})
            self.write(
                f"rustsec/{advisory['id']}.json",
                {
                    "ids": ids(record),
                    "package": advisory["package"],
                    "patched": versions.get("patched", ()),
                    "unaffected": versions.get("unaffected", ()),
                },
            )
        elif record.feed == "rubysec":
            self.write(
                f"ruby-advisory-db/gems/{content['gem']}/{Path(content['path']).name}", content["text"]
            )
        elif record.feed == "friendsofphp":
            self.write(f"php-security-advisories/{content['path']}", content["text"])
        elif record.feed == "debian":
            self._debian(content)

    def _alma(self, content: dict[str, Any], number: int) -> None:
        """Write OSV's AlmaLinux record as the erratum that AlmaLinux publishes, release by release."""
        for release in sorted({entry["package"]["ecosystem"] for entry in content["affected"]}):
            packages = []
            for entry in content["affected"]:
                if entry["package"]["ecosystem"] != release:
                    continue
                for fixed in fixes(entry):
                    epoch, colon, rest = fixed.rpartition(":")
                    version, _, build = rest.rpartition("-")
                    packages.append(
                        {
                            "name": entry["package"]["name"], "epoch": epoch if colon else "0",
                            "version": version, "release": build, "arch": "x86_64",
                        }
                    )  # fmt: skip
            references = [{"type": "cve", "id": flaw} for flaw in content["related"]]
            document = {
                "updateinfo_id": content["id"],
                "pkglist": {"packages": packages},
                "references": references,
            }
            self.write(
                f"vuln-list/alma/{release.rpartition(':')[2]}/2020/{content['id']}-{number}.json", document
            )

    def _debian(self, content: dict[str, Any]) -> None:
        annotations = [{"Type": "xref", "Bugs": content["cves"]}] if content["cves"] else []
        annotations += [
            {"Type": "package", "Release": release, "Package": package, "Kind": "fixed", "Version": version}
            for release, package, version in content["fixes"]
        ]
        document = {
            "Header": {"ID": content["id"], "Description": content["title"]},
            "Annotations": annotations,
        }
        self.write(f"vuln-list-debian/tracker/{content['id'][:3]}/{content['id']}.json", document)

    def close(self) -> None:
        """Write what Debian's reader wants beside the advisories."""
        tracker = self.folder / "vuln-list-debian" / "tracker"
        if tracker.exists():
            known = {name: {"major-version": number} for name, number in CODENAMES.items()}
            self.write("vuln-list-debian/tracker/distributions.json", known)
            for name in ("source", "updates-source", "CVE", "DSA", "DLA"):
                (tracker / name).mkdir(exist_ok=True)


def fixes(affected: dict[str, Any]) -> list[str]:
    events = [event for entry in affected.get("ranges", ()) for event in entry["events"]]
    return [event["fixed"] for event in events if "fixed" in event]


class Grype:
    """The layout of vunnel's results."""

    def __init__(self, folder: Path, rpms: frozenset[str] | None) -> None:
        self.folder = folder
        self.rpms = rpms
        self.numbers = itertools.count()
        self.system: defaultdict[tuple[str, str], list[tuple[str, str, str, str]]] = defaultdict(list)

    def write(self, provider: str, schema: str, item: object) -> None:
        """Write one enveloped record."""
        target = self.folder / provider / "results" / f"{next(self.numbers)}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        name = f"{SCHEMAS}{schema}/schema-1.0.0.json"
        target.write_text(json.dumps({"schema": name, "identifier": target.stem, "item": item}))

    def add(self, record: Record) -> None:
        """Write one record, or keep it until all of its flaw's are known."""
        content = record.content
        match record.feed:
            case "osv/Go":
                self.write("govulndb", "osv", content)
            case "alpine":
                self._alpine(content)
            case "debian":
                for release, package, version in content["fixes"]:
                    for flaw in ids(record) if release in CODENAMES else ():
                        self._fixed(
                            f"debian:{CODENAMES[release]}", flaw, package, version, "dpkg", content["id"]
                        )
            case feed if feed.startswith("osv/AlmaLinux"):
                self._alma(content)
            case _:
                withdrawn = content.get("withdrawn") or content.get("advisory", {}).get("withdrawn", "")
                self._language(ids(record), list(_language_ranges(record)), withdrawn)

    def _alma(self, content: dict[str, Any]) -> None:
        """Write an erratum. Grype reads AlmaLinux only as a correction of Red Hat: what it fixes is told as Red Hat's, too.

        Grype's builder makes a row of that for each minor release: only what is asked for, else it takes half an hour.
        """
        self.write("alma", "osv", content)
        for entry in content["affected"]:
            if self.rpms is not None and entry["package"]["name"].casefold() not in self.rpms:
                continue
            major = entry["package"]["ecosystem"].rpartition(":")[2]
            for flaw in content["related"]:
                for fixed in fixes(entry):
                    self._fixed(f"rhel:{major}", flaw, entry["package"]["name"], fixed, "rpm", content["id"])

    def _alpine(self, content: dict[str, Any]) -> None:
        release = f"alpine:{content['distroversion'].removeprefix('v')}"
        for entry in content["packages"] or ():
            for fixed, lines in entry["pkg"]["secfixes"].items():
                for flaw in (name for line in lines or () for name in secfix_ids(line)):
                    self._fixed(release, flaw, entry["pkg"]["name"], fixed, "apk", "")

    def _fixed(self, space: str, flaw: str, name: str, fixed: str, form: str, bundle: str) -> None:
        self.system[space, flaw].append((name, fixed, form, bundle))

    def _language(
        self, names: list[str], ranges: list[tuple[str, str, str, str]], withdrawn: object = ""
    ) -> None:
        advisory = {
            "ghsaId": names[0],
            "CVE": names[1:],
            "withdrawn": str(withdrawn),
            "FixedIn": [
                {"ecosystem": kind, "name": name, "range": text, "identifier": fixed}
                for kind, name, text, fixed in ranges
            ],
        }
        self.write("github", "github-security-advisory", {"Advisory": advisory})

    def close(self) -> None:
        """Write the systems' flaws: one record for each flaw and release."""
        for (space, flaw), fixes in sorted(self.system.items()):
            entries = [
                {
                    "Name": name, "NamespaceName": space, "Version": fixed, "VersionFormat": form,
                    "VendorAdvisory": {
                        "NoAdvisory": False,
                        "AdvisorySummary": [{"ID": bundle, "Link": bundle}] if bundle else [],
                    },
                }
                for name, fixed, form, bundle in dict.fromkeys(fixes)
            ]  # fmt: skip
            vulnerability = {"Name": flaw, "NamespaceName": space, "FixedIn": entries}
            self.write(space.partition(":")[0], "os", {"Vulnerability": vulnerability})


def lay(feeds: Path, trivy: Path, grype: Path, rpms: frozenset[str] | None = None) -> None:
    """Write both layouts; of what is told to Grype as Red Hat's only these packages (in small letters) where given."""
    layouts = (Trivy(trivy), Grype(grype, rpms))
    for record in documents(feeds):
        for layout in layouts:
            layout.add(record)
    for layout in layouts:
        layout.close()


if __name__ == "__main__":
    lay(*(Path(argument) for argument in sys.argv[1:4]))
