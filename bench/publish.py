"""Makes the files of publishers many times as large as the real ones, out of real records.

Each record is drawn from the real ones of its ecosystem (with a fixed seed): how much it says, its packages, ranges,
listed versions, links and severities. So that no two records are the same, and none is a mere copy to a compressor,

- a text is put together from as many sentences as the drawn record has, each from another real record;
- where the drawn record has its ids, in links and texts too, the new one has its own; the hashes and numbers of
  links are drawn anew;
- the first number of each version of a record is raised by the same amount, which leaves their order alone;
- some records speak of packages of other names, a word longer: so many that a name has about as many records as a
  real publisher's names would have if that publisher had grown as much (`WHOLE`, `names_wanted`).

Malicious packages, most of what there is for npm, are made without a pattern: a line of text on a name of its own.
Where the folder has no records of an ecosystem, those of libraries stand in for them. The formats are the
publishers': OSV's export, Ubuntu's archive of OSV documents, the Debian tracker's JSON, Alpine's secdb.
"""

import functools
import json
import math
import multiprocessing
import random
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hullmark.advisories._formats.osv import LIBRARY_ECOSYSTEMS
from hullmark.advisories.feed import documents
from hullmark.advisories.registry import feeds, schemes
from hullmark.advisories.scheme import sort_key
from hullmark.model.advisory import Advisory

Json = dict[str, Any]


class Whole(NamedTuple):
    """What a real publisher has: records, and distinct packages in them."""

    records: int
    packages: int


WHOLE = {
    "malicious": Whole(209_647, 207_000),
    "npm": Whole(4_410, 2_500),
    "PyPI": Whole(20_000, 2_800),
    "Go": Whole(6_946, 1_830),
    "Maven": Whole(6_000, 2_500),
    "Packagist": Whole(6_000, 1_300),
    "RubyGems": Whole(3_000, 800),
    "crates.io": Whole(2_443, 1_060),
    "debian": Whole(50_000, 4_500),
    "ubuntu": Whole(76_000, 5_500),
    "alpine": Whole(10_500, 260),
    "MinimOS": Whole(30_000, 2_500),
    "AlmaLinux": Whole(41_000, 18_000),
    "Rocky Linux": Whole(41_000, 18_000),
}
"""The publishers in 2026, from which the proportions of what is made are taken.

Counted by others: npm's 214,057 records with 209,647 malicious packages (docs/adr/0019, early in 2026), one record a
name but for a few; Go and crates.io in OSV's export of 2026-05-16 (github.com/garagon/aguara, pull request 100).
Counted in the copies that this project is measured with: PyPI 6,811 records of 1,469 packages, Go 4,274 of 1,367,
RubyGems 1,232 of 464, crates.io 555 of 435, FriendsOfPHP 1,592 of 350, AlmaLinux 4,480 of 4,784, Alpine 3.11 2,094 of
260; their packages are raised to the records above as `GROWTH` says.
Estimated: PyPI's records with those of GitHub and the malicious ones; Maven's and Packagist's, nearly half of the
20,000 that GitHub had reviewed in October 2024; Debian's tracker, 47,776 of whose records changed in one quarter
(google/osv.dev, issue 5587), on some 4,500 source packages; Ubuntu, 20,000 in 2024 (google/osv.dev, issue 2567) and
many more since; Alpine as five releases like 3.11; MinimOS for Wolfi and Chainguard as well; AlmaLinux for Red Hat
as well, and Rocky Linux for SUSE as well.
"""

GROWTH = 0.6
"""Packages grow as this power of the records, so that a publisher twice as large has half as many packages more.

In the copies at hand, by date, the second half of the records has raised the packages by the power 0.30 (AlmaLinux 9),
0.48 (DSA and DLA lists), 0.55 (AlmaLinux 8), 0.67 (Go), 0.87 (PyPI).
"""

OPEN = 0.11
"""How often a release of Debian has no fix: so often that the 400 packages of Debian that bench/database.py asks for have
as many statements that hold as those of the image there, 2.6 each."""

NOT_AFFECTED = 0.1
"""How often what is resolved was never in that release. A guess: 4 of 25 in the sample at hand, all of one package."""

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
MOST_LATER = 30
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_FIRST_NUMBER = re.compile(r"\d{1,9}")
_GHSA = "23456789cfghjmpqrvwx"
_ID_TEXT = (
    r"\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}"
    r"|(?:RHSA|RHBA|RHEA|ALSA|RLSA|PYSEC|GO|RUSTSEC|MAL)-\d{4}[:_-]\d+)\b"
)
_ID = re.compile(_ID_TEXT)
_VARIES = re.compile(
    rf"(?P<id>{_ID_TEXT})|(?P<hash>\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{{7,64}}\b)"
    r"|(?P<number>(?<![A-Za-z])\d+|(?<=\bv)\d+)"
)
_YEAR = re.compile(r"20[012]\d")
_LONGEST_OF_CVE = 400
_FINDERS = [
    *[("amazon-inspector", "Malicious code was found in the package {name}.")] * 7,
    *[
        (
            "ghsa-malware",
            "Whoever installed this package has lost the computer: change its keys and secrets from another one.",
        )
    ]
    * 2,
    (
        "ossf-package-analysis",
        "{name} was watched at work:\n\n- it talks to a domain of malicious fame\n\n- it runs odd commands",
    ),
]
"""Who finds malicious packages, about in proportion, and the sort of text that each gives for all of them."""


class Real:
    """What the real records have to draw from."""

    read: "Real"

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
        for name in WHOLE.keys() - {"malicious"}:
            self.documents.setdefault(name.partition(" ")[0], library)
        any_fix = [pair for each in library for pair in _fixed(each)]
        for ecosystem in ("deb", "apk", "rpm"):
            self.fixes.setdefault(ecosystem, any_fix)
        self.sentences = {name: _sentences(each) for name, each in self.documents.items()}
        self.sentences[""] = _sentences(library)
        self.short = [each for each in self.sentences[""] if len(each) < _LONGEST_OF_CVE]
        self.words = sorted({word for each in self.short for word in re.findall(r"\b[a-z]{3,12}\b", each)})
        self.names = {name: len(set(_names(each))) for name, each in self.documents.items()} | {
            ecosystem: len({name for name, _ in pairs}) for ecosystem, pairs in self.fixes.items()
        }

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


def _names(found: Iterable[Json]) -> Iterator[str]:
    return (entry["package"]["name"] for each in found for entry in each["affected"] if "package" in entry)


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


@functools.lru_cache(maxsize=1 << 18)
def _sentence_count(text: str) -> int:
    return len(_SENTENCE.split(text))


@functools.lru_cache(maxsize=1 << 18)
def _parts(version: str) -> tuple[str, int, str] | None:
    found = None if version == "0" else _FIRST_NUMBER.search(version)
    return (version[: found.start()], int(found[0]), version[found.end() :]) if found else None


def later(version: str, more: int) -> str:
    parts = _parts(version) if isinstance(version, str) else None
    return f"{parts[0]}{parts[1] + more}{parts[2]}" if parts else version


def older(version: str, draw: random.Random) -> str:
    """Give a version before the newest: at most as much older as fixes of one package are raised differently."""
    return later(version, -draw.randrange(MOST_LATER))


def names_wanted(publisher: str, growth: float) -> float:
    """Give how many packages a publisher so many times as large would name."""
    return WHOLE[publisher].packages * math.pow(growth, GROWTH)


class Ids:
    """The ids of a made record: one for each that the real one has, and these in place of those in others' sentences."""

    def __init__(self, maker: "Maker", prefix: str) -> None:
        self.maker = maker
        self.prefix = prefix
        self.made: dict[str, str] = {}
        self.by_kind: dict[str, list[str]] = {}
        self.numbers: dict[str, tuple[int, int]] = {}
        self.turn = 0

    def of(self, old: str) -> str:
        """Give what stands for an id of the real record. An erratum and its copy elsewhere have the same number."""
        if old in self.made:
            return self.made[old]
        kind, _, rest = old.partition("-")
        if kind == "CVE":
            new = self.maker.cve()
        elif kind == "GHSA":
            new = self.maker.ghsa()
        else:
            kind = self.prefix if kind == "ALSA" else kind
            if (counted := rest[:4] + rest[5:]) not in self.numbers:
                self.numbers[counted] = self.maker.numbers()
            year, number = self.numbers[counted]
            new = f"{kind}-{year}{rest[4]}{number:04}"
        self.by_kind.setdefault(kind, []).append(new)
        self.made[old] = new
        return new

    def in_text(self, found: re.Match[str]) -> str:
        """Give an id of this record for one in a sentence of another's: as many as there are, in turn."""
        own = self.by_kind.get(found[0].partition("-")[0])
        self.turn += 1
        return own[self.turn % len(own)] if own else self.of(found[0])


class Maker:
    """Draws records of one publisher, `growth` times as many as the real one has."""

    def __init__(self, real: Real, seed: str, growth: float, start: int = 0) -> None:
        self.real = real
        self.draw = random.Random(seed)
        self.growth = growth
        self.number = start

    def cve(self) -> str:
        """Give one that was not given yet; years and numbers are scattered, as those of a package's flaws are."""
        self.number += 1
        year, number = divmod(self.number * 1_000_003 % 2_600_000, 100_000)
        return f"CVE-{2001 + year}-{number:04}"

    def numbers(self) -> tuple[int, int]:
        """Give the year and the number of an id that counts within the year."""
        self.number += 1
        return 2016 + self.number % 11, self.number // 11 + 1

    def ghsa(self) -> str:
        letters = "".join(self.draw.choices(_GHSA, k=12))
        return f"GHSA-{letters[:4]}-{letters[4:8]}-{letters[8:]}"

    def time(self) -> str:
        day, second = divmod(int(self.draw.random() * 3600 * 86400), 86400)
        return (
            f"20{16 + day // 360}-{1 + day // 30 % 12:02}-{1 + day % 28:02}"
            f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
        )

    def variants(self, publisher: str, sampled: int) -> float:
        """Give how many names there shall be for each sampled one."""
        return max(1.0, names_wanted(publisher, self.growth) / max(1, sampled))

    def ending(self, variants: float) -> str:
        """Draw what makes the names of a record those of other packages: nothing for the real one, else a word."""
        at = int(self.draw.random() * variants)
        return f"-{self.real.words[at % len(self.real.words)]}" if at else ""

    def _anew(self, ids: Ids, found: re.Match[str]) -> str:
        if found["id"]:
            return ids.of(found[0])
        length = len(found[0])
        if found["hash"]:
            return f"{self.draw.getrandbits(4 * length):0{length}x}"
        if _YEAR.fullmatch(found[0]):
            return str(2010 + int(self.draw.random() * 17))
        return "".join(self.draw.choices("0123456789", k=length))

    def link(self, url: str, ids: Ids) -> str:
        """Give a link like a real one: its own ids, and other hashes and numbers."""
        return _VARIES.sub(functools.partial(self._anew, ids), url)

    def text(self, like: str, pool: list[str], ids: Ids) -> str:
        if not like:
            return ""
        text = " ".join(self.draw.choices(pool, k=_sentence_count(like)))
        return _ID.sub(ids.in_text, text) if "-" in text else text

    def short_text(self, flaw: str) -> str:
        text = " ".join(self.draw.choices(self.real.short, k=self.draw.choice((1, 2, 2, 3))))
        return _ID.sub(flaw, text) if "-" in text else text

    def shifted(self, affected: list[Json], place: str, ending: str) -> list[Json]:
        """Give the same statements on other packages and on later versions."""
        more = int(self.draw.random() * MOST_LATER)
        made = []
        for entry in affected:
            package = entry.get("package")
            if not package:
                continue
            name = package["name"] + ending
            new = {**entry, "package": {"ecosystem": place, "name": name}}
            if "purl" in package:
                new["package"]["purl"] = package["purl"].replace(package["name"], name)
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
        variants = self.variants(ecosystem, self.real.names[base])
        place = f"{ecosystem}:{release}" if release else ecosystem
        for like in self._drawn(templates, count):
            ids = Ids(self, f"{ecosystem[0]}LSA")
            ending = self.ending(variants)
            new = {**like, "id": self._id(ecosystem, like["id"], ids)}
            new["modified"], new["published"] = self.time(), self.time()
            for field in ("aliases", "related", "upstream"):
                if like.get(field):
                    new[field] = [ids.of(each) if _ID.fullmatch(each) else self.cve() for each in like[field]]
            if release and not any(new.get(field) for field in ("related", "upstream")):
                new["related"] = [ids.of("CVE-0")]
            new["references"] = [
                {**each, "url": self.link(each["url"], ids)} for each in like.get("references") or ()
            ]
            summary = like.get("summary") or ""
            new["summary"] = self.text(summary, pool, ids)[: len(summary)]
            new["details"] = self.text(like.get("details") or "", pool, ids)
            if url := (like.get("database_specific") or {}).get("url"):
                new["database_specific"] = {**like["database_specific"], "url": self.link(url, ids)}
            new["affected"] = self.shifted(like["affected"], place, ending)
            yield new

    def _drawn(self, found: list[Any], count: int) -> Iterator[Any]:
        for start in range(0, count, 1000):
            yield from self.draw.choices(found, k=min(1000, count - start))

    def _id(self, ecosystem: str, old: str, ids: Ids) -> str:
        """Give the record an id of its publisher's kind. It is what stands for the real one's, where that is of the kind."""
        start = {"PyPI": "PYSEC", "Go": "GO", "crates.io": "RUSTSEC"}.get(ecosystem, "GHSA")
        kinds = ("ALSA",) if ecosystem in {"AlmaLinux", "Rocky Linux"} else (start,)
        return ids.of(old if old.startswith(kinds) and _ID.fullmatch(old) else f"{kinds[0]}-0000-0")

    def malicious(self, count: int) -> Iterator[Json]:
        """Give what OSV's export has of malicious packages of npm: a finder's words on a name that comes once."""
        words = self.real.words
        finders = self._drawn(_FINDERS, count)
        for finder, said in finders:
            one, two = self.draw.choices(words, k=2)
            name = self.draw.choice((f"{one}-{two}", f"{one}-{two}", f"{one}{two}", f"@{one}/{two}"))
            name += self.draw.choice(("", "", "-js", str(self.draw.randrange(1000))))
            year, number = self.numbers()
            named = [self.ghsa()] if finder == "ghsa-malware" else []
            digest, found = f"{self.draw.getrandbits(256):064x}", self.time()
            origin = {
                "source": finder,
                "sha256": digest,
                "import_time": self.time(),
                "id": named[0] if named else f"IN-{year}-{number}",
                "modified_time": found,
            }
            entry: Json = {"package": {"ecosystem": "npm", "name": name}}
            if self.draw.random() < 0.7:
                entry["ranges"] = [{"type": "SEMVER", "events": [{"introduced": "0"}]}]
            else:
                entry["versions"] = [
                    f"{self.draw.randrange(9)}.{self.draw.randrange(9)}.{each}"
                    for each in range(self.draw.choice((1, 1, 2, 5)))
                ]
                origin["versions"] = entry["versions"]
            entry["database_specific"] = {"cwes": [{"cweId": "CWE-506", "name": "Embedded Malicious Code"}]}
            yield {
                "id": f"MAL-{year}-{number}",
                "modified": self.time(),
                "published": found,
                "schema_version": "1.7.4",
                "summary": f"Malicious code in {name} (npm)",
                "details": f"---\n## Source: {finder} ({digest})\n{said.format(name=name)}\n",
                "aliases": named,
                "affected": [entry],
                "references": [
                    {"type": "ADVISORY", "url": f"https://github.com/advisories/{each}"} for each in named
                ],
                "database_specific": {"malicious-packages-origins": [origin]},
            }

    def npm(self, count: int) -> Iterator[Json]:
        """Give the malicious packages and the flaws of npm, which its archive has side by side."""
        malicious = _dealt(count, (WHOLE["malicious"].records, WHOLE["npm"].records))[0]
        yield from self.malicious(malicious)
        yield from self.osv("npm", count - malicious)

    def fixes(self, ecosystem: str, publisher: str, count: int) -> Iterator[tuple[str, str]]:
        """Draw packages of a distribution, each with a version."""
        variants = self.variants(publisher, self.real.names[ecosystem])
        for name, version in self._drawn(self.real.fixes[ecosystem], count):
            yield name + self.ending(variants), later(version, int(self.draw.random() * MOST_LATER))

    def minimos(self, count: int) -> Iterator[Json]:
        for name, version in self.fixes("apk", "MinimOS", count):
            flaw = self.cve()
            events = [{"introduced": "0"}, {"fixed": version}]
            yield {
                "id": f"MINI-{self.ghsa()[5:]}",
                "modified": self.time(),
                "published": self.time(),
                "upstream": [flaw, self.ghsa()],
                "affected": [
                    {
                        "package": {"ecosystem": "MinimOS", "name": name},
                        "ranges": [{"type": "ECOSYSTEM", "events": events}],
                    }
                ],
                "references": [{"type": "REPORT", "url": f"https://images.minimus.io/vulnerability/{flaw}"}],
            }

    def ubuntu(self, count: int) -> Iterator[Json]:
        for name, version in self.fixes("deb", "ubuntu", count):
            flaw = self.cve()
            affected = []
            for release, codename in UBUNTU.items():
                events: list[Json] = [{"introduced": "0"}]
                if self.draw.random() < 0.5:
                    number = release.split(":")[-2 if release.endswith("LTS") else -1]
                    events.append({"fixed": f"{version}ubuntu0.{number}.{1 + int(self.draw.random() * 8)}"})
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
                "details": self.short_text(flaw),
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
        packages: dict[str, dict[str, msgspec.Raw]] = {}
        for name, version in self.fixes("deb", "debian", count):
            releases = {}
            for release in DEBIAN:
                entry = {
                    "repositories": {release: version},
                    "urgency": self.draw.choice(("not yet assigned", "unimportant")),
                }
                if self.draw.random() < OPEN:
                    entry |= {
                        "status": "open",
                        "nodsa": "Minor issue",
                        "nodsa_reason": self.draw.choice(("", "ignored")),
                    }
                else:
                    entry |= {
                        "status": "resolved",
                        "fixed_version": "0" if self.draw.random() < NOT_AFFECTED else version,
                    }
                releases[release] = entry
            flaw = self.cve()
            said = {"description": self.short_text(flaw), "scope": "local", "releases": releases}
            packages.setdefault(name, {})[flaw] = msgspec.Raw(msgspec.json.encode(said))
        return packages

    def secdb(self, release: str, count: int) -> Json:
        packages: dict[str, dict[str, list[str]]] = {}
        for name, version in self.fixes("apk", "alpine", count):
            packages.setdefault(name, {}).setdefault(version, []).append(self.cve())
        return {
            "distroversion": release,
            "reponame": "main",
            "packages": [{"pkg": {"name": name, "secfixes": fixes}} for name, fixes in packages.items()],
        }


class Job(NamedTuple):
    """One file to be made. `before` is how many records are made before it: ids are counted through."""

    publisher: str
    release: str
    records: int
    before: int


def jobs(advisories: int) -> list[Job]:
    """Deal so many records among the publishers, exactly."""
    shares = {name: whole.records for name, whole in WHOLE.items()}
    shares["npm"] += shares.pop("malicious")
    found = []
    for name, count in zip(shares, _dealt(advisories, tuple(shares.values())), strict=True):
        releases = ALPINE if name == "alpine" else RPM if name in {"AlmaLinux", "Rocky Linux"} else ("",)
        before = 0
        for release, part in zip(releases, _dealt(count, (1,) * len(releases)), strict=True):
            found.append(Job(name, release, part, before))
            before += part
    return found


def publish(folder: Path, mirror: Path, advisories: int) -> int:
    """Make so many records out of those of a folder of feeds, in two processes; give how many they are."""
    growth = advisories / sum(each.records for each in WHOLE.values())
    Real.read = Real(folder)  # which the processes below get by being forked, at no cost
    make = functools.partial(_make, mirror, growth)
    longest_first = sorted(jobs(advisories), key=lambda job: -job.records)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.imap_unordered(make, longest_first))


def _make(mirror: Path, growth: float, job: Job) -> int:
    name, release, count, before = job
    maker = Maker(Real.read, f"1 {name} {release}", growth, start=16 * before)
    if name == "debian":
        _write(mirror / "debian" / "tracker.json", maker.tracker(count))
    elif name == "ubuntu":
        return _tar(mirror / "ubuntu" / "osv-all.tar.xz", maker.ubuntu(count))
    elif name == "alpine":
        _write(mirror / "alpine-secdb" / release / "main.json", maker.secdb(release, count))
    elif release:
        place = mirror / "osv" / f"{name.replace(' ', '-')}-{release}" / "all.zip"
        return _zip(place, maker.osv(name, count, release=release, source="AlmaLinux"))
    else:
        made = {"MinimOS": maker.minimos, "npm": maker.npm}.get(name, functools.partial(maker.osv, name))
        return _zip(mirror / "osv" / name / "all.zip", made(count))
    return count


def _dealt(count: int, shares: tuple[int, ...]) -> list[int]:
    """Deal a count by shares, so that none is lost to rounding."""
    total, before, found = sum(shares), 0, []
    for share in shares:
        found.append(count * (before + share) // total - count * before // total)
        before += share
    return found


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


class Package(NamedTuple):
    """A real package, how many real records name it, and a version that no made fix of it is newer than."""

    name: str
    records: int
    newest: str


def packages(folder: Path) -> dict[str, list[Package]]:
    """Give by ecosystem the real packages that some record gives a fix for."""
    real = Real(folder)
    names = {"npm": "npm", "PyPI": "pypi", "Go": "golang"}
    found = {names[name]: [pair for each in real.documents[name] for pair in _fixed(each)] for name in names}
    given = {}
    for ecosystem, pairs in (found | {"deb": real.fixes["deb"]}).items():
        scheme = schemes()[ecosystem]
        newest: dict[str, tuple[bytes, str]] = {}
        for name, version in pairs:
            key = sort_key(scheme, version)
            if key is not None:
                newest[name] = max(newest.get(name, (b"", "")), (key, version))
        records = Counter(name for name, _ in pairs)
        given[ecosystem] = [
            Package(name, records[name], later(version, MOST_LATER - 1))
            for name, (_, version) in sorted(newest.items())
        ]
    return given
