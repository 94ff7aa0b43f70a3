"""What single odd texts of the feeds mean, beyond what the fixtures show."""

import io
import json
from collections.abc import Iterator

import pytest

from conftest import GOLDEN
from hullmark.advisories._formats import csaf, oval, secdb
from hullmark.advisories.feed import Document, Record
from hullmark.advisories.registry import feeds, schemes
from hullmark.model.advisory import Advisory, Affected, CveRecord, EndOfLife, Range, Ssvc
from hullmark.model.errors import FeedError
from hullmark.model.facts import Unread

FEEDS = {feed.name: feed for feed in feeds()}


def read(feed: str, path: str, body: bytes) -> list[Record]:
    def documents() -> Iterator[Document]:
        yield Document(path, lambda: io.BytesIO(body))

    return list(FEEDS[feed].parse(documents()))


def holds(span: Range, version: str) -> bool:
    key = schemes()["rpm"].key
    return (not span.introduced or key(version) >= key(span.introduced)) and key(version) < key(span.fixed)


@pytest.mark.parametrize(
    ("line", "flaws", "others"),
    [
        ("CVE-2018-14468 (FrameRelay)", ["CVE-2018-14468"], []),
        ("CVE-2019-19451.patch", ["CVE-2019-19451"], []),
        ("CVE_2019-2426", ["CVE-2019-2426"], []),
        ("CVE 2018-16859", ["CVE-2018-16859"], []),
        ("CVE-2017-17434-1", ["CVE-2017-17434"], []),
        ("CVE-2018-3639   XSA-263", ["CVE-2018-3639"], ["XSA-263"]),
        ("CVE-????-?????  XSA-295", [], ["XSA-295"]),
        ("CVE-2016-10134 ZBX-11023", ["CVE-2016-10134"], ["ZBX-11023"]),
        ("CVE-2020-0001 CVE-2020-0002", ["CVE-2020-0001", "CVE-2020-0002"], []),
        ("wnpa-sec-2017-18", [], ["wnpa-sec-2017-18"]),
        ("GHSA-jq35-85cj-fj4p", [], ["GHSA-jq35-85cj-fj4p"]),
        ("nothing (CVE-2020-1234)", [], []),
    ],
)
def test_ids_among_the_words_of_a_secdb_comment(line: str, flaws: list[str], others: list[str]) -> None:
    assert secdb.ids(line) == (flaws, others)


def test_no_alias_joins_two_cves() -> None:
    body = b"""{"distroversion": "v3.20", "packages": [{"pkg": {"name": "p", "secfixes":
        {"1-r0": ["CVE-2020-0001 TALOS-1", "CVE-2020-0002 TALOS-1", "CVE-2020-0003 XSA-1"]}}}]}"""
    records = read("alpine", "alpine-secdb/v3.20/main.json", body)
    assert [record.aliases for record in records if isinstance(record, Advisory)] == [(), (), ()]


def test_the_purl_of_an_rpm() -> None:
    purl = "pkg:rpm/redhat/ruby@3.1.4-142.module%2Bel8.9.0%2B21471?arch=i686&epoch=1&rpmmod=ruby:3.1:809:a7"
    assert csaf.rpm(purl) == csaf.Rpm("ruby", "1:3.1.4-142.module+el8.9.0+21471", "i686", "ruby:3.1")
    assert csaf.rpm("pkg:oci/image?repository_url=x") is None
    assert csaf.rpm("pkg:rpm/redhat/go-toolset@rhel8?arch=src&rpmmod=go-toolset:rhel8") == csaf.Rpm(
        "go-toolset", "", "src", "go-toolset:rhel8"
    )
    with pytest.raises(ValueError, match="not name:stream"):
        csaf.rpm("pkg:rpm/redhat/firefox@1-1?rpmmod=rhel10")


@pytest.mark.parametrize(
    ("build", "affected"),
    [
        ("7.76.1-23.el9", True),
        ("7.76.1-23.el9_2.3", True),
        ("7.76.1-23.el9_2.4", False),  # fixed in 9.2, though older than 9.3's fix
        ("7.76.1-23.el9_2.9", False),
        ("7.76.1-26.el9", True),  # 9.3 as released, newer than 9.2's fix, without the fix
        ("7.76.1-26.el9_3.2", False),
        ("7.76.1-29.el9_4", False),
        ("7.76.1-14.el9_0.8", True),
        ("7.76.1-14.el9_0.9", False),  # the fix of the extended stream of 9.0
        ("7.76.1-19.el9_1.2", True),
    ],
)
def test_each_minor_release_of_rhel_has_its_own_fix(build: str, *, affected: bool) -> None:
    body = (GOLDEN / "feeds/redhat/vex/redhat/cve-2023-38545.json").read_bytes()
    (record,) = read("redhat", "redhat/cve-2023-38545.json", body)
    assert isinstance(record, Advisory)
    states = {
        entry.state
        for entry in record.affected
        if (entry.name, entry.release, entry.cpes) == ("curl", "rhel-9", ())
        if any(holds(span, build) for span in entry.ranges)
    }
    assert (states == {"affected"}) is affected
    assert not states or affected or "not_affected" in states


@pytest.mark.parametrize(
    ("cpe", "build", "place"),
    [
        ("cpe:/o:redhat:enterprise_linux:10.1", "1-2.el10_1", ("rhel-10", ())),
        ("cpe:/o:redhat:enterprise_linux:10", "", ("rhel-10", ())),
        ("cpe:/a:redhat:enterprise_linux:8.10::appstream", "1-2.el8_10", ("rhel-8", ())),
        ("cpe:/o:redhat:enterprise_linux_eus:10.0", "", ("rhel-10", ("cpe:/o:redhat:enterprise_linux_eus:10.0",))),
        ("cpe:/a:redhat:rhel_eus:9.4::appstream", "", ("rhel-9", ("cpe:/a:redhat:rhel_eus:9.4::appstream",))),
        ("cpe:/a:redhat:enterprise_linux_ai:1.5::el9", "", ("rhel-9", ("cpe:/a:redhat:enterprise_linux_ai:1.5::el9",))),
        ("cpe:/a:redhat:enterprise_linux_ai:1", "", ("*", ("cpe:/a:redhat:enterprise_linux_ai:1",))),
        ("cpe:/a:redhat:openshift:4", "", ("*", ("cpe:/a:redhat:openshift:4",))),
        ("cpe:/a:redhat:enterprise_linux", "", None),
        ("cpe:/a:someone:else:4", "", None),
    ],
)  # fmt: skip
def test_the_release_of_a_product_of_red_hats(
    cpe: str, build: str, place: tuple[str, tuple[str, ...]] | None
) -> None:
    version = f"@{build}" if build else ""
    document = {
        "document": {"category": "csaf_vex", "title": "x", "tracking": {"id": "CVE-2026-1"}},
        "product_tree": {
            "branches": [
                {"product": {"product_id": "P", "product_identification_helper": {"cpe": cpe}}},
                {"product": {"product_id": "x", "product_identification_helper": {"purl": f"pkg:rpm/redhat/x{version}"}}},
            ],
            "relationships": [
                {"full_product_name": {"product_id": "P:x"}, "product_reference": "x", "relates_to_product_reference": "P"}
            ],
        },
        "vulnerabilities": [
            {"cve": "CVE-2026-1", "product_status": {"fixed" if build else "known_affected": ["P:x"]}}
        ],
    }  # fmt: skip
    (record,) = read("redhat", "redhat/vex/2026/cve-2026-1.json", json.dumps(document).encode())
    assert isinstance(record, Advisory)
    said = [(entry.release, entry.cpes) for entry in record.affected if entry.state == "affected"]
    if place is not None and place[0] == "*":  # the product names no release: it may be on any
        assert said == [(f"rhel-{number}", place[1]) for number in (7, 8, 9, 10)]
    else:
        assert said == ([] if place is None else [place])


def definition(criteria: oval.Criteria) -> oval.Definition:
    return oval.Definition("d", "patch", {}, [], [], criteria)


def classify(criterion: oval.Criterion) -> oval.Fact:
    kind, _, rest = criterion.comment.partition(" ")
    if kind == "release":
        return oval.Release(rest)
    if kind == "arch":
        return oval.Arch(rest)
    if kind == "build":
        name, version = rest.split()
        return oval.Bound(name, fixed=version)
    return None


def leaf(text: str) -> oval.Criterion:
    return oval.Criterion("", text)


def both(*children: oval.Criteria | oval.Criterion) -> oval.Criteria:
    return oval.Criteria(False, list(children))


def either(*children: oval.Criteria | oval.Criterion) -> oval.Criteria:
    return oval.Criteria(True, list(children))


def resolved(criteria: oval.Criteria) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [
        (entry.release, entry.name, entry.ranges[0].fixed, entry.arches)
        for entry in oval.statements(definition(criteria), classify)
    ]


def test_oval_products_times_packages() -> None:
    tree = both(
        either(leaf("release a"), leaf("release b")), either(leaf("build p 1-1"), leaf("build q 2-1"))
    )
    assert resolved(tree) == [
        ("a", "p", "1-1", ()),
        ("a", "q", "2-1", ()),
        ("b", "p", "1-1", ()),
        ("b", "q", "2-1", ()),
    ]


def test_oval_contradictions_and_foreign_products_state_nothing() -> None:
    assert resolved(both(leaf("release a"), leaf("release b"), leaf("build p 1-1"))) == []
    assert resolved(both(leaf("release "), leaf("build p 1-1"))) == []
    assert resolved(both(leaf("build p 1-1"))) == []


def test_oval_architectures_count_where_the_fix_depends_on_them() -> None:
    same = both(
        leaf("release a"),
        either(
            both(leaf("arch x86_64"), leaf("build p 1-1")),
            both(leaf("arch aarch64"), leaf("build p 1-1")),
        ),
    )
    assert resolved(same) == [("a", "p", "1-1", ())]
    other = both(
        leaf("release a"),
        either(
            both(leaf("arch x86_64"), leaf("build p 1-1")),
            both(leaf("arch aarch64"), leaf("build p 1-2")),
        ),
    )
    assert resolved(other) == [
        ("a", "p", "1-1", ("i386", "i586", "i686", "noarch", "x86_64")),
        ("a", "p", "1-2", ("aarch64",)),
    ]


def test_oval_rebuilds_of_one_fix_count_from_the_first() -> None:
    tree = both(leaf("release a"), either(leaf("build p 110-1.0.1.el8"), leaf("build p 110-1.el8")))
    assert resolved(tree) == [("a", "p", "110-1.el8", ())]


def test_oval_criteria_that_explode_are_refused() -> None:
    part = either(*(leaf(f"build p{number} 1-1") for number in range(100)))
    with pytest.raises(oval.OvalError, match="too many"):
        list(oval.statements(definition(both(leaf("release a"), *[part] * 6)), classify))


@pytest.mark.parametrize(
    ("feed", "path"),
    [
        ("oracle", "oracle/x.xml"),
        ("suse", "suse/x.xml"),
        ("azurelinux", "azurelinux/x.xml"),
        ("amazon", "amazon/2/updateinfo.xml"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a>" * 100_000,
        b'<?xml version="1.0" encoding="none-such"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b"\xff\xfe\x00",
        b"",
    ],
)
def test_hostile_xml_is_unread(feed: str, path: str, body: bytes) -> None:
    (record,) = read(feed, path, body)
    assert isinstance(record, Unread)


def test_an_epoch_that_a_page_leaves_out_does_not_hide_a_flaw() -> None:
    body = b"""<h1 id=''>ALAS2-2020-1</h1> Amazon Linux 2 Security Advisory:</b> ALAS-2020-1
        <div id='new_packages'><pre>x86_64:<br />&nbsp; bind-9.11.4-9.amzn2.x86_64<br /></pre></div>"""
    (record,) = read("amazon", "amazon/AL2/ALAS-2020-1.html", body)
    assert isinstance(record, Advisory)
    (bind,) = record.affected
    assert isinstance(bind, Affected)
    for epoch in ("", "1:", "32:"):
        assert any(holds(span, f"{epoch}9.11.4-8.amzn2") for span in bind.ranges)
        assert not any(holds(span, f"{epoch}9.11.4-9.amzn2") for span in bind.ranges)


@pytest.mark.parametrize(
    ("name", "shown", "release", "introduced"),
    [
        ("ALAS2KERNEL-5.10-2022-005", "ALAS2KERNEL-5.10-2022-005", "amazon-2", "5.10"),
        ("ALASKERNEL-5.10-2022-005", "ALAS2KERNEL-5.10-2022-005", "amazon-2", "5.10"),
        ("ALASKERNEL-5.1-2022-005", "ALAS2KERNEL-5.1-2022-005", "amazon-2", ""),  # whose builds these are not
        ("ALASDOCKER-2021-001", "ALAS2DOCKER-2021-001", "amazon-2", ""),
        ("ALAS2AWS-NITRO-ENCLAVES-CLI-2022-001", "ALAS2AWS-NITRO-ENCLAVES-CLI-2022-001", "amazon-2", ""),
        ("ALAS2023LIVEPATCH-2023-001", "ALAS2023LIVEPATCH-2023-001", "amazon-2023", ""),
        ("ALAS2023-2023-126", "ALAS2023-2023-126", "amazon-2023", ""),
        ("ALAS-2018-939", "ALAS-2018-939", "amazon-1", ""),
    ],
)
def test_the_topic_of_a_bulletin_of_amazons(name: str, shown: str, release: str, introduced: str) -> None:
    body = (
        f"<updates><update><id>{name}</id><severity>low</severity><pkglist><collection><package arch='x86_64'"
        " epoch='0' name='kernel' version='5.10.62' release='55.amzn2'/></collection></pkglist></update></updates>"
    )
    (record,) = read("amazon", "amazon/2-updateinfo.xml", body.encode())
    assert isinstance(record, Advisory)
    (statement,) = record.affected
    assert (record.id, statement.release) == (shown, release)
    assert statement.ranges == (Range(introduced, "5.10.62-55.amzn2"),)


def test_minor_releases_of_a_product_with_a_fix_are_heard_alone() -> None:
    def product(name: str, cpe: str) -> dict[str, object]:
        return {"product": {"product_id": name, "product_identification_helper": {"cpe": cpe}}}

    def build(name: str, purl: str) -> dict[str, object]:
        return {"product": {"product_id": name, "product_identification_helper": {"purl": purl}}}

    def of(place: str, package: str) -> dict[str, object]:
        return {
            "full_product_name": {"product_id": f"{place}:{package}"},
            "product_reference": package,
            "relates_to_product_reference": place,
        }

    document = {
        "document": {"category": "csaf_vex", "title": "x", "tracking": {"id": "CVE-2026-1"}},
        "product_tree": {
            "branches": [
                product("4", "cpe:/a:redhat:openshift:4"),
                product("4.16", "cpe:/a:redhat:openshift:4.16::el9"),
                build("x", "pkg:rpm/redhat/x"),
                build("x-2", "pkg:rpm/redhat/x@2-1.el9?arch=x86_64"),
                build("y", "pkg:rpm/redhat/y"),
            ],
            "relationships": [of("4", "x"), of("4", "y"), of("4.16", "x-2")],
        },
        "vulnerabilities": [
            {"cve": "CVE-2026-1", "product_status": {"known_affected": ["4:x", "4:y"], "fixed": ["4.16:x-2"]}}
        ],
    }
    (record,) = read("redhat", "redhat/vex/2026/cve-2026-1.json", json.dumps(document).encode())
    assert isinstance(record, Advisory)
    nine = {
        (each.name, each.cpes[0], each.ranges[0].fixed)
        for each in record.affected
        if each.release == "rhel-9"
    }
    assert nine == {
        ("x", "cpe:/a:redhat:openshift:4.16::el9", "2-1.el9"),
        ("y", "cpe:/a:redhat:openshift:4", ""),
    }
    assert sum(each.name == "x" and each.release == "rhel-8" for each in record.affected) == 1


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ({"urlprefix": "https://packages.cgr.dev", "reponame": "chainguard"}, "packages.cgr.dev chainguard"),
        ({"urlprefix": "https://packages.wolfi.dev", "reponame": "extras"}, "packages.wolfi.dev extras"),
        ({"urlprefix": "https://packages.wolfi.dev", "reponame": "os", "distroversion": "v3.20"}, "os v3.20"),
        ({"urlprefix": "http://dl-cdn.alpinelinux.org/alpine", "reponame": "main", "distroversion": "v3.9"}, "v3.9"),
        ({"urlprefix": "http://[", "reponame": "os"}, "http://[ os"),
        ({}, "nobody's"),
    ],
)  # fmt: skip
def test_another_distributions_secdb_is_refused_by_name(label: dict[str, str], said: str) -> None:
    package = {"pkg": {"name": "x", "secfixes": {"1-r0": ["CVE-2026-1"]}}}
    body = json.dumps({**label, "packages": [package]}).encode()
    with pytest.raises(FeedError) as caught:
        read("wolfi", "wolfi/security.json", body)
    assert caught.value.where == "wolfi/security.json"
    assert said in caught.value.what
    if "cgr.dev" in said:
        assert len(read("chainguard", "chainguard/security.json", body)) == 1


@pytest.mark.parametrize(
    ("remark", "state"),
    [
        ("end of life", "end_of_life"),
        ("reached end-of-life", "end_of_life"),
        ("out of standard support", "end_of_life"),
        ("end of standard support, was needed", "end_of_life"),
        ("end of ESM support, was deferred", "end_of_life"),
        ("change too intrusive", "will_not_fix"),
        ("vendored in another package that has support", "will_not_fix"),
    ],
)
def test_why_ubuntu_ignores_a_flaw(remark: str, state: str) -> None:
    patch = {"distro": "jammy", "status": "ignored", "package": "curl", "version": remark}
    body = json.dumps({"name": "CVE-2023-1000", "priority": "low", "patches": [patch]}).encode()
    (record,) = read("ubuntu", "ubuntu/tracker/CVE-2023-1000", body)
    assert isinstance(record, Advisory)
    assert [(each.state, each.note) for each in record.affected] == [(state, remark)]


def test_nvd_nodes_that_need_not_stand_together_suffice_each_by_itself() -> None:
    """Only on Windows the one, anywhere the other: the first must not count for Linux, nor take the second with it."""

    def match(name: str, *, vulnerable: bool = True) -> dict[str, object]:
        return {"vulnerable": vulnerable, "criteria": f"cpe:2.3:{name}:*:*:*:*:*:*:*:*"}

    nodes = [
        {
            "operator": "AND",
            "cpeMatch": [match("a:one:one"), match("o:microsoft:windows", vulnerable=False)],
        },
        {"operator": "OR", "cpeMatch": [match("a:two:two")]},
    ]
    cve = {"id": "CVE-2024-1008", "vulnStatus": "Analyzed", "configurations": [{"nodes": nodes}]}
    body = json.dumps({"vulnerabilities": [{"cve": cve}]}).encode()
    (advisory,) = (each for each in read("nvd", "nvd/page.json", body) if isinstance(each, Advisory))
    assert [each.cpes for each in advisory.affected] == [("two:two",)]


def test_cisas_decision_on_a_cve_is_the_newest_in_its_own_container() -> None:
    def container(who: str, *metrics: object) -> dict[str, object]:
        return {"providerMetadata": {"shortName": who}, "metrics": list(metrics)}

    def ssvc(exploitation: object, time: str) -> dict[str, object]:
        options = [{"Exploitation": exploitation}, {"Automatable": "no"}, {"Technical Impact": "partial"}, 1]
        return {"other": {"type": "ssvc", "content": {"options": options, "timestamp": time}}}

    decided = container(
        "CISA-ADP",
        ssvc("poc", "2025-01-02T00:00:00Z"),
        ssvc("active", "2025-03-01T00:00:00Z"),
        ssvc(["none"], "2024-01-01T00:00:00Z"),
        {"other": {"type": "kev", "content": {}}},
        {"other": {"type": "ssvc", "content": "none"}},
    )
    cve = {
        "cveMetadata": {"cveId": "CVE-2025-1000", "state": "PUBLISHED"},
        "containers": {
            "cna": container("acme", ssvc("none", "2026-01-01T00:00:00Z")),
            "adp": [container("CVE"), decided],
        },
    }
    (record,) = read("cvelist", "cvelist/cves/2025/1xxx/CVE-2025-1000.json", json.dumps(cve).encode())
    assert isinstance(record, CveRecord)
    assert record.ssvc == Ssvc("active", "no", "partial", "2025-03-01T00:00:00Z")
    del cve["containers"]["adp"][1]  # type: ignore[index]
    (undecided,) = read("cvelist", "cvelist/cves/2025/1xxx/CVE-2025-1000.json", json.dumps(cve).encode())
    assert isinstance(undecided, CveRecord)
    assert undecided.ssvc is None


def test_azure_linux_has_the_names_that_its_releases_call_themselves_by() -> None:
    releases = [
        {"name": "3.0", "releaseDate": "2024-08-01", "eolFrom": "2027-08-31", "isEol": False},
        {"name": "2.0", "releaseDate": "2022-05-25", "eolFrom": "2025-07-31", "isEol": True},
    ]
    body = json.dumps({"result": [{"name": "azure-linux", "releases": releases}]}).encode()
    assert [
        (each.id, each.date, each.successor)
        for each in read("eol", "eol/products.json", body)
        if isinstance(each, EndOfLife)
    ] == [("azurelinux-3.0", "2027-08-31", ""), ("mariner-2.0", "2025-07-31", "azurelinux-3.0")]


@pytest.mark.parametrize(
    ("product", "package"),
    [
        ({"packageURL": "pkg:pypi/apache-airflow"}, ("pypi", "apache-airflow")),
        ({"packageURL": "pkg:maven/org.apache.camel/camel-core"}, ("maven", "org.apache.camel:camel-core")),
        ({"packageURL": "pkg:npm/%40apache/thing"}, ("npm", "@apache/thing")),
        ({"packageURL": "pkg:golang/github.com/apache/thing"}, ("golang", "github.com/apache/thing")),
        ({"collectionURL": "https://repo.hex.pm", "packageName": "plug"}, ("hex", "plug")),
        (
            {"collectionURL": "https://cpan.org/modules", "packageName": "Crypt-Thing"},
            ("cpan", "Crypt-Thing"),
        ),
        ({"packageURL": "pkg:github/apache/thing"}, None),
        ({"packageURL": "pkg:"}, None),
        ({"collectionURL": "https://example.org", "packageName": "plug"}, None),
    ],
)
def test_how_a_cna_names_a_package(product: dict[str, str], package: tuple[str, str] | None) -> None:
    version = {"version": "1.0", "lessThan": "2.0", "status": "affected", "versionType": "semver"}
    affected = [product | {"defaultStatus": "unaffected", "versions": [version]}]
    cve = {
        "cveMetadata": {"cveId": "CVE-2026-1000", "state": "PUBLISHED"},
        "containers": {"cna": {"affected": affected}},
    }
    records = read("cvelist", "cvelist/cves/2026/1xxx/CVE-2026-1000.json", json.dumps(cve).encode())
    named = [
        (each.ecosystem, each.name, each.ranges)
        for record in records
        if isinstance(record, Advisory)
        for each in record.affected
    ]
    assert named == ([] if package is None else [(*package, (Range("1.0", fixed="2.0"),))])


def of_cve_list(**container: object) -> list[Record]:
    cve = {"cveMetadata": {"cveId": "CVE-2026-1000", "state": "PUBLISHED"}, "containers": {"cna": container}}
    return read("cvelist", "cvelist/cves/2026/1xxx/CVE-2026-1000.json", json.dumps(cve).encode())


def affected_of(records: list[Record]) -> list[Affected]:
    return [each for record in records if isinstance(record, Advisory) for each in record.affected]


def entry(
    version: str, status: str, less_than: str = "", up_to: str = "", **more: object
) -> dict[str, object]:
    ends = {"lessThan": less_than, "lessThanOrEqual": up_to}
    return {"version": version, "status": status, **{k: v for k, v in ends.items() if v}, **more}


UNTIL_FIXED = entry("2.10.0", "unaffected", up_to="*")
CHANGES = [{"at": "3.0", "status": "affected"}, {"at": "2.0", "status": "unaffected"}]


@pytest.mark.parametrize(
    ("default", "versions", "ranges", "exact"),
    [
        # exceptions to 'affected': what is unaffected, and what is unknown
        ("affected", [entry("0", "unaffected", "2.10.0")], [Range("2.10.0")], []),
        ("affected", [UNTIL_FIXED], [Range(fixed="2.10.0")], []),
        ("affected", [entry("2.4", "unaffected")], [Range(fixed="2.4"), Range("2.4.post0.dev0")], []),
        (
            "affected",
            [
                entry("5.4.1", "unaffected", up_to="5.4.*"),
                entry("6.1", "unknown", "*"),
                entry("1.0", "affected"),
            ],
            [Range(fixed="5.4.1"), Range("5.4.99999999.post0.dev0", fixed="6.1")],
            [],
        ),
        (
            "affected",
            [entry("0", "unaffected", "*", changes=[{"at": "1.5", "status": "affected"}])],
            [Range("1.5")],
            [],
        ),
        ("affected", [], [Range()], []),
        ("affected", None, [Range()], []),
        # who lists affected ranges means these
        ("affected", [entry("6.0.1", "affected", "7.4.1")], [Range("6.0.1", fixed="7.4.1")], []),
        (
            "affected",
            [entry("5.2.0", "affected", "5.2.2"), entry("5.2.2", "unaffected", "5.2.*")],
            [Range("5.2.0", fixed="5.2.2")],
            [],
        ),
        ("affected", [entry("5.10", "affected")], [], ["5.10"]),
        # exceptions of which nobody can tell which versions they are
        ("affected", [entry("8c6d5a1", "unaffected", "*", versionType="git")], [], []),
        ("affected", [entry("n/a", "unaffected")], [], []),
        ("affected", [entry("2.4 and later", "unaffected")], [], []),
        # what is said by an entry alone
        ("unaffected", [entry("2.4", "affected"), UNTIL_FIXED], [], ["2.4"]),
        (None, [entry("1.0", "affected", "2.*")], [Range("1.0", last_affected="2.99999999")], []),
        ("unknown", [entry("1.0", "unknown", "2.0")], [], []),
        (
            None,
            [entry("1.0", "affected", "4.0", changes=CHANGES)],
            [Range("1.0", fixed="2.0"), Range("3.0", fixed="4.0")],
            [],
        ),
        (None, [entry(">= 1.0, < 2.3.4", "affected")], [Range("1.0", fixed="2.3.4")], []),
        (None, [entry("1.2 and before", "affected"), entry(">= a < b", "affected")], [], []),
    ],
)
def test_what_the_cve_list_says_of_versions(
    default: str | None, versions: list[dict[str, object]] | None, ranges: list[Range], exact: list[str]
) -> None:
    product = {"packageURL": "pkg:pypi/example", "defaultStatus": default, "versions": versions}
    found = affected_of(of_cve_list(affected=[product]))
    assert [span for each in found for span in each.ranges] == ranges
    assert [text for each in found for text in each.versions] == exact


def test_a_series_of_semantic_versions_has_an_end_that_can_be_ordered() -> None:
    product = {"packageURL": "pkg:npm/example", "versions": [entry("1.0.0", "affected", "2.*")]}
    (said,) = affected_of(of_cve_list(affected=[product]))
    key = schemes()["npm"].key
    assert key("2.40.7") < key(said.ranges[0].last_affected) < key("3.0.0-rc.1")


def test_exceptions_that_cannot_be_ordered_are_told() -> None:
    product = {
        "packageURL": "pkg:npm/example",
        "defaultStatus": "affected",
        "versions": [entry("two", "unaffected")],
    }
    records = of_cve_list(affected=[product])
    assert affected_of(records) == []
    (unread,) = [record for record in records if isinstance(record, Unread)]
    assert unread.place == "CVE-2026-1000"
    assert "exceptions that cannot be ordered" in unread.reason


@pytest.mark.parametrize(
    ("platforms", "said"),
    [([], 1), (["Linux"], 1), (["Windows", "Linux"], 1), (["Windows"], 0), (["macOS", "iOS"], 0)],
)
def test_what_is_said_of_other_systems_says_nothing_of_an_image(platforms: list[str], said: int) -> None:
    product = {"packageURL": "pkg:pypi/x", "platforms": platforms, "versions": [entry("1", "affected", "2")]}
    assert len(affected_of(of_cve_list(affected=[product]))) == said


def test_cpe_names_of_the_cve_list() -> None:
    match = {
        "vulnerable": True,
        "criteria": "cpe:2.3:a:acme:widget:*:*:*:*:*:*:*:*",
        "versionStartExcluding": "1.0",
        "versionEndExcluding": "1.4",
    }
    elsewhere = {"vulnerable": False, "criteria": "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*"}
    records = of_cve_list(
        affected=[
            {"cpes": ["cpe:2.3:a:acme:tool:2.1:*:*:*:*:*:*:*"], "defaultStatus": "affected"},
            {"cpes": ["cpe:2.3:a:acme:tool:*:*:*:*:*:*:*:*"], "defaultStatus": "unknown"},
        ],
        cpeApplicability=[
            {"nodes": [{"operator": "OR", "negate": False, "cpeMatch": [match]}]},
            {
                "operator": "AND",
                "nodes": [
                    {"cpeMatch": [{**match, "criteria": "cpe:2.3:a:a:b:1:*:*:*:*:*:*:*"}]},
                    {"cpeMatch": [elsewhere]},
                ],
            },
            {"nodes": [{"cpeMatch": [{"criteria": 7}]}]},
        ],
    )
    assert [(each.cpes, each.ranges, each.versions) for each in affected_of(records)] == [
        (("acme:tool",), (), ("2.1",)),
        (("acme:widget",), (Range("1.0.0.0.1", fixed="1.4"),), ()),
    ]
    (unread,) = [record for record in records if isinstance(record, Unread)]
    assert unread.reason.startswith("cpeApplicability: ")
