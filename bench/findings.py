"""Compare the findings of Hullmark with those of Trivy and Grype, both ways, on the same images and the same advisories.

    python bench/findings.py DIR [NAME …|FILE.tar …] [--feeds FEEDS] [--sample N] [--json FILE] [--show all] [--keep FOLDER]

DIR holds OCI layouts (bench/images.py); an image saved as an archive is named by its whole path. FEEDS is what `hullmark db build --from` takes; all three tools get their
database from it: Trivy's and Grype's are built by the Go programs in bench/peers with the peers' own readers. Beside the
images stand `sampled` SBOMs, one for each distribution release and one for all languages: N names of each feed, at
versions that its advisories themselves name, where a mistake of one step shows. A finding is (flaw, package type, name,
version); a flaw is its CVE, else its GHSA, else the publisher's id, by the aliases of the feeds.

Every finding that only one side has must have its reason in RULES, whose keys are headings of docs/accuracy.md. Each rule
looks at evidence: at the advisories in the feeds, at the lists of packages, at the order of versions. A finding without a
reason is printed, and the exit code is 1.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from accuracy import Key, jar_index, normal, printed
from peers import layouts
from peers.layouts import Record

from hullmark.findings.suppression import is_headers

PEERS = ("trivy", "grype")
COLUMNS = (
    "packages", "hullmark", "trivy", "only trivy", "only ours beside trivy",
    "grype", "only grype", "only ours beside grype", "unexplained",
)  # fmt: skip
HERE = Path(__file__).parent
DEMO = HERE.parent / "demo" / "feeds"
CVE = re.compile(r"CVE-\d{4}-\d{4,}")
PEP440 = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?\Z")
SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
UNFED = "rpm_"
"""Images of systems that no feed here speaks of: Trivy ends with an error where it has nothing of Red Hat."""
SYSTEM = {"alpine": "apk", "debian": "deb", "almalinux": "rpm"}


class Found(NamedTuple):
    """A finding: a flaw in a package."""

    flaw: str
    package: Key


class Listing(NamedTuple):
    """What a tool says of an image: its findings, with the ids under which it has them, and the packages it knows."""

    findings: dict[Found, str]
    packages: frozenset[Key]
    provided: frozenset[Key] = frozenset()
    undecided: frozenset[Found] = frozenset()


class Advisories:
    """The feeds, asked by flaw and package."""

    def __init__(self, feeds: Path) -> None:
        self.records = list(layouts.documents(feeds))
        self.by_id: defaultdict[str, list[Record]] = defaultdict(list)
        self.same: defaultdict[str, set[str]] = defaultdict(set)
        for record in self.records:
            if record.feed == "alpine":
                continue
            names = layouts.ids(record)
            for name in {*names, record.content.get("id", names[0])}:
                self.by_id[name].append(record)
                if record.feed != "debian" and not record.feed.startswith("osv/AlmaLinux"):
                    self.same[name].update(names)

    def flaws(self, name: str) -> set[str]:
        """Give the flaws that an id stands for: the CVEs that aliases lead to, else a GHSA, else itself."""
        if CVE.fullmatch(name):
            return {name}
        known, waiting = {name}, [name]
        while waiting:
            near = self.same[waiting.pop(0)]
            cves = {other for other in near if CVE.fullmatch(other)}
            if cves:
                return cves
            waiting += sorted(near - known)
            known |= near
        return {min((other for other in known if other.startswith("GHSA-")), default=name)}


def hullmark(target: str, database: Path, advisories: Advisories) -> Listing:
    """Scan with Hullmark. What it calls undecided, since versions have no order, is no finding here."""
    command = Path(sys.executable).with_name("hullmark")
    report = printed(
        command, "scan", target, "--scanners", "vuln", "--format", "json", "--offline", "--include-dev", "--quiet",
        HULLMARK_CACHE_DIR=str(database),
    )  # fmt: skip
    findings, undecided = {}, set()
    for finding in report["findings"]:
        if finding.get("kind") == "end_of_life":
            continue
        for flaw in advisories.flaws(finding["id"]):
            found = Found(flaw, normal(finding["purl"]))
            if finding.get("state") == "undecided":
                undecided.add(found)
            else:
                findings[found] = finding["id"]
    provided = {normal(purl) for package in report["packages"] for purl in package.get("provides", ())}
    packages = frozenset(normal(package["purl"]) for package in report["packages"])
    return Listing(findings, packages, frozenset(provided), frozenset(undecided))


def trivy(target: str, database: Path, advisories: Advisories) -> Listing:
    """Scan with Trivy."""
    kind, _, path = target.partition(":")
    if kind == "sbom":  # in an SBOM Trivy takes a system only by its own name for it
        written = Path(path).read_text().replace("rpm/almalinux/", "rpm/alma/")
        written = written.replace('"name": "almalinux"', '"name": "alma"')
        path = f"{path}.trivy.json"
        Path(path).write_text(written)
    place = ["sbom", path] if kind == "sbom" else ["image", "--input", path]
    jar_index(database)
    report = printed(
        "trivy", *place, "-q", "--format", "json", "--scanners", "vuln", "--list-all-pkgs", "--offline-scan",
        "--skip-db-update", "--skip-java-db-update", "--skip-version-check", TRIVY_CACHE_DIR=str(database),
        TRIVY_INCLUDE_DEV_DEPS="true",
    )  # fmt: skip
    findings, packages = {}, set()
    for result in report.get("Results") or ():
        for package in result.get("Packages") or ():
            if purl := package.get("Identifier", {}).get("PURL"):
                packages.add(normal(purl))
        for entry in result.get("Vulnerabilities") or ():
            for flaw in advisories.flaws(entry["VulnerabilityID"]):
                key = normal(entry["PkgIdentifier"]["PURL"])
                findings[Found(flaw, key)] = entry["VulnerabilityID"]
    return Listing(findings, frozenset(packages))


def grype(target: str, database: Path, advisories: Advisories) -> Listing:
    """Scan with Grype. Its list of packages is Syft's."""
    kind, _, path = target.partition(":")
    place = target if kind != "oci" else f"oci-dir:{path}"
    report = printed(
        "grype", place, "-q", "-o", "json", GRYPE_DB_CACHE_DIR=str(database), GRYPE_DB_AUTO_UPDATE="false",
        GRYPE_DB_VALIDATE_AGE="false", GRYPE_CHECK_FOR_APP_UPDATE="false",
    )  # fmt: skip
    way = ("convert", path) if kind == "sbom" else ("scan", place)
    listed = printed("syft", *way, "-q", "-o", "json", SYFT_CHECK_FOR_APP_UPDATE="false")
    packages = frozenset(normal(entry["purl"]) for entry in listed["artifacts"] if entry["purl"])
    findings = {}
    for match in report["matches"]:
        name = match["vulnerability"]["id"]
        for flaw in advisories.flaws(name):
            findings[Found(flaw, normal(match["artifact"]["purl"]))] = name
    return Listing(findings, packages)


def sampled(advisories: Advisories, count: int) -> dict[str, list[str]]:
    """Choose packages that the feeds speak of, at versions that they name: purls for each SBOM."""
    named: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in advisories.records:
        for group, name, versions in _named(record):
            named[group][name].update(versions)
    chance = random.Random(13)  # a sample, always the same
    purls: defaultdict[str, list[str]] = defaultdict(list)
    for group, packages in sorted(named.items()):
        usable = sorted(name for name, versions in packages.items() if versions)
        for name in chance.sample(usable, min(count, len(usable))):
            versions = sorted(packages[name])
            for version in chance.sample(versions, min(4, len(versions))):
                system = group.partition("-")[0] in SYSTEM
                purls[group if system else "languages"].append(_purl(group, name, version))
    return purls


def sboms(purls: dict[str, list[str]], folder: Path) -> Iterator[tuple[str, str]]:
    """Write the SBOMs; give name and target of each."""
    for group, listed in purls.items():
        components: list[dict[str, str]] = [
            {
                "type": "library",
                "name": normal(purl)[1],
                "version": normal(purl)[2],
                "purl": purl,
                "bom-ref": purl,
            }
            for purl in dict.fromkeys(listed)
        ]
        identifier, dash, version = group.partition("-")
        if dash:
            components.append(
                {"type": "operating-system", "name": identifier, "version": version, "bom-ref": "os"}
            )
        path = folder / f"sampled-{group}.cdx.json"
        path.write_text(
            json.dumps(
                {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}
            )
        )
        yield f"sampled {group}", f"sbom:{path}"


def _named(record: Record) -> Iterator[tuple[str, str, set[str]]]:
    """Give the packages that a record speaks of, with the versions that it names."""
    content = record.content
    match record.feed:
        case "alpine":
            for entry in content["packages"] or ():
                fixed = {version for version in entry["pkg"]["secfixes"] if version != "0"}
                yield f"alpine-{content['distroversion'].removeprefix('v')}.0", entry["pkg"]["name"], fixed
        case "debian":
            for release, package, version in content["fixes"]:
                if release in {"stretch", "buster", "bullseye"}:
                    yield f"debian-{layouts.CODENAMES[release]}", package, {version}
        case "rustsec":
            versions = content.get("versions", {})
            sound = [*versions.get("patched", ()), *versions.get("unaffected", ())]
            yield "cargo", content["advisory"]["package"], _written(sound)
        case "rubysec":
            sound = [*(content.get("patched_versions") or ()), *(content.get("unaffected_versions") or ())]
            yield "gem", content["gem"], _written(sound)
        case "friendsofphp":
            tests = [test for branch in content["branches"].values() for test in branch["versions"] or ()]
            yield "composer", content["reference"].removeprefix("composer://"), _written(tests)
        case _:
            for entry in content.get("affected", ()):
                system, _, release = entry["package"]["ecosystem"].partition(":")
                events = [
                    event
                    for span in entry.get("ranges", ())
                    for event in span["events"]
                    if span["type"] != "GIT"
                ]
                versions = {version for event in events for version in event.values()} - {"0"}
                versions.update(entry.get("versions", ())[-2:])
                group = f"{system.lower()}-{release}" if release else system.lower()
                yield group, entry["package"]["name"], versions


def _written(requirements: Iterable[str]) -> set[str]:
    return {test.strip(" <>=~^!") for text in requirements for test in text.split(",")} - {""}


def _purl(group: str, name: str, version: str) -> str:
    system, _, release = group.partition("-")
    if system in SYSTEM:
        epoch, colon, rest = version.partition(":") if system == "almalinux" else ("", "", version)
        qualifiers = f"?arch=x86_64&distro={system}-{release}" + (f"&epoch={epoch}" if colon else "")
        text = rest if colon else epoch or rest
        return f"pkg:{SYSTEM[system]}/{system}/{quote(name)}@{quote(text)}{qualifiers}"
    kind = {"go": "golang", "crates.io": "cargo"}.get(group, group)
    prefix = "v" if kind == "golang" and name not in {"stdlib", "toolchain"} else ""
    path = name.replace(":", "/") if kind == "maven" else name
    return f"pkg:{kind}/{quote(path)}@{prefix}{quote(version)}"


class Difference(NamedTuple):
    """A finding that one side has and the other has not."""

    found: Found
    image: str
    peer: str
    ours: bool
    """Whether it is we who have it."""
    name: str
    """The id under which it is reported."""
    listings: dict[str, Listing]
    advisories: Advisories

    @property
    def other(self) -> Listing:
        """What the side that lacks it says."""
        return self.listings[self.peer if self.ours else "hullmark"]

    def records(self) -> list[Record]:
        """Give the records that speak of the flaw."""
        names = {self.found.flaw, self.name}
        return [record for name in sorted(names) for record in self.advisories.by_id[name]]

    def affected(self) -> list[dict[str, Any]]:
        """Give what OSV documents on the flaw say of the package."""
        return [
            entry
            for record in self.records()
            if record.feed.startswith("osv/")
            for entry in record.content.get("affected", ())
            if entry["package"]["ecosystem"].lower().replace(":", "-") in self.image
            or ":" not in entry["package"]["ecosystem"]
            if normal(f"pkg:{self.found.package[0]}/{entry['package']['name'].replace(':', '/')}")[1]
            == self.found.package[1]
        ]

    def secfixes(self) -> dict[str, set[str]]:
        """Give the lines of Alpine's secfixes that name the flaw, for the package in the release, with the fixed versions."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for record in self.advisories.records:
            if (
                record.feed == "alpine"
                and f"sampled alpine-{record.content['distroversion'][1:]}" in self.image
            ):
                for entry in record.content["packages"] or ():
                    for fixed, lines in entry["pkg"]["secfixes"].items():
                        for line in lines or () if entry["pkg"]["name"] == self.found.package[1] else ():
                            if self.found.flaw in layouts.secfix_ids(line):
                                found[line].add(fixed)
        return found

    def fixes(self) -> set[str]:
        """Give the fixed versions that the feeds name for the flaw in the package."""
        if self.found.package[0] == "apk":
            return set().union(*self.secfixes().values())
        return {fixed for entry in self.affected() for fixed in layouts.fixes(entry)}


def _is_before_first(one: Difference) -> bool:
    """Tell whether a Go version is before 0.0.0 and the flaw is in all versions from the first on."""
    events = [
        event for entry in one.affected() for span in entry.get("ranges", ()) for event in span["events"]
    ]
    return one.found.package[2].startswith("0.0.0-") and events[-1:] == [{"introduced": "0"}]


def _has_symbols(one: Difference) -> bool:
    """Tell whether the Go database names the functions that have the flaw."""
    imports = [
        entry.get("ecosystem_specific", {}).get("imports", ())
        for entry in one.affected()
        if entry["package"]["ecosystem"] == "Go"
    ]
    return bool(imports) and all(named and all(each.get("symbols") for each in named) for named in imports)


def _is_notice(one: Difference) -> bool:
    """Tell whether RustSec's record says that it is of no flaw."""
    said = [
        record.content["advisory"].get("informational")
        for record in one.records()
        if record.feed == "rustsec"
    ]
    return bool(said) and all(word in {"unmaintained", "notice"} for word in said)


def _is_lasting(one: Difference) -> bool:
    """Tell whether RubySec names no sound version."""
    records = [record.content for record in one.records() if record.feed == "rubysec"]
    return bool(records) and not any(
        record.get("patched_versions") or record.get("unaffected_versions") for record in records
    )


def _has_capitals(one: Difference) -> bool:
    """Tell whether a record on the flaw writes the package's name with capitals."""
    names = {record.content["gem"] for record in one.records() if record.feed == "rubysec"}
    names.update(entry["package"]["name"] for entry in one.affected())
    kinds = {"gem", "npm", "golang", *(["rpm"] if one.peer == "trivy" and one.ours else [])}
    return one.found.package[0] in kinds and any(name != name.lower() for name in names)


def _is_outside_pep440(one: Difference) -> bool:
    """Tell whether the record names versions that Python's rules do not have, or not in that spelling."""
    named = [version for entry in one.affected() for version in entry.get("versions", ())] + sorted(
        one.fixes()
    )
    return one.found.package[0] == "pypi" and any(
        "-" in version or not PEP440.match(version) for version in named
    )


def _is_module_build(one: Difference) -> bool:
    """Tell whether only builds of modules have the fix, and the package is none."""
    fixes = one.fixes()
    return (
        bool(fixes) and all(".module" in fixed for fixed in fixes) and ".module" not in one.found.package[2]
    )


def _is_other_fix(one: Difference) -> bool:
    """Tell whether the version, as Maven compares it, is the one that another branch was fixed in."""
    plain = re.compile(r"(\.0|\.Final|\.RELEASE|\.GA)+\Z")
    return plain.sub("", one.found.package[2]) in {plain.sub("", fixed) for fixed in one.fixes()}


def _is_own_numbering(one: Difference) -> bool:
    """Tell whether the Go database gives the module's ranges in another numbering, too."""
    return any(entry.get("ecosystem_specific", {}).get("custom_ranges") for entry in one.affected())


def _has_several(one: Difference) -> bool:
    """Tell whether a record on the flaw, or a line of Alpine's secfixes, stands for several CVEs."""
    if one.found.package[0] == "apk":
        named = [layouts.secfix_ids(line) for line in one.secfixes()]
    elif one.found.package[0] in SYSTEM.values():
        return False
    else:
        named = [layouts.ids(record) for record in one.records()]
    return any(sum(bool(CVE.fullmatch(name)) for name in names) > 1 for names in named)


def _is_kernel_headers(one: Difference) -> bool:
    """Tell whether ours stands under `suppressed`, which the lists here leave out (docs/adr/0021)."""
    return any(is_headers(one.found.package[1], source) for source in ("linux", "kernel"))


def _is_unnamed(one: Difference) -> bool:
    return not CVE.fullmatch(one.found.flaw) and not one.found.flaw.startswith(
        ("GHSA-", "GO-", "PYSEC-", "RUSTSEC-")
    )


RULES: tuple[tuple[str, Callable[[Difference], bool]], ...] = (
    ("Packages that the peer does not list", lambda one: one.ours and one.found.package not in one.other.packages),
    ("Packages inside a system's package", lambda one: not one.ours and one.found.package in one.other.provided),
    ("Packages that we do not list", lambda one: not one.ours and one.found.package not in one.other.packages),
    ("Versions without an order", lambda one: not one.ours and one.found in one.other.undecided),
    ("Notices that are no flaws", lambda one: not one.ours and _is_notice(one)),
    ("Kernel headers", lambda one: not one.ours and one.found.package[0] in SYSTEM.values() and _is_kernel_headers(one)),
    ("Flaws without a CVE", lambda one: one.ours and _is_unnamed(one)),
    ("Records of several CVEs", lambda one: one.peer == "trivy" and one.ours and _has_several(one)),
    ("Gems without a sound version", lambda one: one.peer == "trivy" and one.ours and _is_lasting(one)),
    ("Names with capitals", _has_capitals),
    ("Go modules with a numbering of their own", _is_own_numbering),
    ("Go versions before the first release", lambda one: one.peer == "trivy" and one.ours and _is_before_first(one)),
    ("Functions that a Go program may not have", lambda one: one.peer == "grype" and one.ours and _has_symbols(one)),
    ("A version that is another branch's fix", lambda one: one.peer == "trivy" and one.ours and one.found.package[0] not in SYSTEM.values() and _is_other_fix(one)),
    ("Records with versions outside PEP 440", lambda one: one.peer == "trivy" and one.ours and _is_outside_pep440(one)),
    ("npm versions that are none", lambda one: one.found.package[0] == "npm" and not all(SEMVER.fullmatch(text) for text in {one.found.package[2], *one.fixes()})),
    ("Fixes in builds of modules", lambda one: not one.ours and one.found.package[0] == "rpm" and _is_module_build(one)),
    ("Several fixed versions of one flaw", lambda one: one.found.package[0] in {"apk", "rpm"} and len(one.fixes()) > 1),
)  # fmt: skip
"""Headings of docs/accuracy.md, and which differences each of them explains."""


class Compared(NamedTuple):
    """One image: how many findings each has, and the differences."""

    image: str
    counts: dict[str, int]
    differences: list[tuple[Difference, str]]


def compare(name: str, target: str, databases: dict[str, Path], advisories: Advisories) -> Compared:
    """Scan one image with every tool and take the findings apart."""
    listings = {
        "hullmark": hullmark(target, databases["hullmark"], advisories),
        "trivy": trivy(target, databases["trivy"], advisories),
        "grype": grype(target, databases["grype"], advisories),
    }
    own = listings["hullmark"]
    counts = {"packages": len(own.packages), "hullmark": len(own.findings)}
    differences = []
    for peer in PEERS:
        theirs = listings[peer]
        counts[peer] = len(theirs.findings)
        for found in sorted(theirs.findings.keys() ^ own.findings.keys()):
            ours = found in own.findings
            one = Difference(
                found, name, peer, ours, (own if ours else theirs).findings[found], listings, advisories
            )
            reason = next((heading for heading, explains in RULES if explains(one)), "")
            differences.append((one, reason))
            side = f"only ours beside {peer}" if ours else f"only {peer}"
            counts[side] = counts.get(side, 0) + 1
    counts["unexplained"] = sum(not reason for _, reason in differences)
    return Compared(name, counts, differences)


def lines(compared: Compared, *, everything: bool) -> Iterator[str]:
    """Say in words how the findings of one image differ."""
    yield f"{compared.image}: " + ", ".join(f"{name} {count}" for name, count in compared.counts.items())
    for one, reason in compared.differences:
        if everything or not reason:
            side = f"only ours beside {one.peer}" if one.ours else f"only {one.peer}"
            said = "" if one.name == one.found.flaw else f" (as {one.name})"
            yield f"  {side}: {one.found.flaw}{said} {' '.join(one.found.package)} – {reason or 'UNEXPLAINED'}"
    for (side, reason), count in sorted(
        Counter(
            (f"ours beside {one.peer}" if one.ours else one.peer, reason)
            for one, reason in compared.differences
        ).items()
    ):
        yield f"  {count} × only {side}: {reason or 'UNEXPLAINED'}"


def databases(feeds: Path, folder: Path, rpms: frozenset[str]) -> dict[str, Path]:
    """Build the three databases from one folder of feeds. AlmaLinux's flaws of other packages are not told to Grype."""
    places = {name: folder / name for name in ("hullmark", *PEERS)}
    command = Path(sys.executable).with_name("hullmark")
    built = subprocess.run(
        [command, "db", "build", "--from", feeds, "--quiet"],
        env={**os.environ, "HULLMARK_CACHE_DIR": str(places["hullmark"])},
        check=False,
    )
    if built.returncode not in {0, 3}:
        sys.exit("hullmark db build failed")
    laid = {name: folder / f"{name}-sources" for name in PEERS}
    layouts.lay(feeds, laid["trivy"], laid["grype"], rpms)
    for name in PEERS:
        built = subprocess.run(
            ["go", "run", ".", laid[name], places[name]],
            cwd=HERE / "peers" / f"{name}db",
            capture_output=True,
            check=False,
        )
        if built.returncode:
            sys.exit(f"{name}db: {built.stderr.decode()[-1000:]}")
    return places


def _target(folder: Path, name: str) -> str:
    path = folder / name
    return f"docker-archive:{path}" if path.is_file() else f"oci:{path}"


def main() -> int:
    """Compare images, print the differences, and tell by the exit code whether all are explained."""
    parser = argparse.ArgumentParser(description="Compare findings with those of Trivy and Grype.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--feeds", type=Path, default=DEMO)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", choices=("unexplained", "all"), default="unexplained")
    parser.add_argument("--keep", type=Path, help="a folder whose databases are used again")
    options = parser.parse_args()
    names = options.names or sorted(
        path.name
        for path in options.folder.iterdir()
        if (path / "index.json").exists() and not path.name.startswith(UNFED)
    )
    advisories = Advisories(options.feeds)
    chosen = sampled(advisories, options.sample)
    rpms = frozenset(
        normal(purl)[1] for purls in chosen.values() for purl in purls if purl.startswith("pkg:rpm")
    )
    results = []
    with tempfile.TemporaryDirectory(prefix="findings-") as temporary:
        scratch = options.keep or Path(temporary)
        scratch.mkdir(exist_ok=True)
        known = {name: scratch / name for name in ("hullmark", *PEERS)}
        made = (
            known
            if all(path.exists() for path in known.values())
            else databases(options.feeds, scratch, rpms)
        )
        targets = [(name, _target(options.folder, name)) for name in names]
        targets += sboms(chosen, scratch)
        for name, target in targets:
            results.append(compare(name, target, made, advisories))
            print("\n".join(lines(results[-1], everything=options.show == "all")), flush=True)
    for result in results:  # the table of docs/accuracy.md
        print(
            "| " + " | ".join([result.image, *(str(result.counts.get(name, 0)) for name in COLUMNS)]) + " |"
        )
    if options.json:
        plain = [
            {
                "image": result.image,
                "counts": result.counts,
                "differences": [
                    {
                        "flaw": one.found.flaw,
                        "package": one.found.package,
                        "peer": one.peer,
                        "only": "hullmark" if one.ours else one.peer,
                        "as": one.name,
                        "reason": reason,
                    }
                    for one, reason in result.differences
                ],
            }
            for result in results
        ]
        options.json.write_text(json.dumps(plain, indent=1) + "\n")
    return int(any(result.counts["unexplained"] for result in results))


if __name__ == "__main__":
    sys.exit(main())
