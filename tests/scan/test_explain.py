"""Why a flaw is reported, or why it is not: one case for every reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hullmark.advisories.database import Database, publish
from hullmark.findings.narrowing import Narrowing, narrowed
from hullmark.findings.suppression import KERNEL_HEADERS
from hullmark.model.advisory import Advisory, Epss, KnownExploited, Range, Score, Severity
from hullmark.model.explanation import Explained, Explanation, Heard, Outcome
from hullmark.model.facts import Distribution, Package, Unread
from hullmark.model.image import Layer
from hullmark.model.look import Look
from hullmark.model.report import BaseImage, Location, Report, ReportImage, Suppression, Tool
from hullmark.reports._explanation import encode, render
from hullmark.scan.catalogue import Catalogue
from hullmark.scan.explain import explain
from hullmark.scan.matching import Inventory, Item, report
from hullmark.scan.request import ScanRequest
from toys.feed import TIME, advisory, affected, built

DEBIAN = Distribution("debian", "12", codename="bookworm")
RHEL = Distribution("rhel", "9.4")
CVE = "CVE-2024-0001"
GHSA = "GHSA-aaaa-bbbb-cccc"
OPENSSL = Package("deb", "libssl3", "3.0.11-1~deb12u2", source="openssl")
QS = Package("npm", "qs", "6.5.1", via=("express@4.16.0",))
PLACE = Location(
    "srv/package-lock.json", 1, layer_digest="sha256:1", created_by="COPY . /srv", from_base=False
)


def deb(*ranges: Range, **more: Any) -> Any:
    return affected("openssl", *ranges, ecosystem="deb", release="debian-12", scope="source", **more)


def rpm(name: str, *ranges: Range, **more: Any) -> Any:
    return affected(name, *ranges, ecosystem="rpm", release="rhel-9", **more)


def reported(
    folder: Path,
    *packages: Package,
    distribution: Distribution | None = None,
    places: tuple[Location, ...] = (PLACE,),
    **more: Any,
) -> Report:
    inventory = Inventory(
        tool=Tool("hullmark", "0", {}),
        image=ReportImage(
            name="app:1",
            source="registry",
            distribution=distribution,
            base=BaseImage("option", "debian:12", layers=1),
        ),
        layers=(Layer(index=0, digest="sha256:0", from_base=True), Layer(index=1, digest="sha256:1")),
        items=tuple(Item(package, places) for package in packages),
        errors=(),
        distribution=distribution,
        **more,
    )
    return report(inventory, ScanRequest(reference="x", as_of=TIME, database=folder / "db"))


def explained(folder: Path, asked: str, made: Report, *, include_dev: bool = True) -> Explanation:
    database = Database.open(folder / "db")
    try:
        found = explain(asked, made, database, Catalogue(None), include_dev=include_dev)
    finally:
        database.close()
    assert json.loads(encode([found]))["id"] == found.id
    assert render([found], Look())
    return found


def only(found: Explanation, outcome: Outcome) -> tuple[Explained, Heard]:
    """Give the one package and the first of its statements."""
    (each,) = found.packages
    assert (found.outcome, each.outcome) == (outcome, outcome)
    return each, each.statements[0]


def text(found: Explanation, width: int = 400) -> str:
    return render([found], Look(width)).decode()


# ── why it is ───────────────────────────────────────────────────────────────────────────────────────────


def record(*more: Any, **fields: Any) -> Advisory:
    return advisory(
        GHSA, *(more or (affected("qs", Range("6.5.0", "6.5.3"), ecosystem="npm"),)), aliases=(CVE,), **fields
    )


@pytest.mark.parametrize("asked", [CVE, GHSA, "cve-2024-0001", "ghsa-AAAA-bbbb-cccc"])
def test_it_is_affected_by_whichever_id(tmp_path: Path, asked: str) -> None:
    scores = (
        Score("ghsa", "cvss3", Severity.HIGH, "CVSS:3.1/AV:N", 7.5),
        Score("nvd", "level", Severity.CRITICAL),
    )
    built(tmp_path, record(title="Denial of service", scores=scores), name="osv")
    found = explained(tmp_path, asked, reported(tmp_path, QS))
    each, heard = only(found, "affected")
    assert set(found.ids) == {CVE, GHSA}
    assert found.title == "Denial of service"
    assert (heard.part, heard.feed, heard.record, heard.by) == (
        "osv-npm",
        "osv",
        GHSA,
        "id" if asked.lower() == GHSA.lower() else "alias",
    )
    part = Database.open(tmp_path / "db").current.parts["osv-npm"]
    assert heard.revision == f"{part.lineage}.{part.n}"
    assert (heard.range, heard.compared, heard.scheme) == (">= 6.5.0, < 6.5.3", "6.5.1", "semver")
    assert (heard.verdict, heard.because) == ("affected", "6.5.1 is in it")
    assert [(rating.source, rating.level, rating.counts) for rating in each.ratings] == [
        ("ghsa", "high", True),
        ("nvd", "critical", False),
    ]
    assert each.remedy is not None
    assert (each.remedy.fixed_version, each.remedy.owner, each.remedy.layer) == ("6.5.3", "own", 1)
    assert (each.remedy.direct, each.remedy.chain) == ("express@4.16.0", ("express@4.16.0", "qs@6.5.1"))
    page = text(found)
    assert f"{GHSA} in osv-npm {heard.revision} (osv): qs affected, >=6.5.0, <6.5.3" in page
    assert "6.5.1 is in it (in the order of semver versions)" in page
    assert "srv/package-lock.json in layer 1 (sha256:1), this image's own" in page
    assert "express@4.16.0 › qs@6.5.1: update express@4.16.0 to a release that asks for it" in page


def test_of_several_packages_the_worst_is_first_and_all_are_told(tmp_path: Path) -> None:
    built(
        tmp_path,
        record(affected("qs", ecosystem="npm"), affected("a", ecosystem="npm", level=Severity.HIGH)),
        name="osv",
    )
    found = explained(tmp_path, CVE, reported(tmp_path, QS, Package("npm", "a", "1")))
    assert [each.component.name for each in found.packages if each.component] == ["a", "qs"]
    page = text(found)
    assert page.count("  Why\n") == 1
    assert "affected, 2 packages" in page
    assert "qs 6.5.1 (npm): affected" in page
    assert "that is every version" in page
    assert "no known fix" in page


def test_a_listed_version(tmp_path: Path) -> None:
    built(tmp_path, record(affected("qs", ecosystem="npm", versions=("6.5.0", "6.5.1"))), name="osv")
    _, heard = only(explained(tmp_path, CVE, reported(tmp_path, QS)), "affected")
    assert (heard.range, heard.versions[0], heard.because) == (
        "listed versions",
        "6.5.1",
        "6.5.1 is one of them",
    )


def test_an_order_that_is_not_there_leaves_it_open(tmp_path: Path) -> None:
    built(tmp_path, advisory(CVE, affected("django", Range("", "2.0"))), name="osv")
    each, heard = only(
        explained(tmp_path, CVE, reported(tmp_path, Package("pypi", "django", "???"))), "undecided"
    )
    assert heard.verdict == "undecided"
    assert "has no place in the order of versions" in heard.because
    assert each.finding is not None


@pytest.mark.parametrize("asked", ["DSA-1-1", CVE])
def test_a_notice_and_what_it_fixes(tmp_path: Path, asked: str) -> None:
    notice = advisory("DSA-1-1", deb(Range("", "3.0.12-1~deb12u1")), bundle=True, fixes=(CVE,))
    built(tmp_path, notice, name="debian")
    made = reported(tmp_path, OPENSSL, distribution=DEBIAN)
    each, heard = only(explained(tmp_path, asked, made), "affected")
    assert (heard.record, heard.by, heard.scope, heard.package) == ("DSA-1-1", "bundle", "source", "openssl")
    assert each.finding is not None
    assert each.finding.id == CVE
    assert each.remedy is not None
    assert each.remedy.command == "apt-get install --only-upgrade libssl3"


def test_a_malicious_package_is_removed(tmp_path: Path) -> None:
    built(tmp_path, advisory("MAL-2024-1", affected("qs", ecosystem="npm"), malicious=True), name="osv")
    found = explained(tmp_path, "MAL-2024-1", reported(tmp_path, QS))
    only(found, "malicious")
    assert "remove it and rotate every credential" in text(found)
    assert "has the fix" not in text(found)


def test_two_cves_of_one_alias_are_not_taken_for_one(tmp_path: Path) -> None:
    other = advisory("PYSEC-2", affected("b"), aliases=(GHSA, "CVE-2024-0002"))
    built(tmp_path, advisory("PYSEC-1", affected("a"), aliases=(GHSA, CVE)), other, name="osv")
    made = reported(tmp_path, Package("pypi", "a", "1"), Package("pypi", "b", "1"))
    found = explained(tmp_path, CVE, made)
    assert [each.component.name for each in found.packages if each.component] == ["a"]
    assert "CVE-2024-0002" not in found.ids


# ── what fixes it, and where ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("package", "place", "said"),
    [
        (
            Package("npm", "qs", "6.5.1", direct=True),
            PLACE,
            "it is a direct dependency: ask for that version",
        ),
        (
            Package("npm", "qs", "6.5.1"),
            Location("a/package.json", 0, from_base=True),
            "it comes with the base image debian:12: take a newer one, its owner ships the fix",
        ),
        (
            Package("npm", "qs", "6.5.1"),
            PLACE,
            "its layer is this image's own (COPY . /srv): what it copies must have the newer one",
        ),
        (
            Package("npm", "qs", "6.5.1"),
            replace(PLACE, created_by="RUN npm i qs@6.5.1"),
            "its layer is this image's own (RUN npm i qs@6.5.1): it names that version, so name 6.5.3 there",
        ),
        (
            Package("npm", "qs", "6.5.1"),
            replace(PLACE, created_by="RUN npm i"),
            "its layer is this image's own (RUN npm i): build that anew with the newer one",
        ),
        (
            Package("npm", "qs", "6.5.1"),
            Location("a/package.json", 1, created_by="RUN npm i qs@6.5.1"),
            "layer 1 (RUN npm i qs@6.5.1) brought it and names that version, so name 6.5.3 there; whether",
        ),
        (
            Package("npm", "qs", "6.5.1", origin="binary"),
            Location("usr/bin/tool", 1),
            "it is compiled into usr/bin/tool",
        ),
    ],
)
def test_where_it_is_fixed(tmp_path: Path, package: Package, place: Location, said: str) -> None:
    built(tmp_path, record(), name="osv")
    found = explained(tmp_path, CVE, reported(tmp_path, package, places=(place,)))
    assert said in text(found)


def test_a_program_that_holds_it_is_named_and_not_the_lock_file_beside_it(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    places = (Location("app/go.mod", 1, detector="go_mod"), Location("bin/app", 1, detector="go_binary"))
    package = Package("npm", "qs", "6.5.1", origin="binary")
    assert "it is compiled into bin/app" in text(
        explained(tmp_path, CVE, reported(tmp_path, package, places=places))
    )


def test_a_jar_in_a_jar(tmp_path: Path) -> None:
    built(tmp_path, advisory(CVE, affected("a:b", Range("", "2"), ecosystem="maven")), name="osv")
    place = Location("app.jar", 1, place="BOOT-INF/lib/b.jar")
    found = explained(tmp_path, CVE, reported(tmp_path, Package("maven", "a:b", "1"), places=(place,)))
    assert "it is packed into app.jar: who builds that must put the newer one in" in text(found)
    assert "app.jar › BOOT-INF/lib/b.jar" in text(found)


@pytest.mark.parametrize(
    ("system", "command"),
    [
        (RHEL, "dnf upgrade bash"),
        (Distribution("rhel", "7.9"), "yum update bash"),
        (Distribution("amzn", "2"), "yum update bash"),
        (Distribution("amzn", "2023"), "dnf upgrade bash"),
        (Distribution("sles", "15.6"), "zypper update bash"),
        (Distribution("photon", "5.0"), "tdnf update bash"),
    ],
)
def test_the_package_managers_command(system: Distribution, command: str) -> None:
    from hullmark.advice.remedy import remedy
    from hullmark.model.report import Component, Finding

    component = Component(id="p", purl="", ecosystem="rpm", name="bash", version="1")
    finding = Finding(id=CVE, component="p", purl="", name="bash", version="1", fixed_version="2")
    image = ReportImage(name="x", source="dir", distribution=system)
    assert remedy(finding, component, image).command == command


def test_no_command_of_a_name_that_a_shell_would_act_on() -> None:
    from hullmark.advice.remedy import remedy
    from hullmark.model.report import Component, Finding

    component = Component(id="p", purl="", ecosystem="deb", name="a; reboot", version="1")
    finding = Finding(id=CVE, component="p", purl="", name="a", version="1", fixed_version="2")
    assert remedy(finding, component, None).command == ""


# ── why it is not ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("version", "fixed", "outcome"),
    [
        ("3.0.11-1~deb12u2", "3.0.11-1~deb12u2", "backported"),
        ("3.0.11-1~deb12u3", "3.0.11-1~deb12u2", "backported"),
        ("3.0.11-3", "3.0.11-2", "backported"),
        ("3.0.15-1~deb12u1", "3.0.15-1~deb12u1", "fixed"),
        ("3.0.15-1", "3.0.15-1", "fixed"),
        ("3.0.15-1", "3.0.11-1~deb12u2", "fixed"),
    ],
)
def test_it_is_fixed(tmp_path: Path, version: str, fixed: str, outcome: Outcome) -> None:
    built(tmp_path, advisory(CVE, deb(Range("", fixed))), name="debian")
    package = Package("deb", "libssl3", version, source="openssl")
    found = explained(tmp_path, CVE, reported(tmp_path, package, distribution=DEBIAN))
    each, heard = only(found, outcome)
    assert (heard.verdict, heard.range, heard.compared) == (outcome, f"< {fixed}", version)
    assert each.finding is None
    assert ("put into the distribution's own build of 3.0.11" in text(found)) is (outcome == "backported")


def test_the_publisher_says_that_it_is_not_affected(tmp_path: Path) -> None:
    built(
        tmp_path, advisory(CVE, deb(state="not_affected", note="vulnerable_code_not_present")), name="debian"
    )
    found = explained(tmp_path, CVE, reported(tmp_path, OPENSSL, distribution=DEBIAN))
    _, heard = only(found, "not_affected")
    assert heard.note == "vulnerable_code_not_present"
    assert "its publisher's remark: vulnerable_code_not_present" in text(found)


def test_the_word_on_the_binary_package_decides(tmp_path: Path) -> None:
    denied = affected("libssl3", ecosystem="deb", release="debian-12", state="not_affected")
    built(tmp_path, advisory(CVE, deb(), denied), name="debian")
    found = explained(tmp_path, CVE, reported(tmp_path, OPENSSL, distribution=DEBIAN))
    each, _ = only(found, "not_affected")
    assert [(heard.scope, heard.verdict) for heard in each.statements] == [
        ("binary", "not_affected"),
        ("source", "outranked"),
    ]


@pytest.mark.parametrize(
    ("span", "verdict", "because"),
    [
        (Range("7.0.0", "7.0.1"), "below", "6.5.1 is before 7.0.0, the first with the flaw"),
        (Range("", "", "6.5.0"), "above", "6.5.1 is after 6.5.0, the last with the flaw"),
    ],
)
def test_it_is_outside_the_range(tmp_path: Path, span: Range, verdict: str, because: str) -> None:
    built(tmp_path, record(affected("qs", span, ecosystem="npm")), name="osv")
    _, heard = only(explained(tmp_path, CVE, reported(tmp_path, QS)), "outside")
    assert (heard.verdict, heard.because) == (verdict, because)


def test_it_is_not_on_the_list(tmp_path: Path) -> None:
    built(tmp_path, record(affected("qs", ecosystem="npm", versions=("6.4.0",))), name="osv")
    _, heard = only(explained(tmp_path, CVE, reported(tmp_path, QS)), "outside")
    assert (heard.verdict, heard.because) == ("not_listed", "6.5.1 is none of them")


@pytest.mark.parametrize(
    ("statement", "package", "verdict", "because"),
    [
        (
            {"arches": ("aarch64",)},
            {"arch": "x86_64"},
            "other_architecture",
            "it is said of aarch64, and this package is for x86_64",
        ),
        (
            {"module": "nodejs:18"},
            {"module": "nodejs:20"},
            "other_module",
            "it is said of nodejs:18, and this build is of the module stream nodejs:20",
        ),
        (
            {"module": "nodejs:18"},
            {},
            "other_module",
            "it is said of nodejs:18, and this build is of no module",
        ),
    ],
)
def test_it_is_said_of_another(
    tmp_path: Path, statement: dict[str, Any], package: dict[str, Any], verdict: str, because: str
) -> None:
    built(tmp_path, advisory(CVE, rpm("nodejs", Range("", "99-1.el9"), **statement)), name="redhat")
    made = reported(tmp_path, Package("rpm", "nodejs", "1-1.el9", **package), distribution=RHEL)
    _, heard = only(explained(tmp_path, CVE, made), "other")
    assert (heard.verdict, heard.because) == (verdict, because)


def test_it_is_said_of_another_product(tmp_path: Path) -> None:
    product = rpm("curl", Range("", "99-1.el9"), cpes=("cpe:/a:redhat:jboss_core_services:1::el9",))
    built(
        tmp_path,
        advisory(CVE, product),
        advisory("CVE-2024-0002", rpm("curl", Range("", "1-1.el9"))),
        name="redhat",
    )
    made = reported(tmp_path, Package("rpm", "curl", "7-1.el9"), distribution=RHEL)
    _, heard = only(explained(tmp_path, CVE, made), "other")
    assert (heard.verdict, heard.because) == ("other_product", "it is said of redhat:jboss_core_services:1")


def test_the_notice_adds_nothing_to_the_publishers_own_record(tmp_path: Path) -> None:
    notice = advisory("DSA-1-1", deb(Range("", "3.0.12-1")), bundle=True, fixes=(CVE,))
    built(tmp_path, notice, advisory(CVE, deb(Range("", "3.0.11-1~deb12u2"))), name="debian")
    each, heard = only(
        explained(tmp_path, CVE, reported(tmp_path, OPENSSL, distribution=DEBIAN)), "backported"
    )
    assert heard.record == CVE
    notice_heard = each.statements[1]
    assert (notice_heard.record, notice_heard.verdict) == ("DSA-1-1", "outranked")
    assert "the notice adds nothing" in notice_heard.because


def test_no_package_of_the_name(tmp_path: Path) -> None:
    built(tmp_path, record(affected("body-parser", ecosystem="npm")), name="osv")
    found = explained(tmp_path, CVE, reported(tmp_path, QS))
    assert (found.outcome, found.packages, found.spoken_of) == ("not_in_image", (), ("body-parser",))
    assert [part.part for part in found.asked] == ["osv-npm"]
    assert "it is said of body-parser; no package of the image has such a name" in text(found)


def test_known_only_where_this_image_was_not_compared(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("CVE-2024-0009", affected("x", ecosystem="npm")),
        advisory(CVE, affected("a")),
        name="osv",
    )
    found = explained(tmp_path, CVE, reported(tmp_path, QS))
    assert found.outcome == "not_in_image"
    assert [(each.part, each.packages) for each in found.elsewhere] == [("osv-pypi", ("a",))]
    assert "Known elsewhere, where this image was not compared" in text(found)


def test_the_distribution_has_no_record_of_what_others_say(tmp_path: Path) -> None:
    ubuntu = affected("openssl", ecosystem="deb", release="ubuntu-22.04", scope="source")
    built(tmp_path, advisory(CVE, ubuntu), advisory("CVE-2024-0002", deb(Range("", "1"))), name="debian")
    found = explained(tmp_path, CVE, reported(tmp_path, OPENSSL, distribution=DEBIAN))
    (each,) = found.packages
    assert (found.outcome, each.statements) == ("unspoken", ())
    assert "debian, whose word counts for it, has no record" in each.because
    assert [each.part for each in found.elsewhere] == ["ubuntu-22.04"]


def test_nobody_knows_it(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    found = explained(tmp_path, "CVE-1999-99999", reported(tmp_path, QS))
    assert (found.outcome, found.id, found.ids) == ("unknown", "CVE-1999-99999", ("CVE-1999-99999",))
    assert "no feed and no catalogue in the database knows this id" in text(found)
    assert "taken back" in text(found), "a withdrawn record is not kept, so that is all that can be said"


def test_only_a_catalogue_knows_it(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    parts = dict(Database.open(tmp_path / "db").current.parts)
    built(tmp_path / "kev", KnownExploited("CVE-2024-0009"), Epss("CVE-2024-0009", 0.5, 0.9), name="kev")
    other = Database.open(tmp_path / "kev" / "db").current.parts
    for info in other.values():
        for file in info.files():
            (tmp_path / "db" / "parts" / file).write_bytes((tmp_path / "kev/db/parts" / file).read_bytes())
    publish(tmp_path / "db", parts | other)
    found = explained(tmp_path, "CVE-2024-0009", reported(tmp_path, QS))
    assert found.outcome == "unknown"
    assert "known to" in text(found)


# ── what was not checked ────────────────────────────────────────────────────────────────────────────────


def test_its_feed_is_missing(tmp_path: Path) -> None:
    built(tmp_path, advisory(CVE, affected("a")), name="osv")
    found = explained(tmp_path, CVE, reported(tmp_path, Package("npm", "a", "1"), QS))
    (each,) = found.packages
    assert (found.outcome, each.outcome) == ("not_checked", "not_checked")
    assert each.component is not None
    assert each.component.name == "a"
    assert "not in the database, so nobody could be asked" in each.because
    (unchecked,) = found.unchecked
    assert (unchecked.state, unchecked.packages, "osv-npm" in unchecked.missing) == ("feed_missing", 2, True)
    assert "Not checked, which is not the same as not affected" in text(found)


@pytest.mark.parametrize(
    ("package", "distribution", "state"),
    [
        (Package("hex-unknown", "openssl", "1"), None, "no_feed"),
        (Package("deb", "openssl", "1"), None, "release_unknown"),
        (Package("deb", "openssl", "1"), Distribution("debian", "99"), "feed_missing"),
    ],
)
def test_nobody_could_be_asked(
    tmp_path: Path, package: Package, distribution: Distribution | None, state: str
) -> None:
    built(tmp_path, advisory(CVE, deb()), name="debian")
    found = explained(tmp_path, CVE, reported(tmp_path, package, distribution=distribution))
    (each,) = found.packages
    assert (found.outcome, each.outcome) == ("not_checked", "not_checked")
    assert [unchecked.state for unchecked in found.unchecked] == [state]


def test_an_unknown_id_is_not_clean_where_something_was_not_checked(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    assert (
        explained(tmp_path, "CVE-1999-99999", reported(tmp_path, Package("pypi", "a", "1"))).outcome
        == "not_checked"
    )


def test_what_could_not_be_read_is_said(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    made = replace(
        reported(tmp_path, QS), incomplete=True, errors=(Unread("layer", "cut short", layer="sha256:2"),)
    )
    found = explained(tmp_path, "CVE-1999-99999", made)
    assert (found.outcome, found.incomplete, found.unread) == (
        "not_checked",
        True,
        ("layer sha256:2: cut short",),
    )


def test_no_database(tmp_path: Path) -> None:
    found = explained(tmp_path, CVE, reported(tmp_path, QS))
    assert (found.outcome, found.asked) == ("not_checked", ())


def test_a_report_without_a_scan_for_vulnerabilities(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    made = reported(tmp_path, QS)
    made = replace(
        made,
        findings=(),
        coverage=replace(made.coverage, scanners=()),
        packages=tuple(replace(each, coverage=None) for each in made.packages),
    )
    each, _ = only(explained(tmp_path, CVE, made), "not_checked")
    assert each.because == "no vulnerabilities were looked for in this report"


# ── what was taken out ──────────────────────────────────────────────────────────────────────────────────


def test_a_statement_suppresses_it(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    said = Suppression(source="ignore.yaml", line=3, ids=(CVE,), reason="not reachable", expires="2027-01-01")
    made = narrowed(reported(tmp_path, QS), Narrowing(suppressions=(said,)))
    found = explained(tmp_path, GHSA, made)
    each, heard = only(found, "suppressed")
    assert each.by is not None
    assert (each.by.source, each.by.line, each.by.reason) == ("ignore.yaml", 3, "not reachable")
    assert heard.verdict == "affected"
    assert "suppressed by ignore.yaml:3: not reachable (until 2027-01-01)" in text(found)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"expires": "2020-01-01"}, "ignore.yaml:3 has expired (until 2020-01-01)"),
        ({"products": ("other:1",)}, "ignore.yaml:3 is of another image"),
        ({"packages": ("other",)}, "ignore.yaml:3 fits no finding here"),
        ({"status": "affected"}, "ignore.yaml:3 says that it is affected"),
    ],
)
def test_a_statement_that_suppresses_nothing_is_named(
    tmp_path: Path, more: dict[str, Any], words: str
) -> None:
    built(tmp_path, record(), name="osv")
    said = Suppression(source="ignore.yaml", line=3, ids=(GHSA.lower(),), reason="x", **more)
    found = explained(tmp_path, CVE, narrowed(reported(tmp_path, QS), Narrowing(suppressions=(said,))))
    only(found, "affected")
    assert words in text(found)


def test_a_filter_leaves_it_out(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    made = narrowed(reported(tmp_path, QS), Narrowing(severities=(Severity.HIGH,)))
    each, _ = only(explained(tmp_path, CVE, made), "suppressed")
    assert (each.filter, each.by) == ("--severity high", None)


def test_kernel_headers(tmp_path: Path) -> None:
    kernel = affected("linux", Range("", "6.2-1"), ecosystem="deb", release="debian-12", scope="source")
    built(tmp_path, advisory(CVE, kernel), name="debian")
    headers = Package("deb", "linux-libc-dev", "6.1-1", source="linux")
    found = explained(tmp_path, CVE, reported(tmp_path, headers, distribution=DEBIAN))
    each, _ = only(found, "suppressed")
    assert each.filter == KERNEL_HEADERS
    assert f"left out: {KERNEL_HEADERS}" in text(found)


def test_only_development_needs_it(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    made = reported(tmp_path, Package("npm", "qs", "6.5.1", dev=True))
    only(explained(tmp_path, CVE, made, include_dev=False), "development")
    only(explained(tmp_path, CVE, made, include_dev=True), "affected")


def test_development_packages_of_which_a_stored_report_has_only_the_number(tmp_path: Path) -> None:
    built(tmp_path, record(affected("mocha", ecosystem="npm")), name="osv")
    found = explained(tmp_path, CVE, reported(tmp_path, QS, dev_packages=7))
    assert (found.outcome, found.dev_packages) == ("not_in_image", 7)
    assert "7 that lock files name for development only" in text(found)


# ── stored reports and newer advisories ─────────────────────────────────────────────────────────────────


def test_advisories_that_have_changed_since_the_report(tmp_path: Path) -> None:
    built(tmp_path, record(affected("qs", Range("7.0.0", "7.0.1"), ecosystem="npm")), name="osv")
    before = reported(tmp_path, QS)
    built(tmp_path, record(), name="osv", at="2026-01-02T00:00:00Z")
    found = explained(tmp_path, CVE, before)
    only(found, "changed")
    assert found.changed == ("osv-npm",)
    assert "scan again" in text(found)


def test_a_finding_whose_advisory_is_gone_is_explained_by_its_evidence(tmp_path: Path) -> None:
    built(tmp_path, record(), name="osv")
    before = reported(tmp_path, QS)
    built(
        tmp_path,
        advisory("CVE-2024-0009", affected("x", ecosystem="npm")),
        name="osv",
        at="2026-01-02T00:00:00Z",
    )
    found = explained(tmp_path, GHSA, before)
    _, heard = only(found, "affected")
    assert (heard.record, heard.range, heard.verdict) == (GHSA, ">= 6.5.0, < 6.5.3", "affected")
    assert found.changed == ("osv-npm",)


# ── hostile input ───────────────────────────────────────────────────────────────────────────────────────

EVIL = "\x1b[2J\u202e\ud800<script>" + "x" * 1_000_000


def test_hostile_texts_are_shown_as_what_they_are(tmp_path: Path) -> None:
    built(tmp_path, record(title="a\x1b[2J\u202etitle"), name="osv")
    place = Location(
        "a\x1b]0;\x07/\u2066b", 1, place=EVIL[:40].replace("\ud800", ""), created_by="RUN \x1b[1m\n\n  - evil"
    )
    made = reported(tmp_path, QS, places=(place,))
    image = replace(made.image, name=EVIL) if made.image is not None else None
    found = explained(tmp_path, CVE, replace(made, image=image))
    for look in (Look(), Look(40, unicode=False), Look(colour=True)):
        body = render([found], look)
        assert len(body) < 20_000
        shown = body.decode()
        for code in ("\x1b[1;31m", "\x1b[1;33m", "\x1b[1;32m", "\x1b[1m", "\x1b[0m"):
            shown = shown.replace(code, "") if look.colour else shown
        assert not {"\x1b", "\u202e", "\u2066", "\x07"} & set(shown)
        assert "\n  - evil" not in shown
    assert json.loads(encode([found]))["id"] == CVE


@pytest.mark.parametrize("asked", ["CVE-" + "9" * 190, "\x1b[2J-1", "', 1); --"])
def test_hostile_ids_are_only_unknown(tmp_path: Path, asked: str) -> None:
    built(tmp_path, record(), name="osv")
    assert explained(tmp_path, asked, reported(tmp_path, QS)).outcome == "unknown"
