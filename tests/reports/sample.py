"""One report that has something of everything, and the official schemas that what is made of it must satisfy."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT7

from hullmark.model.advisory import EndOfLife, Epss, KnownExploited, Reference, Score, Severity, Ssvc
from hullmark.model.facts import Distribution, Unread
from hullmark.model.image import Layer, Platform
from hullmark.model.report import (
    BaseImage,
    Bundle,
    Component,
    Coverage,
    DatabasePart,
    EcosystemCoverage,
    Evidence,
    Finding,
    Location,
    Report,
    ReportDatabase,
    ReportImage,
    Summary,
    Suppressed,
    Suppression,
    Tool,
)

SCHEMAS = Path(__file__).parent.parent / "data" / "schemas"

LAYERS = tuple(
    Layer(
        index=number,
        digest=f"sha256:{str(number) * 64}",
        diff_id=f"sha256:{str(number + 5) * 64}",
        media_type="application/vnd.oci.image.layer.v1.tar+gzip",
        size_bytes=1000 * number,
        created_by=f"RUN make step{number}",
        from_base=number < 1,
    )
    for number in range(3)
)


def at(layer: int, path: str, place: str = "", detector: str = "dpkg") -> Location:
    made = LAYERS[layer]
    return Location(path, layer, place, made.digest, made.created_by, made.from_base, detector)


OPENSSL = Component(
    id="p0",
    purl="pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
    ecosystem="deb",
    name="libssl3",
    version="3.0.11-1~deb12u2",
    arch="amd64",
    source="openssl",
    source_version="3.0.11-1~deb12u2",
    licences=("Apache-2.0", "Artistic or GPL-1+", "mit"),
    vendor="Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>",
    locations=(at(0, "var/lib/dpkg/status"),),
    from_base=True,
    feeds=("debian",),
)
PERL = Component(
    id="p1",
    purl="pkg:deb/debian/perl-base@1:5.36.0-7?arch=amd64&distro=debian-12&upstream=perl",
    ecosystem="deb",
    name="perl-base",
    version="1:5.36.0-7",
    arch="amd64",
    source="perl",
    source_version="5.36.0-7",
    provides=("pkg:cpan/CPAN@2.33",),
    locations=(at(0, "var/lib/dpkg/status"),),
    from_base=True,
    feeds=("debian",),
)
BINARY = Component(
    id="p2",
    purl="pkg:generic/openssl@1.1.1k",
    ecosystem="generic",
    name="openssl",
    version="1.1.1k",
    origin="binary",
    cpe="openssl:openssl",
    locations=(at(1, "opt/vendor/lib/libssl.so.1.1", detector="known_binaries"),),
    from_base=False,
    coverage="feed_missing",
    feeds=("nvd",),
)
LOG4J = Component(
    id="p3",
    purl="pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
    ecosystem="maven",
    name="org.apache.logging.log4j:log4j-core",
    version="2.14.1",
    licences=("(Apache-2.0 OR MIT) AND BSD-3-Clause",),
    locations=(
        at(1, "app/a.jar", "entry BOOT-INF/lib/log4j-core-2.14.1.jar", "java_archive"),
        at(2, "app/b.jar", "line 7", "java_archive"),
    ),
    from_base=False,
    feeds=("ghsa",),
)
EXPRESS = Component(
    id="p4",
    purl="pkg:npm/%40scope/express@4.0.0",
    ecosystem="npm",
    name="@scope/express",
    version="4.0.0",
    licences=("MIT",),
    origin="locked",
    direct=True,
    locations=(at(2, "app/package-lock.json", detector="npm_lock"),),
    from_base=False,
    feeds=("osv",),
)
QS = Component(
    id="p5",
    purl="pkg:npm/qs@0.6.6",
    ecosystem="npm",
    name="qs",
    version="0.6.6",
    origin="locked",
    direct=False,
    dev=True,
    via=("@scope/express@4.0.0",),
    locations=(at(2, "app/package-lock.json", detector="npm_lock"),),
    from_base=False,
    feeds=("osv",),
)
JINJA = Component(
    id="p6",
    purl="pkg:pypi/jinja2@2.10",
    ecosystem="pypi",
    name="Jinja2",
    version="2.10",
    locations=(at(2, "usr/lib/python3/Jinja2-2.10.dist-info/METADATA", detector="python_installed"),),
    from_base=False,
    feeds=("osv",),
)
HOSTILE = Component(
    id="p7",
    purl="pkg:npm/evil%1B%5B2J%E2%80%AE@1.0%0A",
    ecosystem="npm",
    name="evil\x1b[2J\u202e",
    version="1.0\n",
    licences=("\x1b]0;title\x07",),
    locations=(at(2, "app/\x1b[1A\u2066/package.json", "line\n9", "node_installed"),),
    from_base=False,
    coverage="no_feed",
)
TWIN = Component(id="p8", purl="pkg:pypi/jinja2@2.10", ecosystem="pypi", name="jinja2", version="2.10")

PACKAGES = (OPENSSL, PERL, BINARY, LOG4J, EXPRESS, QS, JINJA, HOSTILE, TWIN)

V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"
V40 = "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
NPM = Evidence(
    feed="ghsa", part="ghsa-npm", revision="1", record="GHSA-x", range="*", scheme="semver", compared="1"
)


def found(
    id_: str, component: Component, severity: Severity = Severity.UNKNOWN, fixed: str = "", **more: Any
) -> Finding:
    state = more.pop("state", "fixed_available" if fixed else "affected")
    if component.purl.startswith("pkg:npm/"):
        more.setdefault("evidence", (NPM,))
    return Finding(
        id=id_,
        component=component.id,
        purl=component.purl,
        name=component.name,
        version=component.version,
        severity=severity,
        state=state,
        fixed_version=fixed,
        locations=component.locations,
        from_base=component.from_base,
        **more,
    )


FINDINGS = (
    found(
        "CVE-2021-44228",
        LOG4J,
        Severity.CRITICAL,
        "2.15.0",
        severity_source="ghsa",
        aliases=("GHSA-jfh8-c2jp-5v3q",),
        title="Remote code injection in Log4j",
        details="Log4j versions prior to 2.16.0 are subject to a remote code execution vulnerability.",
        scores=(
            Score("nvd", "cvss2", Severity.HIGH, "AV:N/AC:M/Au:N/C:C/I:C/A:C", 9.3),
            Score("nvd", "cvss3", Severity.CRITICAL, V31, 10.0),
            Score("ghsa", "cvss4", Severity.CRITICAL, V40, 9.1),
            Score("redhat", "level", Severity.HIGH),
            Score("old", "cvss3", Severity.HIGH, V31.replace("3.1", "3.0"), 8.8),
        ),
        cwes=("CWE-502", "CWE-20", "CWE-20", "NVD-CWE-noinfo"),
        published="2021-12-10T00:40:56.123Z",
        modified="2025-10-22",
        epss=Epss("CVE-2021-44228", 0.94358, 0.99957, "2026-01-31"),
        kev=KnownExploited("CVE-2021-44228", "2021-12-10", "2021-12-24", ransomware=True),
        ssvc=Ssvc("active", "yes", "total", "2025-02-04T14:25:34.416117Z"),
        references=(
            Reference("https://logging.apache.org/log4j/2.x/security.html", "ADVISORY"),
            Reference("not a url at all", "WEB"),
            Reference("https://example.org/a b<c>", "WEB"),
        ),
        evidence=(
            Evidence(
                feed="ghsa",
                part="ghsa",
                revision="1.1",
                record="GHSA-jfh8-c2jp-5v3q",
                range=">= 2.13.0, < 2.15.0",
                scheme="maven",
                compared="2.14.1",
            ),
        ),
    ),
    found("CVE-2021-45046", LOG4J, Severity.CRITICAL, "2.16.0", severity_source="ghsa"),
    found("CVE-2021-45105", LOG4J, Severity.HIGH, "2.9.0", severity_source="ghsa"),
    found(
        "CVE-2024-5535",
        OPENSSL,
        Severity.NEGLIGIBLE,
        "3.0.15-1~deb12u1",
        severity_source="debian",
        bundles=(Bundle("DSA-5764-1", "3.0.15-1~deb12u1", "https://www.debian.org/security/dsa-5764"),),
        published="2024-06-27",
        modified="yesterday",
    ),
    found("CVE-2023-31484", PERL, Severity.HIGH, state="will_not_fix", severity_source="debian"),
    found("CVE-2011-4116", PERL, Severity.LOW, state="under_investigation"),
    found("GHSA-hrpp-h998-j3pp", QS, Severity.HIGH, "6.2.4", severity_source="ghsa"),
    found("CVE-2014-7191", QS, Severity.MEDIUM, "1.0.0"),
    found("MAL-2024-1", HOSTILE, Severity.CRITICAL, kind="malicious", title="steals\x1b[31m keys\u202e"),
    found("NSWG-ECO-1\x07", EXPRESS, state="undecided"),
    Finding(
        id="EOL-debian-12",
        kind="end_of_life",
        component="",
        purl="",
        name="debian",
        version="12",
        severity=Severity.HIGH,
        severity_source="hullmark",
        state="end_of_life",
        fixed_version="debian-13",
        title="Debian GNU/Linux 12 (bookworm) is past its end of life since 2026-06-10",
        eol=EndOfLife("debian-12", "2026-06-10", successor="debian-13"),
    ),
)

LEVELS = {str(level): sum(f.severity == level for f in FINDINGS) for level in Severity}

SAMPLE = Report(
    tool=Tool("hullmark", "0.1.0", {"apk": 1, "dpkg": 2}),
    as_of="2026-01-31T12:00:00Z",
    database=ReportDatabase(
        (
            DatabasePart(
                "debian-12", "debian", "abc.1", "2026-01-31T00:00:00Z", advisories=10, age_hours=12.0
            ),
            DatabasePart("epss", "epss", "def.7", "2026-01-20", advisories=1, age_hours=300.0, stale=True),
            DatabasePart("osv-npm", "osv", "012.31"),
        )
    ),
    image=ReportImage(
        name="registry.example/team/app:1.2",
        source="registry",
        digest=f"sha256:{'a' * 64}",
        config_digest=f"sha256:{'b' * 64}",
        platform=Platform("linux", "arm64", "v8"),
        tags=("registry.example/team/app:1.2",),
        distribution=Distribution(
            "debian",
            "12",
            codename="bookworm",
            pretty_name="Debian GNU/Linux 12 (bookworm)",
            id_like=("x", "y"),
        ),
        base=BaseImage("option", "debian:12", "", 1),
    ),
    layers=LAYERS,
    incomplete=True,
    errors=(
        Unread("package_database", "no database", "var/lib/rpm/Packages", "page 3", LAYERS[1].digest),
        Unread("record", "broken\x1b[2J line", "app/yarn.lock", "line 12", LAYERS[2].digest),
    ),
    coverage=Coverage(
        (
            EcosystemCoverage("deb", 2, {"matched": 2}, ("debian",), 12.0),
            EcosystemCoverage("generic", 1, {"feed_missing": 1}, ("nvd",)),
            EcosystemCoverage("maven", 1, {"matched": 1}, ("ghsa", "osv"), 70.5),
            EcosystemCoverage("npm", 3, {"matched": 2, "no_feed": 1}, ("osv",), 1.0),
            EcosystemCoverage("pypi", 2, {"matched": 2}, ("osv",), 1.0),
        ),
        2,
        dev_packages=4,
        skipped_files=1,
        scanners=("vuln",),
    ),
    summary=Summary(
        packages=len(PACKAGES),
        findings=len(FINDINGS),
        by_severity=LEVELS,
        fixable=6,
        from_base=3,
        from_own_layers=7,
        unattributed=1,
        unread={"layer": 0, "package_database": 1, "file": 0, "record": 1},
        unread_in_deleted=3,
    ),
    packages=PACKAGES,
    findings=FINDINGS,
    suppressed=(
        Suppressed("--fixable-only", found("CVE-2000-1", PERL, Severity.LOW)),
        Suppressed(
            "=HYPERLINK(1): only tests <b>parse</b> XML\x1b[2J",
            found("CVE-2022-40897", JINJA, Severity.MEDIUM, "2.11.3", aliases=("GHSA-r9hx-vwmv-q579",)),
            by=0,
        ),
        Suppressed(
            "not_affected: vulnerable_code_not_in_execute_path: the parser is never called",
            found("CVE-2023-5363", OPENSSL, Severity.HIGH, severity_source="debian"),
            by=1,
        ),
    ),
    suppressions=(
        Suppression(
            source=".hullmark-ignore.yaml",
            line=3,
            ids=("GHSA-r9hx-vwmv-q579",),
            packages=("pkg:pypi/jinja2",),
            reason="=HYPERLINK(1): only tests <b>parse</b> XML\x1b[2J",
            expires="2026-06-30",
            state="fix_available",
            findings=1,
        ),
        Suppression(
            source="app.vex.json",
            ids=("CVE-2023-5363",),
            packages=("pkg:deb/debian/libssl3",),
            products=("pkg:oci/app?repository_url=registry.example/team/app",),
            status="not_affected",
            justification="vulnerable_code_not_in_execute_path",
            reason="the parser is never called",
            author="Example Inc.",
            said="2025-11-01T00:00:00Z",
            state="used",
            findings=1,
        ),
        Suppression(
            source=".hullmark-ignore.yaml", line=9, ids=("CVE-2001-1",), expires="2025-12-31", state="expired"
        ),
        Suppression(source=".hullmark-ignore.yaml", line=12, ids=("CVE-2001-2",)),
    ),
)


def _schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text("utf-8"))


def problems(body: bytes, schema: str) -> list[str]:
    """Say what an official schema has against a document."""
    held = [
        (f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", _schema(f"{name}.schema.json"))
        for name in ("spdx", "jsf-0.82")
    ]
    registry: Registry[Any] = Registry().with_resources(
        [(name, DRAFT7.create_resource(content)) for name, content in held]
    )
    validator = jsonschema.Draft7Validator(
        _schema(schema), registry=registry, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(body))]
