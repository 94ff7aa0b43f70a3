"""Makes the files of publishers many times as large as the real ones, out of real records.

Each record is drawn from the real ones of its ecosystem (with a fixed seed): how much it says, its packages, ranges,
listed versions, links and severities. So that no two records are the same, and none is a mere copy to a compressor,

- a text is put together from as many sentences as the drawn record has, each from another real record;
- the digits of links are drawn anew, and all ids;
- the first number of each version of a record is raised by the same amount, which leaves their order alone;
- a name has a word added, except that each real name has at most ten times the records it really has.

Where the folder has no records of an ecosystem, those of libraries stand in for them. The formats are the
publishers': OSV's export, Ubuntu's archive of OSV documents, the Debian tracker's JSON, Alpine's secdb.
"""

import json
import random
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

from hullmark.advisories._formats.osv import LIBRARY_ECOSYSTEMS
from hullmark.advisories.feed import documents
from hullmark.advisories.registry import feeds
from hullmark.model.advisory import Advisory

Json = dict[str, Any]

SHARES = {
    "npm": 0.42,  # nearly all of them are malicious packages
    "PyPI": 0.04,
    "Go": 0.012,
    "Maven": 0.012,
    "Packagist": 0.012,
    "RubyGems": 0.006,
    "crates.io": 0.006,
    "debian": 0.11,
    "ubuntu": 0.15,
    "alpine": 0.01,
    "MinimOS": 0.06,  # for Wolfi and Chainguard as well
    "AlmaLinux": 0.08,  # for Red Hat as well
    "Rocky Linux": 0.08,  # for SUSE as well
}
"""About OSV's export in 2026, as far as it is read here; of what is read from elsewhere, like ones have the share."""

DEBIAN = ("bullseye", "bookworm", "trixie", "forky", "sid")
UBUNTU = {
    "Pro:16.04:LTS": "xenial",
    "Pro:18.04:LTS": "bionic",
    "20.04:LTS": "focal",
    "22.04:LTS": "jammy",
    "24.04:LTS": "noble",
    "25.10": "questing",
}
ALPINE = ("v3.19", "v3.20", "v3.21", "v3.22", "edge")
RPM = ("8", "9", "10")
DENSITY = 10
MOST_LATER = 30
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_FIRST_NUMBER = re.compile(r"\d{1,9}")
_HEX = "0123456789abcdef"
_GHSA = "23456789cfghjmpqrvwx"
_LONGEST_OF_CVE = 400


class Real:
    """What the real records have to draw from."""

    def __init__(self, folder: Path) -> None:
        self.documents: dict[str, list[Json]] = {}
        self.fixes: dict[str, list[tuple[str, str]]] = {}
        for path in sorted(folder.glob("osv/*/all.zip")):
            name = path.parent.name.partition("-")[0]
            with zipfile.ZipFile(path) as archive:
                found = [json.loads(archive.read(member)) for member in sorted(archive.namelist())]
            self.documents.setdefault(name, []).extend(each for each in found if _is_of_use(each))
        names = {purl_type: name for name, purl_type in LIBRARY_ECOSYSTEMS.items()}
        for feed in feeds():
            if feed.name == "osv":
                continue
            for record in feed.parse(documents(folder, feed.files)):
                if isinstance(record, Advisory):
                    self._take(record, names)
        library = [each for name in names.values() for each in self.documents.get(name, ())]
        if not library:
            raise SystemExit(f"{folder} has no records of libraries")
        for name in SHARES:
            self.documents.setdefault(name.partition(" ")[0], library)
        any_fix = [pair for each in library for pair in _fixed(each)]
        for ecosystem in ("deb", "apk", "rpm"):
            self.fixes.setdefault(ecosystem, any_fix)
        self.sentences = {name: _sentences(each) for name, each in self.documents.items()}
        self.sentences[""] = _sentences(library)
        self.short = [each for each in self.sentences[""] if len(each) < _LONGEST_OF_CVE]
        self.words = sorted({word for each in self.short for word in re.findall(r"\b[a-z]{3,12}\b", each)})

    def _take(self, record: Advisory, names: dict[str, str]) -> None:
        ecosystems = {each.ecosystem for each in record.affected}
        for ecosystem in ecosystems & names.keys():
            if names[ecosystem] not in {"PyPI", "npm", "Go", "Maven"}:
                self.documents.setdefault(names[ecosystem], []).append(
                    _as_osv(record, ecosystem, names[ecosystem])
                )
        for each in record.affected:
            if each.ecosystem in {"deb", "apk", "rpm"}:
                pairs = [(each.name, span.fixed) for span in each.ranges if span.fixed]
                self.fixes.setdefault(each.ecosystem, []).extend(pairs)


def _is_of_use(document: Json) -> bool:
    return (
        bool(document.get("affected"))
        and not document.get("withdrawn")
        and document["id"][:4] not in {"ALBA", "ALEA"}
    )


def _fixed(document: Json) -> Iterator[tuple[str, str]]:
    for entry in document["affected"]:
        for span in entry.get("ranges") or ():
            for event in span["events"]:
                if "fixed" in event:
                    yield entry["package"]["name"], event["fixed"]


def _as_osv(record: Advisory, ecosystem: str, name: str) -> Json:
    affected = []
    for each in record.affected:
        if each.ecosystem == ecosystem:
            events = [
                {kind: text}
                for span in each.ranges
                for kind, text in (
                    ("introduced", span.introduced or "0"),
                    ("fixed", span.fixed),
                    ("last_affected", span.last_affected),
                )
                if text
            ]
            ranges = [{"type": "ECOSYSTEM", "events": events}] if events else []
            affected.append(
                {
                    "package": {"ecosystem": name, "name": each.name},
                    "ranges": ranges,
                    "versions": list(each.versions),
                }
            )
    return {
        "id": record.id,
        "aliases": list(record.aliases),
        "summary": record.title,
        "details": record.details,
        "affected": affected,
        "references": [{"type": each.kind, "url": each.url} for each in record.references],
        "severity": [
            {"type": "CVSS_V3", "score": each.vector} for each in record.scores if each.kind == "cvss3"
        ],
    }


def _sentences(found: Iterable[Json]) -> list[str]:
    return [text for each in found for text in _SENTENCE.split(each.get("details") or "") if text] or [""]


class Maker:
    """Draws records."""

    def __init__(self, real: Real) -> None:
        self.real = real
        self.draw = random.Random(1)
        self.number = 0

    def cve(self) -> str:
        self.number += 1
        return f"CVE-{2027 - self.number % 25}-{self.number + 10_000}"

    def time(self) -> str:
        day = self.draw.randrange(3600)
        return f"20{16 + day // 360}-{1 + day // 30 % 12:02}-{1 + day % 28:02}T{day % 24:02}:{self.draw.randrange(60):02}:00Z"

    def name(self, name: str, kept: float, copies: int) -> str:
        """Keep a name, or make it that of another package like it."""
        return (
            name
            if self.draw.random() < kept
            else f"{name}-{self.real.words[self.draw.randrange(copies) % len(self.real.words)]}"
        )

    def link(self, url: str) -> str:
        return "".join(self.draw.choice(_HEX[:10]) if letter.isdigit() else letter for letter in url)

    def text(self, like: str, pool: list[str]) -> str:
        return " ".join(self.draw.choices(pool, k=len(_SENTENCE.split(like)))) if like else ""

    def short_text(self) -> str:
        return " ".join(self.draw.choices(self.real.short, k=self.draw.choice((1, 2, 2, 3))))

    def shifted(self, affected: list[Json], rename: Callable[[str], str]) -> list[Json]:
        """Give the same statements on other packages and on later versions."""
        more = self.draw.randrange(MOST_LATER)
        names: dict[str, str] = {}
        made = []
        for entry in affected:
            package = entry.get("package")
            if not package:
                continue
            name = names.setdefault(package["name"], rename(package["name"]))
            new = {**entry, "package": {"ecosystem": package["ecosystem"], "name": name}}
            if entry.get("versions"):
                new["versions"] = [later(each, more) for each in entry["versions"]]
            if entry.get("ranges"):
                new["ranges"] = [
                    {
                        **span,
                        "events": [
                            {kind: later(text, more) for kind, text in event.items()}
                            for event in span.get("events") or ()
                        ],
                    }
                    for span in entry["ranges"]
                ]
            made.append(new)
        return made

    def osv(self, ecosystem: str, count: int, *, release: str = "", source: str = "") -> Iterator[Json]:
        """Give documents like the real ones of an ecosystem."""
        base = source or ecosystem
        templates, pool = self.real.documents[base], self.real.sentences[base]
        if len(pool) < 5000 and base in LIBRARY_ECOSYSTEMS:
            pool = self.real.sentences[""]  # too few would all stand in the dictionary
        kept, copies = _copies(len(templates), count, 1 if base in LIBRARY_ECOSYSTEMS else DENSITY)
        place = f"{ecosystem}:{release}" if release else ecosystem
        for _ in range(count):
            like = self.draw.choice(templates)
            new = {**like, "id": self._id(ecosystem), "modified": self.time(), "published": self.time()}
            new["summary"] = self.text(like.get("summary") or "", pool)[: len(like.get("summary") or "")]
            new["details"] = self.text(like.get("details") or "", pool)
            for field in ("aliases", "related", "upstream"):
                if like.get(field):
                    new[field] = [self.cve() if "CVE-" in each else self._ghsa() for each in like[field]]
            if release and not any(new.get(field) for field in ("related", "upstream")):
                new["related"] = [self.cve()]
            new["references"] = [
                {**each, "url": self.link(each["url"])} for each in like.get("references") or ()
            ]
            new["affected"] = self.shifted(like["affected"], lambda name: self.name(name, kept, copies))
            for entry in new["affected"]:
                entry["package"]["ecosystem"] = place
            yield new

    def _ghsa(self) -> str:
        letters = self.draw.choices(_GHSA, k=12)
        return "GHSA-" + "-".join("".join(letters[at : at + 4]) for at in (0, 4, 8))

    def _id(self, ecosystem: str) -> str:
        self.number += 1
        if ecosystem in {"AlmaLinux", "Rocky Linux"}:
            return f"{ecosystem[0]}LSA-{2016 + self.number % 11}:{self.number}"
        start = {"PyPI": "PYSEC", "Go": "GO", "crates.io": "RUSTSEC"}.get(ecosystem)
        return f"{start}-{2016 + self.number % 11}-{self.number}" if start else self._ghsa()

    def fix(self, ecosystem: str, count: int) -> Callable[[], tuple[str, str]]:
        """Give what draws a package of a distribution and a version."""
        pairs = self.real.fixes[ecosystem]
        kept, copies = _copies(len(pairs), count, DENSITY)

        def one() -> tuple[str, str]:
            name, version = self.draw.choice(pairs)
            return self.name(name, kept, copies), later(version, self.draw.randrange(MOST_LATER))

        return one

    def minimos(self, count: int) -> Iterator[Json]:
        drawn = self.fix("apk", count)
        for _ in range(count):
            name, version = drawn()
            flaw = self.cve()
            events = [{"introduced": "0"}, {"fixed": version}]
            yield {
                "id": f"MINI-{self._ghsa()[5:]}",
                "modified": self.time(),
                "published": self.time(),
                "upstream": [flaw, self._ghsa()],
                "affected": [
                    {
                        "package": {"ecosystem": "MinimOS", "name": name},
                        "ranges": [{"type": "ECOSYSTEM", "events": events}],
                    }
                ],
                "references": [{"type": "REPORT", "url": f"https://images.minimus.io/vulnerability/{flaw}"}],
            }

    def ubuntu(self, count: int) -> Iterator[Json]:
        drawn = self.fix("deb", count)
        for _ in range(count):
            name, version = drawn()
            flaw = self.cve()
            affected = []
            for release, codename in UBUNTU.items():
                events: list[Json] = [{"introduced": "0"}]
                if self.draw.random() < 0.5:
                    number = release.split(":")[-2 if release.endswith("LTS") else -1]
                    events.append({"fixed": f"{version}ubuntu0.{number}.{self.draw.randrange(1, 9)}"})
                place = "esm-infra/" if release.startswith("Pro") else ""
                affected.append(
                    {
                        "package": {
                            "ecosystem": f"Ubuntu:{release}",
                            "name": name,
                            "purl": f"pkg:deb/ubuntu/{name}?arch=source&distro={place}{codename}",
                        },
                        "ranges": [{"type": "ECOSYSTEM", "events": events}],
                        "versions": [f"{version}ubuntu{each}" for each in range(5)],
                        "ecosystem_specific": {
                            "binaries": [{"binary_name": name, "binary_version": version}]
                        },
                    }
                )
            yield {
                "id": f"UBUNTU-{flaw}",
                "details": self.short_text(),
                "modified": self.time(),
                "published": self.time(),
                "upstream": [flaw],
                "severity": [
                    {"type": "Ubuntu", "score": self.draw.choice(("low", "medium", "medium", "high"))}
                ],
                "references": [
                    {"type": "REPORT", "url": f"https://ubuntu.com/security/{flaw}"},
                    {"type": "REPORT", "url": f"https://www.cve.org/CVERecord?id={flaw}"},
                ],
                "affected": affected,
            }

    def tracker(self, count: int) -> Json:
        drawn = self.fix("deb", count)
        packages: dict[str, Json] = {}
        for _ in range(count):
            name, version = drawn()
            releases = {}
            for release in DEBIAN:
                entry = {
                    "repositories": {release: version},
                    "urgency": self.draw.choice(("not yet assigned", "unimportant")),
                }
                if self.draw.random() < 0.6:
                    entry |= {
                        "status": "resolved",
                        "fixed_version": self.draw.choice((version, version, "0")),
                    }
                else:
                    entry |= {
                        "status": "open",
                        "nodsa": "Minor issue",
                        "nodsa_reason": self.draw.choice(("", "ignored")),
                    }
                releases[release] = entry
            flaw = {"description": self.short_text(), "scope": "local", "releases": releases}
            packages.setdefault(name, {})[self.cve()] = flaw
        return packages

    def secdb(self, release: str, count: int) -> Json:
        drawn = self.fix("apk", count)
        packages: dict[str, dict[str, list[str]]] = {}
        for _ in range(count):
            name, version = drawn()
            packages.setdefault(name, {}).setdefault(version, []).append(self.cve())
        return {
            "distroversion": release,
            "reponame": "main",
            "packages": [{"pkg": {"name": name, "secfixes": fixes}} for name, fixes in packages.items()],
        }


def _copies(real: int, count: int, density: int) -> tuple[float, int]:
    """Give how often a real name is kept, and how many others there are for each."""
    return min(1.0, DENSITY * real / max(count, 1)), max(1, count // (real * density))


def later(version: str, more: int) -> str:
    if version == "0" or not isinstance(version, str):
        return version
    return _FIRST_NUMBER.sub(lambda found: str(int(found[0]) + more), version, count=1)


def publish(folder: Path, mirror: Path, advisories: int) -> int:
    """Make so many records out of those of a folder of feeds; give how many they are."""
    maker = Maker(Real(folder))
    total = 0
    for name, share in SHARES.items():
        count = round(advisories * share)
        if name == "debian":
            total += count
            _write(mirror / "debian" / "tracker.json", maker.tracker(count))
        elif name == "ubuntu":
            total += _tar(mirror / "ubuntu" / "osv-all.tar.xz", maker.ubuntu(count))
        elif name == "alpine":
            for release, part in zip(ALPINE, _dealt(count, len(ALPINE)), strict=True):
                total += part
                found = maker.secdb(release, part)
                _write(mirror / "alpine-secdb" / release / "main.json", found)
        elif name == "MinimOS":
            total += _zip(mirror / "osv" / name / "all.zip", maker.minimos(count))
        elif name in {"AlmaLinux", "Rocky Linux"}:
            for release, part in zip(RPM, _dealt(count, len(RPM)), strict=True):
                place = mirror / "osv" / f"{name.replace(' ', '-')}-{release}" / "all.zip"
                found = maker.osv(name, part, release=release, source="AlmaLinux")
                total += _zip(place, found)
        else:
            total += _zip(mirror / "osv" / name / "all.zip", maker.osv(name, count))
    return total


def _dealt(count: int, among: int) -> list[int]:
    return [count * (at + 1) // among - count * at // among for at in range(among)]


def _write(path: Path, content: Json) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(content))


def _zip(path: Path, found: Iterable[Json]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for each in found:
            archive.writestr(f"{each['id']}.json", msgspec.json.encode(each))
        return len(archive.filelist)


def _tar(path: Path, found: Iterable[Json]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with tarfile.open(path, "w:xz", preset=0) as archive:
        for count, each in enumerate(found, 1):  # noqa: B007  # it is given
            body = msgspec.json.encode(each)
            member = tarfile.TarInfo(f"osv/cve/{each['id']}.json")
            member.size = len(body)
            archive.addfile(member, BytesIO(body))
            archive.members = []  # type: ignore[attr-defined]  # else it remembers every one
    return count


def changed(mirror: Path, folder: Path, count: int) -> int:
    """Put changed documents of the npm archive into a folder, each by itself, as an update fetches them."""
    place = folder / "osv" / "npm"
    place.mkdir(parents=True)
    with zipfile.ZipFile(mirror / "osv" / "npm" / "all.zip") as archive:
        names = archive.namelist()
        chosen = random.Random(3).sample(names, min(count, len(names)))
        for name in chosen:
            document = json.loads(archive.read(name))
            document["modified"] = "2027-01-01T00:00:00Z"
            document["details"] = f"{document['details']} More versions are known to be affected."
            document["affected"] = [{**each, "versions": ["999.1.2"]} for each in document["affected"]]
            (place / name).write_bytes(msgspec.json.encode(document))
    return len(chosen)


def packages(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Give by ecosystem the real packages, each with a version that some record names."""
    real = Real(folder)
    names = {"npm": "npm", "PyPI": "pypi", "Go": "golang"}
    found = {names[name]: [pair for each in real.documents[name] for pair in _fixed(each)] for name in names}
    return {
        ecosystem: sorted(dict(pairs).items())
        for ecosystem, pairs in (found | {"deb": real.fixes["deb"]}).items()
    }
