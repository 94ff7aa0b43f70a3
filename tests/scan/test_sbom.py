import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.model.errors import ImageError, UsageError
from hullmark.model.facts import Distribution, Package, Unread
from hullmark.model.report import Component, Location
from hullmark.reports import render
from hullmark.scan.documents import document_of, looks_like_sbom
from hullmark.scan.matching import Inventory, Item
from hullmark.scan.sbom import MAX_VALUES, inventory_from_sbom
from reports.sample import PACKAGES, SAMPLE

SBOMS = Path(__file__).parent.parent / "data" / "sboms"
FORMS = ("cyclonedx", "spdx")


def item_of(component: Component) -> Item:
    names = Package.__struct_fields__
    stated = {name: getattr(component, name) for name in names if hasattr(component, name)}
    return Item(Package(**stated), component.locations, component.provides)


def cyclonedx(*components: Any, **more: Any) -> Inventory:
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components, **more}
    return inventory_from_sbom(json.dumps(document).encode(), "bom.json")


def spdx(*packages: Any, **more: Any) -> Inventory:
    document = {"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": packages, **more}
    return inventory_from_sbom(json.dumps(document).encode(), "bom.json")


def library(purl: str, **more: Any) -> dict[str, Any]:
    return {"type": "library", "name": "x", "purl": purl, **more}


def package(purl: str, **more: Any) -> Package:
    (item,) = cyclonedx(library(purl, **more)).items
    return item.package


@pytest.mark.parametrize("form", FORMS)
class TestOwn:
    """What this program writes it reads without loss."""

    def test_packages_come_back_with_their_places(self, form: str) -> None:
        read = inventory_from_sbom(render(form, SAMPLE), "bom.json")
        identity = lambda item: (item.package.ecosystem, item.package.name, item.package.version)  # noqa: E731
        assert list(read.items) == sorted(map(item_of, PACKAGES), key=identity)

    def test_image_and_layers_come_back(self, form: str) -> None:
        read = inventory_from_sbom(render(form, SAMPLE), "bom.json")
        assert SAMPLE.image is not None
        assert read.image == msgspec.structs.replace(SAMPLE.image, source="sbom")
        assert read.layers == SAMPLE.layers
        assert read.distribution == SAMPLE.image.distribution

    def test_what_was_unread_or_left_out_stays_so(self, form: str) -> None:
        read = inventory_from_sbom(render(form, SAMPLE), "bom.json")
        assert read.errors == SAMPLE.errors
        assert (read.dev_packages, read.skipped_files, read.unread_in_deleted) == (4, 1, 3)


def test_a_damaged_note_is_unread() -> None:
    body = render("cyclonedx", SAMPLE)
    damaged = body.replace(b'{\\"type\\":\\"unread', b'{\\"type\\":\\"nonsense', 1)
    assert damaged != body
    notes = inventory_from_sbom(damaged, "bom.json").errors
    assert Unread("record", "a damaged note of something unread", place="unread 0") in notes


def test_a_damaged_annotation_is_unread() -> None:
    damaged = render("spdx", SAMPLE).replace(b'{\\"hullmark:origin\\":\\"', b'{\\"hullmark:origin\\":', 1)
    notes = inventory_from_sbom(damaged, "bom.json").errors
    assert Unread("record", "a damaged annotation of Hullmark's", place="package 2") in notes


SYFT_LAYERS = (
    "sha256:531743b7098cb2aaf615641007a129173f63ed86ca32fe7b5a246a1c47286028",
    "sha256:9d60af87b1053376b87868d4ef171a87d3ce523b66b373e020bef325b0cfeb69",
)


@pytest.mark.parametrize("name", ["syft.cdx", "syft.spdx", "trivy.cdx", "trivy.spdx"])
def test_other_tools(name: str) -> None:
    read = inventory_from_sbom((SBOMS / f"{name}.json").read_bytes(), name)
    assert read.distribution is not None
    assert (read.distribution.id, read.distribution.version_id) == ("alpine", "3.10.4")
    assert read.errors == ()
    packages = [item.package for item in read.items]
    assert [(p.ecosystem, p.name.lower(), p.version) for p in packages] == [
        ("apk", "libcrypto1.1", "1.1.1d-r2"),
        ("npm", "marked", "0.3.5"),
        ("pypi", "jinja2", "2.10"),
    ]
    assert (packages[0].source, packages[0].source_version) in {
        ("openssl", ""),
        ("openssl", "1.1.1d-r2"),
    }
    assert packages[0].licences == ("OpenSSL",)
    assert packages[0].arch == "x86_64"


def test_places_that_syft_states() -> None:
    read = inventory_from_sbom((SBOMS / "syft.cdx.json").read_bytes(), "syft")
    assert read.items[0].locations == (Location("lib/apk/db/installed", -1, layer_digest=SYFT_LAYERS[0]),)


NAMES = st.sampled_from(
    [
        *(
            "components",
            "metadata",
            "component",
            "packages",
            "properties",
            "name",
            "value",
            "type",
            "purl",
            "version",
        ),
        *(
            "licenses",
            "license",
            "evidence",
            "occurrences",
            "location",
            "annotations",
            "comment",
            "externalRefs",
        ),
        *(
            "referenceType",
            "referenceLocator",
            "relationships",
            "supplier",
            "publisher",
            "cpe",
            "hullmark:unread:0",
        ),
        *(
            "hullmark:layer:0",
            "hullmark:location:0:path",
            "hullmark:location:0:layer",
            "hullmark:distribution",
        ),
    ]
)
TEXTS = st.sampled_from(
    [
        *("", "x", "pkg:npm/x@1", "pkg:deb/debian/x@1?distro=debian-&upstream=@", "purl", "operating-system"),
        *(
            "hullmark:layer:0",
            "hullmark:unread:0",
            '{"index":0}',
            '{"hullmark:base": "[]"}',
            "9" * 30,
            "-1",
            "\x1b",
        ),
    ]
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=40,
)


@given(
    st.sampled_from([{"bomFormat": "CycloneDX"}, {"spdxVersion": "SPDX-2.3"}]), st.dictionaries(NAMES, TREES)
)
def test_any_document_ends_in_packages_or_notes(mark: dict[str, Any], document: dict[str, Any]) -> None:
    read = inventory_from_sbom(json.dumps({**document, **mark}).encode(), "x")
    assert all(item.package.name and item.package.version for item in read.items)


@given(st.binary())
def test_any_bytes_end(body: bytes) -> None:
    looks_like_sbom(body)
    with pytest.raises(ImageError):
        inventory_from_sbom(body, "x")


class TestPackages:
    def test_epoch_goes_before_an_rpm_version(self) -> None:
        purl = "pkg:rpm/redhat/openssl-libs@1.1.1k-6.el8?arch=x86_64&epoch=1&distro=rhel-8.5"
        assert package(purl).version == "1:1.1.1k-6.el8"

    def test_source_with_version(self) -> None:
        made = package("pkg:deb/debian/libc6@2.36-9+b1?upstream=glibc%402.36-9&distro=debian-12")
        assert (made.source, made.source_version) == ("glibc", "2.36-9")

    def test_source_as_the_name_of_a_source_rpm(self) -> None:
        made = package("pkg:rpm/fedora/libfoo-x@1-2.fc40?upstream=foo-bar-1.0-3.fc40.src.rpm")
        assert (made.source, made.source_version) == ("foo-bar", "1.0-3.fc40")

    def test_source_and_module_from_properties_of_trivy(self) -> None:
        values = {
            "SrcName": "nodejs",
            "SrcVersion": "10.19.0",
            "SrcRelease": "1.el8",
            "SrcEpoch": "1",
            "Modularitylabel": "nodejs:10:820:cdc1202b",
        }
        made = package(
            "pkg:rpm/redhat/npm@6.13.4-1.el8?epoch=1",
            properties=[
                {"name": f"aquasecurity:trivy:{key}", "value": value} for key, value in values.items()
            ],
        )
        assert (made.source, made.source_version, made.module) == (
            "nodejs",
            "1:10.19.0-1.el8",
            "nodejs:10",
        )

    def test_version_of_the_component_where_the_package_url_has_none(self) -> None:
        assert package("pkg:npm/x", version="1.0").version == "1.0"

    def test_cpe_counts_for_bare_binaries_only(self) -> None:
        cpe = "cpe:2.3:a:open\\:ssl:openssl:1.1.1:*:*:*:*:*:*:*"
        assert package("pkg:generic/openssl@1.1.1", cpe=cpe).cpe == "open:ssl:openssl"
        assert package("pkg:npm/openssl@1.1.1", cpe=cpe).cpe == ""

    def test_whole_names(self) -> None:
        assert package("pkg:maven/org.a/b@1").name == "org.a:b"
        assert package("pkg:npm/%40s/b@1").name == "@s/b"
        assert package("pkg:golang/github.com/a/b/v2@v2.0.0").name == "github.com/a/b/v2"

    def test_nested_components_and_those_of_the_subject(self) -> None:
        inner = library("pkg:npm/c@1")
        outer = library("pkg:npm/b@1", components=[{"type": "library", "name": "g", "components": [inner]}])
        read = cyclonedx(
            outer, metadata={"component": {"type": "container", "components": [library("pkg:npm/a@1")]}}
        )
        assert [item.package.name for item in read.items] == ["a", "b", "c"]
        assert read.errors == (Unread("record", "component without a package URL", place="component 0.0"),)

    def test_one_package_twice_is_one(self) -> None:
        paths = ("a", "b")
        read = cyclonedx(
            *(library("pkg:npm/x@1", evidence={"occurrences": [{"location": path}]}) for path in paths)
        )
        (item,) = read.items
        assert [location.path for location in item.locations] == ["a", "b"]

    @pytest.mark.parametrize(
        ("component", "reason"),
        [
            ({"type": "library", "name": "x"}, "component without a package URL"),
            ({"type": "application", "name": "x", "version": "1"}, "component without a package URL"),
            (library("pkg:npm/x"), "component without a version: x"),
            (library("npm/x@1"), "component without a usable package URL: not a package URL: no pkg:"),
            ("x", "component is no object"),
        ],
    )
    def test_what_names_no_package_is_unread(self, component: Any, reason: str) -> None:
        read = cyclonedx(component)
        assert read.items == ()
        assert read.errors == (Unread("record", reason, place="component 0"),)

    @pytest.mark.parametrize(
        "component",
        [
            {"type": "file", "name": "x"},
            {"type": "application", "name": "app/package-lock.json"},
            {"type": "container", "name": "x", "purl": "pkg:oci/x@sha256:1"},
            {"type": "operating-system", "name": "debian", "version": "12"},
        ],
    )
    def test_what_is_no_package_is_nothing(self, component: Any) -> None:
        read = cyclonedx(component)
        assert (read.items, read.errors) == ((), ())

    def test_unread_components_are_counted_beyond_a_thousand(self) -> None:
        read = cyclonedx(*({"type": "library", "name": "x"} for _ in range(1_005)))
        assert len(read.errors) == 1_001
        assert read.errors[-1].reason == "5 more could not be read"


class TestDistribution:
    @pytest.mark.parametrize(
        ("purl", "expected"),
        [
            ("pkg:deb/debian/a@1?distro=debian-12", Distribution("debian", "12")),
            ("pkg:deb/debian/a@1?distro=debian-bookworm", Distribution("debian", codename="bookworm")),
            ("pkg:deb/debian/a@1?distro=bookworm", Distribution("debian", codename="bookworm")),
            ("pkg:deb/ubuntu/a@1?distro=ubuntu-22.04", Distribution("ubuntu", "22.04")),
            ("pkg:apk/alpine/a@1?distro=3.10.4", Distribution("alpine", "3.10.4")),
            ("pkg:rpm/redhat/a@1?distro=redhat-9.2", Distribution("rhel", "9.2")),
            ("pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5", Distribution("opensuse-leap", "15.5")),
            ("pkg:rpm/amzn/a@1", Distribution("amzn")),
            ("pkg:apk/wolfi/a@1?distro=wolfi", Distribution("wolfi")),
            ("pkg:deb/a@1", None),
            ("pkg:npm/a@1?distro=debian-12", None),
        ],
    )
    def test_from_package_urls(self, purl: str, expected: Distribution | None) -> None:
        assert cyclonedx(library(purl)).distribution == expected

    def test_most_packages_decide(self) -> None:
        purls = ("pkg:deb/debian/a@1?distro=debian-11", "pkg:deb/ubuntu/b@1?distro=ubuntu-24.04")
        more = library("pkg:deb/ubuntu/c@1?distro=ubuntu-24.04")
        read = cyclonedx(*map(library, purls), more)
        assert read.distribution == Distribution("ubuntu", "24.04")
        assert [item.package.name for item in read.items] == ["b", "c"]
        assert read.errors == (
            Unread(
                "record",
                "package of debian 11, which is not the system that this SBOM is of",
                place="component 0",
            ),
        )

    @pytest.mark.parametrize(
        ("system", "distro", "is_of_it"),
        [
            ("debian 12.5", "debian-12", True),
            ("debian 12", "debian-11", False),
            ("debian 12", "debian-bookworm", True),
            ("debian 12", "", True),
            ("alpine 3.20.3", "3.20.1", True),
            ("alpine 3.20.3", "alpine-3.10.4", False),
            ("ubuntu 22.04", "ubuntu-22.10", False),
            ("redhat 9.4", "rhel-9.2", True),
            ("opensuse.leap 15.5", "opensuse-leap-15.5", True),
        ],
    )
    def test_packages_of_another_release_are_unread(
        self, system: str, distro: str, *, is_of_it: bool
    ) -> None:
        name, version = system.split()
        component = {"type": "operating-system", "name": name, "version": version}
        # Trivy writes Alpine's number alone
        kind = {"alpine": "apk/alpine", "debian": "deb/debian", "ubuntu": "deb/ubuntu"}.get(name, "rpm/x")
        read = cyclonedx(component, library(f"pkg:{kind}/a@1?distro={distro}"))
        assert (len(read.items), len(read.errors)) == ((1, 0) if is_of_it else (0, 1))

    def test_component_of_its_own(self) -> None:
        system = {"type": "operating-system", "name": "amazon", "version": "2 (Karoo)"}
        assert cyclonedx(system, library("pkg:rpm/amzn/a@1")).distribution == Distribution("amzn", "2")

    def test_package_of_its_own(self) -> None:
        system = {"name": "redhat", "versionInfo": "9.4", "primaryPackagePurpose": "OPERATING-SYSTEM"}
        assert spdx(system).distribution == Distribution("rhel", "9.4")


class TestSpdx:
    def test_subject_is_no_package(self) -> None:
        subject = {"SPDXID": "SPDXRef-x", "name": "app:1", "versionInfo": "1"}
        read = spdx(subject, documentDescribes=["SPDXRef-x"])
        assert (read.items, read.errors, read.image.name) == ((), (), "app:1")

    def test_kinds_that_only_the_id_tells(self) -> None:
        read = spdx(
            {"SPDXID": "SPDXRef-OperatingSystem-1a2b", "name": "debian", "versionInfo": "11.2"},
            {"SPDXID": "SPDXRef-Application-3c4d", "name": "app/package-lock.json"},
        )
        assert (read.distribution, read.items, read.errors) == (Distribution("debian", "11.2"), (), ())

    def test_old_word_for_the_category(self) -> None:
        reference = {
            "referenceCategory": "PACKAGE_MANAGER",
            "referenceType": "purl",
            "referenceLocator": "pkg:npm/x@1",
        }
        read = spdx({"name": "x", "externalRefs": [reference], "licenseDeclared": "MIT"})
        assert [item.package for item in read.items] == [Package("npm", "x", "1", licences=("MIT",))]

    def test_package_without_a_package_url_is_unread(self) -> None:
        read = spdx({"name": "x", "versionInfo": "1"}, 7)
        assert [(unread.place, unread.reason) for unread in read.errors] == [
            ("package 0", "component without a package URL"),
            ("package 1", "package is no object"),
        ]


class TestDocuments:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"{}",
            b'{"bomFormat": "Other"}',
            b'{"spdxVersion": "SPDX-3.0"}',
            b"[" * 100_000,
            b'{"bomFormat": "CycloneDX", "components": ' + b"[" * 100_000,
            b"[" + b"1," * MAX_VALUES + b"1]",
            b"\xff\xfe",
        ],
    )
    def test_what_is_none_is_said(self, body: bytes) -> None:
        with pytest.raises(ImageError):
            inventory_from_sbom(body, "bom.json")

    @pytest.mark.parametrize("components", [7, "x", {}, [[]], [None], [{"components": 7}]])
    def test_wrong_types_are_unread(self, components: Any) -> None:
        body = json.dumps({"bomFormat": "CycloneDX", "components": components}).encode()
        assert inventory_from_sbom(body, "x").errors

    def test_attestation(self) -> None:
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "predicateType": "https://cyclonedx.org/bom",
            "predicate": {"bomFormat": "CycloneDX", "components": [library("pkg:npm/x@1")]},
        }
        body = json.dumps(statement).encode()
        assert looks_like_sbom(body)
        assert len(inventory_from_sbom(body, "x").items) == 1

    def test_looks(self) -> None:
        assert looks_like_sbom(b'\xef\xbb\xbf \n{"bomFormat": "CycloneDX"')
        assert looks_like_sbom(b'{"SPDXID": "SPDXRef-DOCUMENT"')
        assert not looks_like_sbom(b'{"schemaVersion": 2}')
        assert not looks_like_sbom(b'"bomFormat"')

    def test_files(self, tmp_path: Path) -> None:
        bom, other = tmp_path / "a", tmp_path / "b"
        bom.write_bytes(b'{"bomFormat": "CycloneDX"}')
        other.write_bytes(b"\x1f\x8b")
        assert document_of(str(bom)) == (b'{"bomFormat": "CycloneDX"}', str(bom))
        assert document_of(f"sbom:{other}") == (b"\x1f\x8b", str(other))
        for reference in (str(other), str(tmp_path), "alpine:3.20", "nul\0", "docker:x"):
            assert document_of(reference) is None
        with pytest.raises(ImageError, match="cannot be read"):
            document_of(f"sbom:{tmp_path}/none")
        with pytest.raises(UsageError):
            document_of("sbom:")

    @pytest.mark.parametrize(
        ("body", "plain", "asked"),
        [(b'{"bomFormat": 1}', True, True), (b"{", True, True), (b"\x1f\x8b", False, True)],
    )
    def test_standard_input(
        self, *, body: bytes, plain: bool, asked: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for reference, is_document in (("-", plain), ("sbom:-", asked)):
            stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(body)))
            monkeypatch.setattr("sys.stdin", stream)
            assert document_of(reference) == ((body, "standard input") if is_document else None)
            assert stream.buffer.read() == (b"" if is_document else body)
