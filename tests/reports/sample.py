"""One report that has something of everything, and the official schemas that what is made of it must satisfy."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from msgspec.structs import replace
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
    Misconfiguration,
    Report,
    ReportDatabase,
    ReportImage,
    SecretFinding,
    Silenced,
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


def in_layer(number: int) -> dict[str, Any]:
    made = LAYERS[number]
    return {
        "layer": number,
        "layer_digest": made.digest,
        "created_by": made.created_by,
        "from_base": made.from_base,
    }


SECRETS = (
    SecretFinding(
        rule="private-key",
        severity=Severity.CRITICAL,
        confidence="high",
        message="a private key of OpenSSH without a passphrase",
        source="deleted_file",
        path="root/.ssh/id_ed25519",
        line=1,
        column=1,
        end_column=36,
        fingerprint="a1" * 16,
        same_as=("openssh-private-key",),
        **in_layer(1),
    ),
    SecretFinding(
        rule="aws-access-key",
        severity=Severity.HIGH,
        confidence="high",
        message="an access key of AWS",
        source="file",
        path="app/.env",
        line=3,
        column=19,
        end_column=39,
        fingerprint="b2" * 16,
        same_as=("aws-access-key-id", "aws-access-token"),
        controls=("CIS-Docker 4.10", "PCI-DSS 8.6.2"),
        **in_layer(2),
    ),
    SecretFinding(
        rule="password-in-name",
        severity=Severity.HIGH,
        confidence="medium",
        message="DB_PASSWORD holds what looks like a password",
        source="environment",
        path="config.Env.DB_PASSWORD",
        fingerprint="c3" * 16,
        reason="nothing but its name says so",
    ),
    SecretFinding(
        rule="basic-auth-url",
        severity=Severity.MEDIUM,
        confidence="low",
        message="a URL with a password",
        source="file",
        path="etc/apt/sources.list.d/base.list",
        line=2,
        column=5,
        end_column=50,
        reason="it stands in documentation",
        **in_layer(0),
    ),
    SecretFinding(
        rule="ev|il<rule>\u202e",
        severity=Severity.LOW,
        confidence="high",
        message="\x1b[2J::error::<script>alert(1)</script> @user #1 {{7*7}}",
        source="file",
        path="app/\x1b[1A\u2066|`<b>/::x,y\n=1+1",
        line=7,
        column=2,
        end_column=9,
        fingerprint="\x1b]0;",
        same_as=("\u202e",),
        **in_layer(2),
    ),
)

CONFIG = (
    Misconfiguration(
        rule="runs-as-root",
        severity=Severity.HIGH,
        message="the container runs as root",
        advice="end the Dockerfile with USER and an unprivileged user",
        file="config.User",
        same_as=("DL3002", "DS-0002", "AVD-DS-0002", "CIS-DI-0001"),
        controls=("CIS-Docker 4.1", "NIST-800-190 4.1.4"),
    ),
    Misconfiguration(
        rule="exposed-port",
        severity=Severity.MEDIUM,
        message="port 22 is exposed, which is that of SSH",
        advice="take EXPOSE 22 out",
        file="config.ExposedPorts",
        resource="22/tcp",
        same_as=("DS-0004",),
    ),
    Misconfiguration(
        rule="suid-file",
        severity=Severity.LOW,
        message="usr/local/bin/become runs as its owner root, whoever starts it",
        file="usr/local/bin/become",
        resource="usr/local/bin/become",
        **in_layer(2),
    ),
    Misconfiguration(
        rule="suid-file",
        severity=Severity.LOW,
        message="12 files run as their owner root, whoever starts them",
        file="usr/bin/chsh",
        resource="base",
        count=12,
        **in_layer(0),
    ),
    Misconfiguration(
        rule="world-writable\x1b[2J",
        severity=Severity.LOW,
        message="]]>&<img src=x>\u202e | a\nb",
        advice="chmod o-w '\x1b[1A' www.evil.example",
        file="app/\x1b[1A\u2066/::file",
        resource="=1+1\n",
        **in_layer(2),
    ),
)
SILENCED = (
    Silenced(
        "--severity high,medium,low",
        "no-healthcheck",
        "config.Healthcheck",
        gated=True,
        config=Misconfiguration(
            rule="no-healthcheck",
            severity=Severity.NEGLIGIBLE,
            message="nothing tells whether it still works",
            file="config.Healthcheck",
        ),
    ),
    Silenced(
        "only of the tests <b>\x1b[2J",
        "generic-token",
        "app/tests/token.txt",
        2,
        "d4" * 16,
        by=4,
        secret=SecretFinding(
            rule="generic-token",
            severity=Severity.MEDIUM,
            confidence="high",
            message="a token beside a telling name",
            source="file",
            path="app/tests/token.txt",
            line=2,
            column=9,
            end_column=41,
            fingerprint="d4" * 16,
            **in_layer(2),
        ),
    ),
    Silenced("hullmark.baseline", "aws-access-key", "app/old.env", 4, "e5" * 16),
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
"""What is known of packages alone."""


def by_severity(found: tuple[SecretFinding, ...] | tuple[Misconfiguration, ...]) -> dict[str, int]:
    return {str(level): sum(each.severity == level for each in found) for level in Severity}


WHOLE: Report = replace(
    SAMPLE,
    coverage=replace(SAMPLE.coverage, scanners=("vuln", "secret", "config"), binary_files=1234),
    summary=replace(SAMPLE.summary, secrets=by_severity(SECRETS), config=by_severity(CONFIG)),
    suppressions=(
        *SAMPLE.suppressions,
        Suppression(
            source=".hullmark-ignore.yaml",
            line=15,
            ids=("generic-token",),
            paths=("app/tests/**",),
            reason="only of the tests <b>\x1b[2J",
            state="used",
            findings=1,
        ),
    ),
    secrets=SECRETS,
    secrets_key="k1",
    config=CONFIG,
    silenced=SILENCED,
)
"""The same with secrets and misconfigurations."""

LINTED_SECRETS = (
    SecretFinding(
        rule="url-credential",
        severity=Severity.HIGH,
        confidence="high",
        message="the URL has a key in it: ?auth=",
        source="dockerfile",
        path="docker/Dockerfile",
        line=3,
        column=34,
        end_column=50,
        fingerprint="f6" * 16,
    ),
)
LINTED_CONFIG = (
    Misconfiguration(
        rule="runs-as-root",
        severity=Severity.HIGH,
        message="the last USER is root",
        advice="end the Dockerfile with USER and an unprivileged user",
        file="docker/Dockerfile",
        line=2,
        column=1,
        end_line=2,
        end_column=10,
        same_as=("DL3002", "DS-0002"),
        controls=("CIS-Docker 4.1",),
    ),
    Misconfiguration(
        rule="exposed-port",
        severity=Severity.MEDIUM,
        message="port 22 is exposed, which is that of SSH",
        advice="take EXPOSE 22 out",
        file="docker/Dockerfile",
        line=5,
        column=8,
        end_line=5,
        end_column=14,
        resource="22/tcp",
        same_as=("DS-0004",),
    ),
    Misconfiguration(
        rule="piped-to-shell",
        severity=Severity.MEDIUM,
        message="what is fetched is run unseen",
        file="web app/Dockerfile#1",
        line=7,
        column=1,
        end_line=10,
        end_column=1,
    ),
)
LINTED = Report(
    tool=Tool("hullmark", "0.1.0", {}),
    as_of="2026-01-31T12:00:00Z",
    database=ReportDatabase(()),
    image=None,
    coverage=Coverage(scanners=("config", "secret")),
    summary=Summary(
        packages=0,
        secrets=by_severity(LINTED_SECRETS),
        config=by_severity(LINTED_CONFIG),
    ),
    secrets=LINTED_SECRETS,
    secrets_key="k1",
    config=LINTED_CONFIG,
)
"""What `hullmark lint` makes: no image, and files relative to the working directory."""


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
