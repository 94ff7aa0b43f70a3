"""Make a large report with texts as real ones have them: the same numbers, the same bytes.

python bench/large_report.py [PACKAGES [FINDINGS]] > report.json
"""

import random
import sys

from hullmark import __version__
from hullmark.model.advisory import Epss, KnownExploited, Reference, Score, Severity
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
from hullmark.reports import render

LAYERS, BASE_LAYERS = 14, 4
WORDS = [
    "http",
    "json",
    "yaml",
    "core",
    "util",
    "stream",
    "parser",
    "router",
    "cache",
    "crypto",
    "image",
    "xml",
    "proxy",
    "log",
    "date",
    "color",
    "path",
    "glob",
    "queue",
    "buffer",
    "socket",
    "token",
    "auth",
    "session",
    "template",
    "config",
    "loader",
    "compiler",
    "runtime",
    "schema",
    "codec",
]
SENTENCES = (
    "A flaw was found in {name} before {fixed}, where the {word} does not check the length of what it is given.",
    "An attacker who can send a crafted {word} to the service may cause a heap-based buffer overflow and, with it, a crash.",
    "In {name} a regular expression in the {word} takes time that grows with the square of the input's length.",
    "The vulnerability exists because the {word} trusts the `Content-Length` header of a request without looking at its body.",
    "Users who cannot upgrade may set `{word}.strict = true`, which refuses such input at the cost of compatibility.",
    "This affects configurations only where the {word} is reachable from the network & <untrusted> users may log in.",
    "The issue was mended by checking bounds in the {word} and by a limit on nested elements.",
)
INSTRUCTIONS = (
    "/bin/sh -c #(nop) ADD file:d48cac34fac385cbc1de6adfdd88300f76f9bbe346cd17e64fd834d042a98326 in / ",
    "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends ca-certificates curl git && rm -rf /var/lib/apt/lists/* # buildkit",
    "COPY package.json package-lock.json ./ # buildkit",
    "RUN /bin/sh -c npm ci --omit=dev # buildkit",
    "RUN /bin/sh -c pip install --no-cache-dir -r requirements.txt # buildkit",
    "COPY . . # buildkit",
)
KINDS = (
    ("deb", "debian", "var/lib/dpkg/status", 0.35),
    ("npm", "", "app/node_modules/{name}/package.json", 0.40),
    ("pypi", "", "usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA", 0.15),
    ("golang", "", "usr/local/bin/{name}", 0.10),
)
LEVELS = ((0.04, Severity.CRITICAL), (0.25, Severity.HIGH), (0.65, Severity.MEDIUM), (0.9, Severity.LOW))


def large_report(packages: int = 5_000, findings: int = 2_000, seed: int = 14) -> Report:
    """Make a report of an image with so many packages and findings."""
    random_ = random.Random(seed)
    layers = tuple(_layer(random_, number) for number in range(LAYERS))
    components = tuple(_component(random_, number, layers) for number in range(packages))
    affected = random_.sample(components, max(len(components) // 6, 1))
    found = sorted(
        (_finding(random_, number, random_.choice(affected)) for number in range(findings)),
        key=lambda finding: (list(Severity).index(finding.severity), finding.name, finding.id),
    )
    suppressed = tuple(
        Suppressed("not reachable from our code", _finding(random_, findings + number, affected[0]), by=0)
        for number in range(findings // 40)
    )
    counts = {str(level): sum(f.severity == level for f in found) for level in Severity}
    ecosystems = tuple(
        EcosystemCoverage(
            kind, n := sum(c.ecosystem == kind for c in components), {"matched": n}, (kind,), 6.0
        )
        for kind, *_ in sorted(KINDS)
    )
    return Report(
        tool=Tool("hullmark", __version__, {"dpkg": 1, "node_installed": 1}),
        as_of="2026-06-01T12:00:00Z",
        database=ReportDatabase(
            tuple(
                DatabasePart(
                    part, part.partition("-")[0], f"{seed:08x}.1", "2026-06-01T06:00:00Z", "", 5_000, 6.0
                )
                for part in ("debian-12", "ghsa-npm", "osv-golang", "osv-pypi")
            )
        ),
        image=ReportImage(
            name="registry.example/shop/checkout:2026.6",
            source="registry",
            digest=f"sha256:{seed:064x}",
            platform=Platform("linux", "amd64"),
            distribution=Distribution("debian", "12", pretty_name="Debian GNU/Linux 12 (bookworm)"),
            base=BaseImage("option", "debian:12", "", BASE_LAYERS, compared="digests"),
        ),
        layers=layers,
        incomplete=True,
        errors=tuple(
            Unread("file", "not a zip archive", path=f"app/lib/part{n}.jar", layer=layers[9].digest)
            for n in range(20)
        ),
        coverage=Coverage(ecosystems, scanners=("vuln",), release="matched"),
        summary=Summary(
            packages=packages,
            findings=findings,
            by_severity=counts,
            fixable=sum(f.state == "fixed_available" for f in found),
            from_base=sum(f.from_base is True for f in found),
            from_own_layers=sum(f.from_base is False for f in found),
        ),
        packages=components,
        findings=tuple(found),
        suppressed=suppressed,
        suppressions=(
            Suppression(
                source=".hullmark-ignore.yaml",
                line=1,
                ids=tuple(each.finding.id for each in suppressed[:20]),
                reason="not reachable from our code",
                state="used",
                findings=len(suppressed),
            ),
        ),
    )


def _layer(random_: random.Random, number: int) -> Layer:
    made = random_.choice(INSTRUCTIONS[2:]) if number > 1 else INSTRUCTIONS[number]
    size = int(10 ** random_.uniform(3, 8.3)) if number else 48_000_000
    return Layer(
        index=number,
        digest=f"sha256:{random_.getrandbits(256):064x}",
        size_bytes=size // 3,
        content_bytes=size,
        created_by=made,
        from_base=number < BASE_LAYERS,
    )


def _component(random_: random.Random, number: int, layers: tuple[Layer, ...]) -> Component:
    ecosystem, namespace, path, _ = random_.choices(KINDS, [share for *_, share in KINDS])[0]
    name = f"{random_.choice(WORDS)}-{random_.choice(WORDS)}-{number}"
    version = f"{random_.randrange(9)}.{random_.randrange(30)}.{random_.randrange(20)}"
    system = ecosystem == "deb"
    layer = layers[random_.randrange(2) if system else random_.randrange(BASE_LAYERS, LAYERS)]
    place = Location(
        path.format(name=name, version=version),
        layer.index,
        "",
        layer.digest,
        layer.created_by,
        layer.from_base,
        "dpkg" if system else f"{ecosystem}_installed",
    )
    return Component(
        id=f"p{number}",
        purl=f"pkg:{ecosystem}/{f'{namespace}/' if namespace else ''}{name}@{version}",
        ecosystem=ecosystem,
        name=name,
        version=version,
        source=name.rpartition("-")[0] if system else "",
        licences=(random_.choice(("MIT", "Apache-2.0", "GPL-2.0-or-later", "BSD-3-Clause")),),
        via=()
        if system or random_.random() < 0.3
        else tuple(f"{w}@1.{number % 9}.0" for w in random_.sample(WORDS, 2)),
        locations=(place,),
        from_base=layer.from_base,
        feeds=(ecosystem,),
    )


def _finding(random_: random.Random, number: int, component: Component) -> Finding:
    drawn = random_.random()
    level = next(
        (each for bound, each in LEVELS if drawn < bound),
        random_.choice((Severity.NEGLIGIBLE, Severity.UNKNOWN)),
    )
    id_ = f"CVE-{random_.randrange(2016, 2027)}-{10_000 + number}"
    head = component.version.rpartition(".")[0]
    fixed = f"{head}.{random_.randrange(21, 40)}" if random_.random() < 0.7 else ""
    words = {"name": component.name, "fixed": fixed or "any version", "word": random_.choice(WORDS)}
    sentences = [
        sentence.format(**words) for sentence in random_.choices(SENTENCES, k=random_.randrange(2, 9))
    ]
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    system = component.ecosystem == "deb"
    return Finding(
        id=id_,
        component=component.id,
        purl=component.purl,
        name=component.name,
        version=component.version,
        severity=level,
        severity_source="debian" if system else "ghsa",
        state="fixed_available" if fixed else random_.choice(("affected", "will_not_fix")),
        fixed_version=fixed,
        aliases=(f"GHSA-{random_.getrandbits(60):x}"[:19],),
        title=f"{component.name}: unchecked {words['word']} leads to {random_.choice(('a crash', 'a leak', 'code execution'))}",
        details="\n\n".join((" ".join(sentences[:3]), " ".join(sentences[3:]))),
        scores=(Score("nvd", "cvss3", level, vector, 9.8), Score("redhat", "level", level)),
        cwes=("CWE-787",),
        published="2025-03-01T10:15:00Z",
        modified="2026-01-20T08:00:00Z",
        bundles=(Bundle(f"DSA-{5000 + number}-1", fixed, f"https://www.debian.org/security/dsa-{5000 + number}"),) if system and fixed else (),
        epss=Epss(id_, round(random_.random() ** 8, 5), round(random_.random(), 5), "2026-06-01"),
        kev=KnownExploited(id_, "2025-04-01", "2025-04-22") if random_.random() < 0.01 else None,
        references=tuple(
            Reference(f"https://{random_.choice(WORDS)}.example/advisories/{number}/{n}", "WEB")
            for n in range(random_.randrange(2, 7))
        ),
        evidence=(
            Evidence(
                feed="debian" if system else "ghsa",
                part="debian-12" if system else f"ghsa-{component.ecosystem}",
                revision="0000000e.1",
                record=id_,
                range=f"< {fixed}" if fixed else "*",
                scheme="semver" if component.ecosystem == "npm" else component.ecosystem,
                compared=component.version,
            ),
        ),
        locations=component.locations,
        from_base=component.from_base,
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.buffer.write(render("json", large_report(*map(int, sys.argv[1:3]))))
