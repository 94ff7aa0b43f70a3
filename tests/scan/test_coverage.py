"""What was checked and what was not: every package has a state, and nothing unchecked looks clean."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from e2e.program import dpkg_status, layer, write_layout
from hullmark.advisories.build import build
from hullmark.advisories.feed import Record
from hullmark.model.advisory import Affected, EndOfLife, Range, Severity
from hullmark.model.facts import Unread
from hullmark.model.report import Finding, Report
from hullmark.scan.gate import incomplete, parse_gate
from hullmark.scan.request import Filters, ScanRequest
from hullmark.scan.run import run
from toys.feed import advisory, affected, feed

AS_OF = "2026-01-31T12:00:00Z"
FRESH, OLD = "2026-01-31T00:00:00Z", "2026-01-01T00:00:00Z"
DEBIAN_12 = b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian 12"\n'
STATUS = {"var/lib/dpkg/status": dpkg_status(("zlib1g", "1:1.2"), ("libc6", "2.36"))}
CONDA = {"opt/conda/conda-meta/numpy-1.0-0.json": b'{"name": "numpy", "version": "1.0", "build": "0"}'}
NPM = {"srv/node_modules/marked/package.json": b'{"name": "marked", "version": "0.3.5"}'}
SUPPORTED = EndOfLife("debian-12", "2030-01-01")
FLAW = advisory(
    "CVE-2021-1000",
    Affected(
        ecosystem="deb", name="zlib", release="debian-12", scope="source", ranges=(Range(fixed="1:1.3"),)
    ),
    Affected(
        ecosystem="deb", name="zlib1g", release="debian-12", scope="source", ranges=(Range(fixed="1:1.3"),)
    ),
)


def database(folder: Path, feed_name: str, *records: Record, built: str = FRESH) -> None:
    (folder / "mirror").mkdir(exist_ok=True, parents=True)
    assert not build(folder / "mirror", folder / "db", [feed(*records, name=feed_name)], built=built).failed


def scan(folder: Path, files: dict[str, bytes], filters: Filters | None = None, **more: object) -> Report:
    write_layout(folder / "image", [layer(files)])
    request = ScanRequest(
        reference=str(folder / "image"),
        as_of=AS_OF,
        database=folder / "db",
        filters=filters or Filters(),
        **more,  # type: ignore[arg-type]
    )
    return run(request)


def states(report: Report) -> dict[str, str | None]:
    return {component.name: component.coverage for component in report.packages}


def eol(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == "end_of_life"]


def test_matched(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    database(tmp_path, "eol", SUPPORTED)
    report = scan(tmp_path, {"etc/os-release": DEBIAN_12, **STATUS})
    assert states(report) == {"zlib1g": "matched", "libc6": "matched"}
    assert [(finding.id, finding.name) for finding in report.findings] == [("CVE-2021-1000", "zlib1g")]
    assert report.coverage.not_checked == 0
    assert not report.incomplete
    (entry,) = report.coverage.ecosystems
    assert (entry.ecosystem, entry.packages, entry.states) == ("deb", 2, {"matched": 2})
    assert (entry.feeds, entry.age_hours) == (("debian",), 12.0)
    part, dates = report.database.parts
    assert (part.part, part.built, part.stale) == ("debian-12", FRESH, False)
    assert dates.part == "eol"


def test_no_feed(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    report = scan(tmp_path, CONDA)
    assert states(report) == {"numpy": "no_feed"}
    assert report.coverage.not_checked == 1
    assert report.incomplete


def test_feed_missing(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    report = scan(tmp_path, {"etc/os-release": DEBIAN_12, **STATUS, **NPM})
    assert states(report) == {"zlib1g": "matched", "libc6": "matched", "marked": "feed_missing"}
    assert report.coverage.not_checked == 1
    assert report.incomplete


def test_no_database_at_all(tmp_path: Path) -> None:
    report = scan(tmp_path, {"etc/os-release": DEBIAN_12, **STATUS, **NPM, **CONDA})
    assert report.coverage.not_checked == len(report.packages) == 4
    assert set(states(report).values()) == {"feed_missing", "no_feed"}
    assert report.incomplete
    assert report.findings == ()


def test_feed_stale(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW, built=OLD)
    files = {"etc/os-release": DEBIAN_12, **STATUS}
    report = scan(tmp_path, files)
    assert states(report) == {"zlib1g": "feed_stale", "libc6": "feed_stale"}
    assert len(report.findings) == 1, "old advisories are advisories still"
    assert report.coverage.not_checked == 0
    assert report.database.parts[0].stale
    assert report.coverage.ecosystems[0].age_hours == 30 * 24 + 12
    younger = scan(tmp_path, files, max_age_h=31 * 24.0)
    assert set(states(younger).values()) == {"matched"}


def test_one_stale_part_makes_a_package_stale(tmp_path: Path) -> None:
    database(tmp_path, "osv", advisory("A", affected("marked", ecosystem="npm")))
    database(tmp_path, "ghsa", advisory("B", affected("marked", ecosystem="npm")), built=OLD)
    report = scan(tmp_path, NPM)
    assert states(report) == {"marked": "feed_stale"}
    assert {part.part: part.stale for part in report.database.parts} == {"ghsa-npm": True, "osv-npm": False}


@pytest.mark.parametrize("release", [{}, {"etc/os-release": b"ID=debian\n"}], ids=["no file", "no version"])
def test_release_unknown(tmp_path: Path, release: dict[str, bytes]) -> None:
    database(tmp_path, "debian", FLAW)
    report = scan(tmp_path, {**release, **STATUS})
    assert set(states(report).values()) == {"release_unknown"}
    assert report.coverage.not_checked == 2
    assert report.incomplete


def test_a_derivative_is_said_to_be_taken_for_another(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    raspbian = b'ID=raspbian\nID_LIKE=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
    report = scan(tmp_path, {"etc/os-release": raspbian, **STATUS})
    assert set(states(report).values()) == {"matched"}
    assert len(report.findings) == 1
    assert report.image is not None
    assert report.image.derived_from == "debian-12"
    assert report.image.distribution is not None
    assert report.image.distribution.id == "raspbian"
    devuan = b'ID=devuan\nID_LIKE=debian\nVERSION_ID="5"\nVERSION_CODENAME=daedalus\n'
    unknown = scan(tmp_path, {"etc/os-release": devuan, **STATUS})
    assert set(states(unknown).values()) == {"release_unknown"}
    assert unknown.image is not None
    assert unknown.image.derived_from == ""


# ---- the end of a release ----


@pytest.mark.parametrize(
    ("note", "past"),
    [
        (EndOfLife("debian-12", "2026-01-30", successor="13"), True),
        (EndOfLife("debian-12", "2026-01-31", successor="13"), False),
        (EndOfLife("debian-12", "2030-01-01"), False),
        (EndOfLife("debian-12", ended=True), True),
        (EndOfLife("debian-12", ended=False), False),
        (EndOfLife("debian-12", "soon"), False),
        (EndOfLife("debian-11", "2020-01-01"), False),
    ],
)
def test_a_release_past_its_end_is_a_finding(tmp_path: Path, note: EndOfLife, past: bool) -> None:  # noqa: FBT001
    database(tmp_path, "debian", FLAW)
    database(tmp_path, "eol", note)
    report = scan(tmp_path, {"etc/os-release": DEBIAN_12, **STATUS})
    assert set(states(report).values()) == ({"release_eol"} if past else {"matched"})
    assert len(eol(report)) == past
    for finding in eol(report):
        assert (finding.id, finding.name, finding.version) == ("EOL-debian-12", "debian", "12")
        assert (finding.severity, finding.severity_source) == (Severity.HIGH, "hullmark")
        assert (finding.state, finding.fixed_version) == ("end_of_life", note.successor)
        assert finding.eol == note
        assert note.date in finding.title
        assert note.successor in finding.title
    assert report.coverage.not_checked == 0


def test_the_release_to_go_to_is_one_that_is_still_supported(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    database(
        tmp_path,
        "eol",
        EndOfLife("debian-12", "2026-01-30", successor="debian-13"),
        EndOfLife("debian-13", "2026-01-30", successor="debian-14"),
        EndOfLife("debian-14", "2030-01-30", successor="debian-15"),
        EndOfLife("debian-15", successor="debian-12"),
    )
    files = {"etc/os-release": DEBIAN_12, **STATUS}
    (finding,) = eol(scan(tmp_path, files))
    assert finding.fixed_version == "debian-14"
    assert finding.title.endswith(
        "; the next release is debian-13, the first that is still supported debian-14"
    )
    ends = [EndOfLife(f"debian-{n}", "2026-01-30", successor=f"debian-{n + 1}") for n in range(12, 14)]
    database(tmp_path, "eol", *ends, EndOfLife("debian-14", "2026-01-30", successor="debian-12"))
    (round_about,) = eol(scan(tmp_path, files))
    assert round_about.fixed_version.startswith("debian-"), "a feed that goes round in circles ends too"


def test_the_end_of_a_release_came_with_the_file_that_names_it(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    database(tmp_path, "eol", EndOfLife("debian-12", "2026-01-30"))
    base, own = layer({"etc/os-release": DEBIAN_12, **STATUS}), layer(NPM)
    write_layout(tmp_path / "base", [base])
    write_layout(tmp_path / "image", [base, own])
    request = ScanRequest(
        reference=str(tmp_path / "image"),
        as_of=AS_OF,
        database=tmp_path / "db",
        base=(str(tmp_path / "base"),),
    )
    report = run(request)
    (finding,) = eol(report)
    (place,) = finding.locations
    assert (place.path, place.layer, place.detector) == ("etc/os-release", 0, "os_release")
    assert finding.from_base is True
    assert report.summary.from_base == 2
    assert report.summary.unattributed == 0


def test_a_release_says_itself_when_it_ends(tmp_path: Path) -> None:
    database(tmp_path, "fedora", advisory("A", Affected(ecosystem="rpm", name="x", release="fedora-40")))
    told = b"ID=fedora\nVERSION_ID=40\nSUPPORT_END=2025-05-13\n"
    (finding,) = eol(scan(tmp_path, {"etc/os-release": told}))
    assert finding.id == "EOL-fedora-40"
    assert "2025-05-13" in finding.title


def test_the_most_exact_cycle_counts(tmp_path: Path) -> None:
    notes = (EndOfLife("alpine-3.10", "2021-05-01", successor="3.11"), EndOfLife("alpine-3", "2040-01-01"))
    database(tmp_path, "eol", *notes)
    told = b"ID=alpine\nVERSION_ID=3.10.4\n"
    (finding,) = eol(scan(tmp_path, {"etc/os-release": told}))
    assert (finding.id, finding.fixed_version) == ("EOL-alpine-3.10", "3.11")
    assert eol(scan(tmp_path, {"etc/os-release": b"ID=alpine\nVERSION_ID=3.21.0\n"})) == []


def test_libraries_do_not_end_with_the_release(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    database(tmp_path, "eol", EndOfLife("debian-12", "2020-01-01"))
    database(tmp_path, "osv", advisory("A", affected("marked", ecosystem="npm")))
    report = scan(tmp_path, {"etc/os-release": DEBIAN_12, **STATUS, **NPM})
    assert states(report) == {"zlib1g": "release_eol", "libc6": "release_eol", "marked": "matched"}


# ---- what is left out on purpose ----


def lock(*dev: bool) -> bytes:
    packages = {
        f"node_modules/p{n}": {"version": "1.0.0", **({"dev": True} if is_dev else {})}
        for n, is_dev in enumerate(dev)
    }
    return json.dumps({"name": "app", "lockfileVersion": 3, "packages": {"": {}, **packages}}).encode()


def test_dev_packages_are_left_out_and_counted(tmp_path: Path) -> None:
    files = {"srv/package-lock.json": lock(False, True, True)}
    report = scan(tmp_path, files)
    assert list(states(report)) == ["p0"]
    assert report.coverage.dev_packages == 2
    whole = scan(tmp_path, files, Filters(include_dev=True))
    assert list(states(whole)) == ["p0", "p1", "p2"]
    assert [component.dev for component in whole.packages] == [False, True, True]
    assert whole.coverage.dev_packages == 0


@pytest.mark.parametrize(
    ("globs", "left"),
    [
        (["srv/a/**"], ["b", "c"]),
        (["/srv/a"], ["b", "c"]),
        (["srv/*/node_modules"], []),
        (["**/node_modules/a"], ["b", "c"]),
        (["srv/?/**", "nothing"], []),
        (["srv/a/node_modules/a/package.jso"], ["a", "b", "c"]),
        (["rv/a/**", "srv/a/x*"], ["a", "b", "c"]),
        (["srv/[ab]/**"], ["a", "b", "c"]),
    ],
)
def test_skipped_paths_are_counted(tmp_path: Path, globs: Sequence[str], left: list[str]) -> None:
    files = {
        f"srv/{name}/node_modules/{name}/package.json": f'{{"name": "{name}", "version": "1.0.0"}}'.encode()
        for name in "abc"
    }
    report = scan(tmp_path, files, Filters(skip_paths=tuple(globs)))
    assert list(states(report)) == left
    assert report.coverage.skipped_files == 3 - len(left)


# ---- what a gate makes of it ----


HIGH = msgspec.structs.replace(
    FLAW,
    affected=tuple(msgspec.structs.replace(each, level=Severity.HIGH) for each in FLAW.affected),
)


def over(report: Report, spec: str) -> list[str]:
    gate = parse_gate(spec)
    assert gate is not None
    return [line.partition(": ")[2] for line in gate.over(report)]


def test_what_only_a_severity_hides_still_counts_for_a_gate(tmp_path: Path) -> None:
    database(tmp_path, "debian", HIGH)
    files = {"etc/os-release": DEBIAN_12, **STATUS}
    assert over(scan(tmp_path, files), "high") == ["over the gate: 1 high"]
    hidden = scan(tmp_path, files, Filters(severities=(Severity.LOW,)))
    assert hidden.findings == ()
    assert over(hidden, "high") == ["over the gate: 1 high"]
    for narrower in (Filters(pkg_types=("library",)), Filters(ignore_states=("fixed_available",))):
        narrowed = scan(tmp_path, files, narrower)
        assert len(narrowed.suppressed) == 1
        assert over(narrowed, "high") == []
    both = scan(tmp_path, files, Filters(pkg_types=("library",), severities=(Severity.LOW,)))
    assert over(both, "high") == [], "the severity hides nothing that was not asked for anyway"


def test_packages_that_are_not_asked_about_are_listed_and_of_no_concern_to_the_gate(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    database(tmp_path, "eol", SUPPORTED)
    files = {"etc/os-release": DEBIAN_12, **STATUS, **NPM}
    system = scan(tmp_path, files, Filters(pkg_types=("os",)))
    assert set(states(system)) == {"zlib1g", "libc6", "marked"}
    assert system.coverage.pkg_types == ("os",)
    assert (system.coverage.not_checked, system.incomplete) == (0, False)
    assert incomplete(system, relies=True, strict=True) == []
    library = scan(tmp_path, files, Filters(pkg_types=("library",)))
    assert (library.coverage.not_checked, library.incomplete) == (1, True)
    assert len(incomplete(library, relies=True, strict=True)) == 1


def test_without_dates_nobody_knows_whether_the_release_is_supported(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    files = {"etc/os-release": DEBIAN_12, **STATUS}
    bare = scan(tmp_path, files)
    assert (bare.coverage.release, bare.coverage.not_checked, bare.incomplete) == ("feed_missing", 0, True)
    (told,) = incomplete(bare, relies=True, strict=False)
    assert "end-of-life" in told
    assert (
        scan(tmp_path, {"etc/os-release": DEBIAN_12 + b"SUPPORT_END=2030-01-01\n", **STATUS}).incomplete
        is False
    )
    database(tmp_path, "eol", EndOfLife("debian-11", "2024-01-01"))
    other = scan(tmp_path, files)
    assert (other.coverage.release, other.incomplete) == ("no_feed", False)
    assert scan(tmp_path, NPM).coverage.release == ""


def test_parts_that_were_not_there_are_named(tmp_path: Path) -> None:
    database(tmp_path, "osv", advisory("A", affected("marked", ecosystem="npm")))
    report = scan(tmp_path, NPM)
    assert states(report) == {"marked": "matched"}
    (entry,) = report.coverage.ecosystems
    assert entry.missing == ("cvelist-npm", "ghsa-npm")
    database(tmp_path / "other", "cvelist", advisory("A", affected("marked", ecosystem="npm")))
    weak = scan(tmp_path / "other", NPM)
    assert states(weak) == {"marked": "feed_missing"}
    assert len(weak.findings) == 1, "what is known is said all the same"


def test_a_gate_relies_on_what_was_checked(tmp_path: Path) -> None:
    database(tmp_path, "debian", FLAW)
    database(tmp_path, "eol", SUPPORTED)
    report = scan(tmp_path, {"etc/os-release": DEBIAN_12, **STATUS, **NPM, **CONDA})
    told = incomplete(report, relies=True, strict=False)
    assert [line.partition(": ")[2] for line in told] == [
        "1 package not checked (feed_missing)",
        "1 package not checked (no_feed)",
    ]
    assert incomplete(report, relies=False, strict=True) == []


def test_unread_kinds_at_a_gate(tmp_path: Path) -> None:
    report = scan(tmp_path, {"etc/os-release": DEBIAN_12, **STATUS})
    for kind, code in (("layer", True), ("package_database", True), ("file", False), ("record", False)):
        errors = tuple(Unread(kind, reason, "x", layer="l") for reason in ("one", "two"))  # type: ignore[arg-type]
        summary = msgspec.structs.replace(report.summary, unread={kind: 2})
        changed = msgspec.structs.replace(report, summary=summary, errors=errors)
        told = incomplete(changed, relies=False, strict=False)
        assert bool(told) is code
        assert not told or ": 1 " in told[0], "two things are wrong with one of them"
        assert incomplete(changed, relies=False, strict=True)


def test_which_severities_a_gate_means(tmp_path: Path) -> None:
    report = scan(tmp_path, {"etc/os-release": DEBIAN_12, **STATUS})

    def over(spec: str, *levels: Severity) -> bool:
        gate = parse_gate(spec)
        assert gate is not None
        found = tuple(
            Finding(id=f"A-{n}", component="", purl="", name="x", version="1", severity=level)
            for n, level in enumerate(levels)
        )
        return bool(gate.over(msgspec.structs.replace(report, findings=found)))

    everything = list(Severity)
    for at, level in enumerate(everything[:-1]):
        assert [over(level, each) for each in everything[:-1]] == [n <= at for n in range(5)]
        assert not over(level, Severity.UNKNOWN), "unknown counts only where it is named"
        assert over(f"{level},unknown", Severity.UNKNOWN)
    assert [over("unknown", each) for each in everything] == [False] * 5 + [True]
    assert over("vuln:high", Severity.HIGH)
    assert not over("secret:high,config:low", Severity.HIGH)
    assert over(" Critical , vuln:medium ", Severity.MEDIUM)
    gate = parse_gate("low")
    assert gate is not None
    assert gate.over(report) == []
