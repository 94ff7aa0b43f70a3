"""Writes coverage.md, feeds.md, mirror.md and limits.md from what the code and its fixtures say: `python docs/reference/_tables.py`."""

import importlib
import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hullmark.advisories.feed import Feed, Source, documents, part_of
from hullmark.advisories.matcher import cover
from hullmark.advisories.registry import feeds, schemes
from hullmark.detectors import packages
from hullmark.detectors.detector import Detector, Limits
from hullmark.detectors.registry import detectors
from hullmark.images.limits import ReadLimits
from hullmark.model.advisory import Advisory, Withdrawn
from hullmark.model.facts import SYSTEM, Distribution, Unread
from hullmark.model.target import Target

HERE = Path(__file__).parent
FIXTURES = HERE.parents[1] / "tests" / "golden"
ORIGINS = ("installed", "binary", "locked", "declared")
_SHOWN = 8
_FEW = 2
_RELEASE = re.compile(r"-\d[\w.]*\Z")


class Learned(NamedTuple):
    """What a detector's fixtures show that it gives."""

    ecosystems: tuple[str, ...]
    origins: tuple[str, ...]
    extras: tuple[str, ...]


def learned(detector: Detector) -> Learned:
    """Read the fixtures of one detector."""
    ecosystems: set[str] = set()
    origins: set[str] = set()
    extras: set[str] = set()
    for path in (FIXTURES / "detectors" / detector.name).glob("*/facts.json"):
        for _file, facts in msgspec.json.decode(
            path.read_bytes(), type=list[tuple[str, list[dict[str, Any]]]]
        ):
            for fact in facts:
                if fact["type"] == "package":
                    ecosystems.add(fact["ecosystem"])
                    origins.add(fact.get("origin", "installed"))
                    extras.update(word for word in ("dev", "via") if fact.get(word))
                elif fact["type"] != "unread":
                    extras.add(fact["type"])
    return Learned(
        tuple(sorted(ecosystems)), tuple(o for o in ORIGINS if o in origins), tuple(sorted(extras))
    )


WORDS = {
    "content_set": "repositories",
    "account": "users",
    "dev": "development dependencies",
    "distribution": "the distribution",
    "licence": "licences from files apart",
    "owned": "owned paths",
    "via": "the path from the direct dependency",
}


def files_of(detector: Detector) -> str:
    """Say which files a detector reads."""
    wants = [f"`{pattern}`" for pattern in detector.wants]
    shown = ", ".join(wants[:_SHOWN]) + (
        f" and {len(wants) - _SHOWN} more names" if len(wants) > _SHOWN else ""
    )
    if detector.binaries:
        shown += (", " if shown else "") + "executables"
    return shown


def feeds_of(ecosystem: str) -> str:
    """Name the feeds that speak for an ecosystem."""
    if ecosystem in SYSTEM:
        return "by distribution"
    return ", ".join(feed.name for feed in feeds() if feed.parts(Target(ecosystem)) is not None) or "none"


def programs() -> list[str]:
    """Name the programs that are known by their own words."""
    module = importlib.import_module(f"{packages.__name__}.known_binaries")
    rows = [line.partition(" | ")[0] for line in str(vars(module)["_TABLE"]).splitlines() if " | " in line]
    return sorted({row.strip().rstrip("~+=") for row in rows})


DISTRIBUTIONS = (
    Distribution(id="debian", version_id="12"),
    Distribution(id="debian", pretty_name="Debian GNU/Linux trixie/sid"),
    Distribution(id="ubuntu", version_id="24.04"),
    Distribution(id="alpine", version_id="3.20.3"),
    Distribution(id="alpine", version_id="3.21.0_alpha20240923"),
    Distribution(id="wolfi", version_id="20230201"),
    Distribution(id="chainguard", version_id="20230214"),
    Distribution(id="rhel", version_id="9.4"),
    Distribution(id="centos", version_id="7"),
    Distribution(id="almalinux", version_id="9.4"),
    Distribution(id="rocky", version_id="9.4"),
    Distribution(id="ol", version_id="8.9"),
    Distribution(id="fedora", version_id="40"),
    Distribution(id="epel", version_id="9.4"),
    Distribution(id="epel", version_id="10.1"),
    Distribution(id="amzn", version_id="2"),
    Distribution(id="amzn", version_id="2023"),
    Distribution(id="sles", version_id="15.5"),
    Distribution(id="sles", version_id="12.5"),
    Distribution(id="opensuse-leap", version_id="15.5"),
    Distribution(id="opensuse-tumbleweed", version_id="20240901"),
    Distribution(id="sle-micro", version_id="5.5"),
    Distribution(id="sl-micro", version_id="6.0"),
    Distribution(id="opensuse-leap-micro", version_id="5.5"),
    Distribution(id="photon", version_id="4.0"),
    Distribution(id="mariner", version_id="2.0"),
    Distribution(id="azurelinux", version_id="3.0"),
    Distribution(id="arch"),
    Distribution(id="openEuler", version_id="24.03", pretty_name="openEuler 24.03 (LTS-SP1)"),
    Distribution(id="mageia", version_id="9"),
    Distribution(id="alpaquita", version_id="stream", id_like=("alpine",)),
    Distribution(id="bellsoft-hardened-containers", version_id="stream", id_like=("alpine",)),
    Distribution(id="minimos", version_id="20241031"),
    Distribution(id="clnstrt"),
    Distribution(id="echo"),
    Distribution(id="pop", version_id="22.04", id_like=("ubuntu", "debian"), codename="jammy"),
    Distribution(
        id="linuxmint",
        version_id="21.3",
        id_like=("ubuntu", "debian"),
        codename="virginia",
        base_codename="jammy",
    ),
    Distribution(id="eurolinux", version_id="9.4", id_like=("rhel", "fedora", "centos")),
    Distribution(id="gentoo"),
)
"""One of each that a feed speaks for, and some that are taken for another."""

ECOSYSTEM_OF = {"alpine": "apk", "wolfi": "apk", "chainguard": "apk", "arch": "alpm"}
ECOSYSTEM_OF |= dict.fromkeys(("alpaquita", "bellsoft-hardened-containers", "clnstrt", "minimos"), "apk")
ECOSYSTEM_OF |= dict.fromkeys(("debian", "ubuntu", "pop", "linuxmint", "echo"), "deb")

COVERAGE = """# What is read, and who speaks for it

Made from the code and its fixtures by `python docs/reference/_tables.py`.

A detector reads files and says which packages they prove. *Proof* is how: `installed` (the files are there), `binary`
(build information or version strings in a program), `locked` (only a lock file says so), `declared` (only a manifest
says so). Where several files prove one package, the strongest proof describes it. `**/` is any folder, `*` stays
within one part of a path; *executables* are ELF files with an execute bit.

A package whose ecosystem has no feed is listed and is `no_feed`: it was not checked, and the report says so.
"""


def coverage() -> str:
    """Give the page on detectors, ecosystems, distributions and version orders."""
    lines = [COVERAGE, "## Detectors", ""]
    lines += [
        "| detector | what | reads | ecosystem | proof | also says |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for detector in detectors():
        module = importlib.import_module(detector.read.__module__)
        what = " ".join((module.__doc__ or "").partition("\n\n")[0].split()).rstrip(".")
        known = learned(detector)
        cells = (
            f"`{detector.name}`",
            what.replace("|", "\\|"),
            files_of(detector),
            ", ".join(known.ecosystems),
            ", ".join(known.origins),
            ", ".join(WORDS[word] for word in known.extras),
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"`known_binaries` knows {len(programs())} programs: {', '.join(programs())}."]
    lines += ["", "## Ecosystems", "", "| ecosystem | version order | feeds |", "| --- | --- | --- |"]
    found = {ecosystem for detector in detectors() for ecosystem in learned(detector).ecosystems}
    for ecosystem in sorted(found | set(schemes())):
        scheme = schemes().get(ecosystem)
        lines.append(f"| {ecosystem} | {scheme.name if scheme else 'none'} | {feeds_of(ecosystem)} |")
    lines += ["", "An ecosystem of this table that no detector gives comes with an SBOM."]
    lines += ["", "## Distributions", ""]
    lines += [
        "| `ID` | `VERSION_ID` | `ID_LIKE` | feeds | parts | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for distribution in DISTRIBUTIONS:
        given = cover(ECOSYSTEM_OF.get(distribution.id, "rpm"), distribution)
        said = "taken for another: `image.derived_from` says so" if given.derived_from else ""
        said = said or ("" if given.parts else f"`{given.coverage}`")
        if distribution.id == "epel":
            said = "packages that the Fedora Project made for RHEL and its like of that version"
        cells = (
            distribution.id,
            distribution.version_id,
            " ".join(distribution.id_like),
            ", ".join(given.feeds),
            ", ".join(f"`{part}`" for part in given.parts),
            said,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def parts_of(feed: Feed) -> str:
    """Name the parts that a feed's fixtures make and that distributions ask it for; `*` is a release or an ecosystem."""
    found: set[str] = set()
    for case in (FIXTURES / "feeds" / feed.name).iterdir():
        for record in feed.parse(documents(case, feed.files)):
            if isinstance(record, Advisory):
                found |= {part_of(feed, affected) for affected in record.affected}
            elif not isinstance(record, Unread | Withdrawn):
                found.add(feed.name)
    for distribution in DISTRIBUTIONS:
        target = Target(ECOSYSTEM_OF.get(distribution.id, "rpm"), distribution)
        found |= {*(feed.parts(target) or ())}
    ecosystems = {f"{feed.name}-{ecosystem}" for ecosystem in schemes()} & found
    if len(ecosystems) > _FEW:
        found = found - ecosystems | {f"{feed.name}-*"}
    return ", ".join(f"`{name}`" for name in sorted({_RELEASE.sub("-*", name) for name in found}))


MIRROR = """# The layout of a mirror

Made from the code by `python docs/reference/_tables.py`.

`hullmark db build --from DIR` reads the publishers' own files from a folder. Each feed names its files below that
folder; files that no feed names are passed over. A file is plain, or ends in `.gz`, `.bz2`, `.xz`, `.zst`, `.zip` or a
`.tar` of these where a pattern of its feed says so. Each member of an archive is a document of its own. `**/` is any folder, `*` stays
within one part of a path. A static web server over the same folder is a mirror.

A feed's records go to *parts*, one SQLite file each: `*` stands for a release (`debian-12`, `alpine-3.20`) or an
ecosystem (`osv-pypi`). The texts of advisories are in a file that parts which are made together share. EPSS, KEV, the end-of-life dates and what catalogues say of a CVE are parts of their own, joined
when a report is made. A feed that fails keeps its last good content, and the others are built all the same. A feed
whose files are not there is passed over without a word, and its parts stay as they were. A part carries the time of
its feed's newest file, so copy files with their times (`cp -p`, `rsync -t`), or say the time with `--as-of`.

    feeds/
      alpine-secdb/v3.20/main.json
      debian/tracker.json.gz
      debian/DSA-list
      osv/PyPI/all.zip
      kev/known_exploited_vulnerabilities.json

`hullmark db update`, and a scan that lacks advisories, fetch a *group* of files at a time, from the addresses below, or
from a mirror (`--db-mirror ADDRESS`, `HULLMARK_DB_MIRROR`, `mirror` in `[db]`), where the first of a feed's file names is
looked for, plain or with `.gz`. A mirror need not have all of them: [what then](../howto/keep-advisories-fresh.md#from-a-mirror). The sizes are about what is fetched at first; later only what changed where a
publisher lists its changes (**), else what has another `ETag` or `Last-Modified`. A publisher that offers one huge archive
for all of its parts is fetched so.

"""


def sources_of(feed: Feed) -> tuple[Source, ...]:
    """Give the files of a feed's newest part, which stand for those of its others."""
    group = feed.group(feed.all_parts[-1])
    assert group is not None
    return group.sources[-3:]


def sizes_of(feed: Feed) -> str:
    """Say how many megabytes a group of files has, from the smallest to the largest."""
    groups = [group for part in feed.all_parts if (group := feed.group(part)) is not None]
    sizes = sorted({group.size / 1e6 for group in groups})
    text = "–".join(f"{size:g}" for size in dict.fromkeys((sizes[0], sizes[-1])))
    return text + (" **" if any(group.increments for group in groups) else "")


def mirror() -> str:
    """Give the page on feeds and the layout of a mirror."""
    lines = [
        "| feed | publisher | files | parts | licence | source | MB |",
        "| --- | --- | --- | --- | --- | --- | ---: |",
    ]
    for feed in feeds():
        cells = (
            f"`{feed.name}`",
            f"[{feed.title}]({feed.homepage})",
            ", ".join(f"`{pattern}`" for pattern in feed.files),
            parts_of(feed),
            feed.licence,
            ", ".join(f"`{source.url}`" for source in sources_of(feed)),
            sizes_of(feed),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return MIRROR + "\n".join(lines) + "\n"


FEEDS = """# The feeds

Made from the code by `python docs/reference/_tables.py`.

Who publishes what Hullmark matches against, under which terms, and what it costs to have it. *To fetch* is the size of the
first download in megabytes, for one group of files: an order of magnitude, not measured here, since the publishers' archives grow.
*On disk* is what the parts take: **bold** was measured with as many records of the real feed as stand beside it; what is not bold is
reckoned from these (0.3 to 1.5 KB a record) and from the counts that OSV.dev and the publishers showed in 2026. *Later* says what an update costs: `changes`, where the publisher lists them, just the documents that changed;
`pages` and `whole` everything again, but only if it changed (`ETag`, `Last-Modified`).

Everything together is about 2.5 GB to fetch. Nobody needs everything: a scan
fetches only the parts that its image is made of. The archives of all releases at once that a single release needs whole are
those of Red Hat, Ubuntu, Debian, Oracle and GitHub.

"""

COVERS = {
    "almalinux": ("AlmaLinux 8, 9, 10: errata (ALSA) with modules", "**8** (5,680)"),
    "alpine": ("Alpine 3.3 and later, edge: main and community", "**0.4** (2,700)"),
    "amazon": (
        "Amazon Linux 1, 2, 2023: bulletins (ALAS) of the core repository, of the extras of 2 and of the livepatches",
        "5",
    ),
    "arch": ("Arch Linux: groups of flaws (AVG)", "2"),
    "azurelinux": ("CBL-Mariner 1 and 2, Azure Linux 3", "5"),
    "bellsoft": ("Alpaquita Linux, BellSoft Hardened Containers", "10"),
    "chainguard": ("Chainguard OS", "10"),
    "cleanstart": ("CleanStart", "3"),
    "cvelist": ("every CVE: the CNA's own scores and packages, CISA's ADP container", "250"),
    "debian": ("Debian, all releases: urgency, no-dsa, DSA and DLA", "60"),
    "echo": ("Echo's rebuilds of Debian packages", "3"),
    "eol": ("ends of support of distributions and runtimes", "1"),
    "epss": ("probability of exploitation of every CVE, daily", "15"),
    "fedora": ("Fedora and EPEL: security updates of Bodhi", "5"),
    "friendsofphp": ("Packagist", "**0.5** (1,592)"),
    "ghsa": (
        "npm, PyPI, Maven, Go, NuGet, RubyGems, crates.io, Packagist, Hex, Pub, Swift, malware included",
        "90",
    ),
    "kev": ("flaws that are known to be exploited", "**0.2** (1,404)"),
    "mageia": ("Mageia: security advisories (MGASA)", "5"),
    "minimos": ("MinimOS", "60"),
    "nvd": ("every CVE: scores, weaknesses, and CPE ranges for bare binaries", "300"),
    "openeuler": ("openEuler, each service pack: advisories (OESA)", "8"),
    "oracle": ("Oracle Linux 5 and later: errata (ELSA) with modules", "40"),
    "osv": (
        "the libraries of 17 ecosystems, malicious packages (`MAL-`) included",
        "PyPI **5.7** (6,800), Go **1.8** (4,274), npm 80",
    ),
    "photon": ("Photon OS 3, 4, 5", "5"),
    "redhat": (
        "RHEL 5 and later, UBI, CentOS: VEX and RHSA, modules, extended streams, layered products",
        "100",
    ),
    "repositories": ("which product each of Red Hat's repositories belongs to", "2"),
    "rocky": ("Rocky Linux 8, 9, 10: errata (RLSA) with modules", "8"),
    "rubysec": ("RubyGems, Ruby's interpreters", "**1** (1,379)"),
    "rustsec": ("crates.io", "**0.4** (555)"),
    "suse": (
        "SLE 12, 15, 16 and BCI, SLE Micro, openSUSE Leap and Tumbleweed: fixed, unfixed, not affected",
        "20",
    ),
    "ubuntu": ("Ubuntu, all releases: USN, priorities, VEX, Ubuntu Pro (ESM)", "150"),
    "wolfi": ("Wolfi", "5"),
}
"""What each feed covers, and megabytes on disk."""

TERMS = """
## Terms

Hullmark ships no publisher's data: each machine, or whoever publishes a database for others, fetches it under the
publisher's terms. The database keeps with each part which feed it is of, and a finding names its records, so that sources
stay attributed.

- **Wolfi**: its security policy lets anyone use `security.json` for any purpose, free of charge, who names the Wolfi project.
  **Chainguard** names no licence for its own. Both files are to end with 2026. The OSV feed that follows them, and that OSV.dev
  passes on, Chainguard puts [under CC-BY-NC-ND-4.0](https://github.com/chainguard-dev/vulnerability-scanner-support/blob/main/docs/foundational_concepts.md),
  with exceptions that it names there, and offers
  [a licence for commercial scanners](https://www.chainguard.dev/legal/chainguard-license-for-commercial-scanners). A database is
  made of such data, not a copy of it, and NoDerivatives keeps that from being passed on. So each machine fetches these parts from their publisher for its own
  scans; `db push` leaves `wolfi` and `chainguard` out (and `minimos`, whose feed others report to be under the same licence), whichever of the two they are made of, unless `--with-reserved` (or `--part`) says that nobody outside your
  organisation reads what is published; nor should a file of `db export` that has them be passed on. Before you sell what uses them, read the terms.
- **NVD**: this product uses data from the NVD API but is not endorsed or certified by the NVD. A key is bound to whoever
  asked for it, so none comes with Hullmark.
- **CC-BY-4.0** (GitHub, Go, PyPA, Red Hat, SUSE): name the source when you publish a database. **CC-BY-SA-4.0** (Ubuntu, Fedora,
  Mageia): a published database that has these parts passes the same terms on for them.
- **EPSS**: free of charge, FIRST wants to be named.
- "Terms of the site" means that the publisher states none for the data, as "none named" does; ask before you republish it.

## What of OSV.dev is not read

- **Docker Hardened Images**: its records speak of the packages that Docker built, and an image's `os-release` does not say which these are: packages
  that were added are Alpine's or Debian's. Docker tells them by a signed SBOM beside each image, and the form of its records is
  [still to change](https://github.com/docker-hardened-images/advisories/tree/main/integration). Such an image is taken for the
  distribution that it is made from.
- **Root** and **TuxCare** put builds of their own into other distributions' images and libraries' registries; no image calls itself by their name.
- **Alpine, Debian, Ubuntu, Red Hat, SUSE, openSUSE, Azure Linux**: their own feeds say more.
- **Android, GHC, GIT, GitHub Actions, Linux, OSS-Fuzz, VSCode**: no package of an image is known by such a name.
"""


def later_of(feed: Feed) -> str:
    """Say what an update of a feed costs."""
    group = feed.group(feed.all_parts[-1])
    assert group is not None
    if group.increments:
        return "changes"
    return "pages" if any(source.pages for source in group.sources) else "whole"


def catalogue() -> str:
    """Give the page on the feeds."""
    lines = [
        "| feed | publisher | address | licence | covers | to fetch, MB | on disk, MB | later |",
        "| --- | --- | --- | --- | --- | ---: | ---: | --- |",
    ]
    for feed in feeds():
        covers, disk = COVERS[feed.name]
        address = sources_of(feed)[0].url
        cells = (
            f"`{feed.name}`",
            f"[{feed.title}]({feed.homepage})",
            f"`{address}`",
            feed.licence,
            covers,
            sizes_of(feed).removesuffix(" **"),
            disk,
            later_of(feed),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return FEEDS + "\n".join(lines) + "\n" + TERMS


BOUNDS = {
    "layer_free_bytes": "bytes of a layer that are always inflated. Beyond, `layer_ratio` counts",
    "image_free_bytes": "the same for all layers of an image together. Beyond, a layer is read as far as `layer_ratio` goes",
    "layer_ratio": "a layer may inflate to this many times its stored size. What follows is not read: an Unread `layer`",
    "layer_entries": "tar entries of a layer. What follows is not read: an Unread `layer`",
    "image_entries": "the same for the image, with extended headers and extents of sparse files; a layer always has one for each 16 bytes that are stored",
    "image_lines": "lines of all text files together (or 16 bytes, or items of lists); a layer always has one for each 4 "
    "bytes that are stored. What follows in the layer is not read: an Unread `layer`",
    "file_cpu_s": "seconds of processor time for one file, and one more for each 16 MiB of it. What was learned of it till then "
    "stays; it is an Unread `file` or `package_database`, and the layer is not remembered",
    "image_cpu_s": "the same for reading all layers. Beyond, a layer may take `layer_cpu_ms`. What follows in it is not read: an Unread `layer`",
    "layer_cpu_ms": "milliseconds of processor time that a layer always has for each MiB that is stored",
    "layer_facts": "files with something in them, and facts learned of them. Other files are left out and counted: an Unread `layer`. Package databases and what names the distribution have a tenth more",
    "image_facts": "the same for the image, counted from the lowest layer up. A layer with more than is left is left out whole: an Unread `layer`",
    "layer_fact_bytes": "bytes of a layer's facts as they are remembered. Beyond, as for `layer_facts`",
    "image_fact_bytes": "the same for the image, counted from the lowest layer up. A layer with more than is left is left out whole: an Unread `layer`",
    "layer_shape_bytes": "bytes of a layer's links and whiteouts, 100 more for each. What follows is not read: an Unread `layer`. As many again for folders without an entry, 50 more for each: what follows is an Unread `record`",
    "image_shape_bytes": "the same for the image, counted from the lowest layer up. A layer with more than is left is left out whole: an Unread `layer`",
    "layers": "layers of an image. One with more is refused",
    "path_bytes": "length of a path. An entry with a longer one is passed over: an Unread `record`",
    "header_bytes": "an extended tar header. A larger one is stepped over: an Unread `record`",
    "document_bytes": "a manifest, index or configuration. A larger manifest or index is refused, a larger configuration is an "
    "Unread `file`",
    "manifest_depth": "indexes within indexes. Deeper ones are refused",
    "manifests": "entries of an index. One with more is refused",
    "archive_documents_bytes": "documents kept of an archive that is read once. Others count as missing",
    "archive_entries": "entries of an image archive. One with more is refused, or read so far when its manifest came before",
    "unread_records": "entries of a layer that are named one by one when they cannot be used. The rest is counted",
    "body_budget_bytes": "memory for file bodies held at one time, by all threads and processes together. Others wait; a file "
    "that is larger is an Unread `file` or `package_database`, or only searched; jars are read as they pass",
    "max_records": "records that one file may give. The rest is an Unread `file` or `package_database`",
    "max_lines": "lines of one text file. One with more is an Unread `file` or `package_database`",
    "max_depth": "nesting of a document. A deeper one is an Unread `file`",
    "max_nested_archives": "archives within archives. A deeper one is an Unread `record`",
    "max_archive_entries": "entries of an archive and of those in it. The rest is an Unread `record`",
    "max_expanded_bytes": "bytes that one archive may expand to. What follows is an Unread `record`",
    "max_ratio": "an archive's entry may expand to this many times its stored size. Another is an Unread `record`",
}


def limits() -> str:
    """Give the page on limits."""
    lines = [
        "# Limits",
        "",
        "Made from the code by `python docs/reference/_tables.py`.",
        "",
        "All input is hostile. Every bound is a setting of `hullmark scan` (`--limit NAME=NUMBER`); the defaults fit real",
        "images. What lies beyond a bound is Unread: named in the report's `errors` with kind, path and reason, and the",
        "report is marked incomplete. The rest of the image is always reported. Limits are part of the key under which",
        "facts are remembered: a scan with other limits reads the layers again.",
        "",
        "What is left out for a bound of the whole image depends on its other layers and is never remembered. An image that",
        "is refused ends in one line on standard error and exit code 3. With the defaults a scan stays within 512 MiB of",
        "memory whatever is in the image, and its time is linear in what is stored, since beyond all that is counted processor",
        "time is bounded as well ([ADR 20](../adr/0020-processor-time-is-bounded.md)); `--timeout` bounds the time on the clock.",
        "Nearly two hundred hostile images (`tests/hostile`) hold it to that.",
        "",
        "| limit | default | what it bounds, and what happens beyond |",
        "| --- | --- | --- |",
    ]
    for bounds in (ReadLimits(), Limits()):
        for name, value in msgspec.structs.asdict(bounds).items():
            shown = f"{value // 2**20} MiB" if value % 2**20 == 0 else f"{value:,}"
            lines.append(f"| `{name}` | {shown} | {BOUNDS[name]} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "reference/coverage.md": coverage,
    "reference/feeds.md": catalogue,
    "reference/mirror.md": mirror,
    "explain/limits.md": limits,
}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (HERE.parent / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
