"""Names of archives, and zip files that are made to cost more than they should."""

import io
import struct
import zipfile

import pytest

from hullmark.detectors._formats import java_names
from hullmark.detectors.detector import File, Limits, read_file
from hullmark.detectors.packages.java_archive import DETECTOR
from hullmark.model.facts import Fact, Package, Unread

POM = ("META-INF/maven/com.example/a/pom.properties", b"groupId=com.example\nartifactId=a\nversion=1.0\n")


def _jar(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.comment = comment
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def _read(body: bytes, limits: Limits | None = None, name: str = "app/a.jar") -> tuple[Fact, ...]:
    return read_file(DETECTOR, File(name, body, limits=limits)).facts


def _names(facts: tuple[Fact, ...]) -> list[str]:
    return [f"{fact.name}@{fact.version}" for fact in facts if isinstance(fact, Package)]


def _reasons(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.reason for fact in facts if isinstance(fact, Unread)]


@pytest.mark.parametrize(
    ("stem", "artifact", "version"),
    [
        ("spring-core-5.3.4", "spring-core", "5.3.4"),
        ("spring-core-5.3.4-SNAPSHOT", "spring-core", "5.3.4-SNAPSHOT"),
        ("guava-31.1-jre", "guava", "31.1-jre"),
        ("log4j-1.2-api-2.14.1", "log4j-1.2-api", "2.14.1"),
        ("kafka_2.13-2.8.0", "kafka_2.13", "2.8.0"),
        ("akka-protobuf-v3_2.13-2.6.16", "akka-protobuf-v3_2.13", "2.6.16"),
        (
            "netty-transport-native-epoll-4.1.100.Final-linux-x86_64",
            "netty-transport-native-epoll",
            "4.1.100.Final",
        ),
        ("foo-1.0-20200101.123456-1", "foo", "1.0-20200101.123456-1"),
        ("org.eclipse.jetty.server_9.4.43.v20210629", "org.eclipse.jetty.server", "9.4.43.v20210629"),
        ("jboss-logging-3.4.2.Final-redhat-00001", "jboss-logging", "3.4.2.Final-redhat-00001"),
        (
            "google-api-services-storage-v1-rev20210127-1.32.1",
            "google-api-services-storage-v1-rev20210127",
            "1.32.1",
        ),
        ("javax.inject-1", "javax.inject", "1"),
        ("bcprov-jdk15on-1.68", "bcprov-jdk15on", "1.68"),
        ("app", "app", ""),
        ("-1.0", "-1.0", ""),
    ],
)
def test_a_file_name_is_parted(stem: str, artifact: str, version: str) -> None:
    assert java_names.split(stem) == (artifact, version)


@pytest.mark.parametrize(
    ("artifact", "version", "group"),
    [
        ("spring-web", "5.3.4", "org.springframework"),
        ("spring-boot-starter-web", "2.5.4", "org.springframework.boot"),
        ("groovy-json", "3.0.8", "org.codehaus.groovy"),
        ("groovy-json", "4.0.1", "org.apache.groovy"),
        ("rxjava", "3.0.0", "io.reactivex.rxjava3"),
        ("okhttp", "2.7.5", "com.squareup.okhttp"),
        ("commons-io", "2.6", "commons-io"),
        ("commons-lang3", "3.12.0", "org.apache.commons"),
        ("my-own-thing", "1.0", ""),
    ],
)
def test_the_group_of_a_well_known_artifact(artifact: str, version: str, group: str) -> None:
    assert java_names.group(artifact, version) == group


def test_an_end_mark_in_the_comment_hides_nothing() -> None:
    assert _names(_read(_jar(POM, comment=b"PK\x05\x06" + b"\0" * 30))) == ["com.example:a@1.0"]


def test_a_zip64_archive() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w") as archive,
        archive.open(zipfile.ZipInfo(POM[0]), "w", force_zip64=True) as entry,
    ):
        entry.write(POM[1])
    body = out.getvalue()
    # the end record in its 64-bit form, which zipfile writes only for archives of gigabytes
    at = body.rfind(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HII", body, at + 10)
    end = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    end += struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    end += struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert _names(_read(body[:at] + end)) == ["com.example:a@1.0"]


def test_the_number_of_entries_is_bounded() -> None:
    body = _jar(POM, *((f"c/{number}.class", b"") for number in range(50)))
    facts = _read(body, Limits(max_archive_entries=20))
    assert _names(facts) == ["com.example:a@1.0"]
    assert _reasons(facts) == ["more archive entries than the limit"]


def test_what_all_nested_archives_expand_to_is_bounded() -> None:
    inner = _jar(("META-INF/MANIFEST.MF", b"A: " + bytes(range(65, 91)) * 400), method=zipfile.ZIP_STORED)
    body = _jar(POM, *((f"lib/x-{number}.0.jar", inner) for number in range(20)))
    facts = _read(body, Limits(max_expanded_bytes=100_000))
    assert _names(facts)[0] == "com.example:a@1.0"
    assert len(_names(facts)) < 12
    assert all(reason.startswith("expands to more than") for reason in _reasons(facts))
    assert _reasons(facts)


def test_entries_that_overlap_are_read_once() -> None:
    """Many entries of the directory for one and the same stored archive."""
    inner = _jar(("x", bytes(50_000)), method=zipfile.ZIP_STORED)
    body = _jar(("lib/inner-1.0.jar", inner), method=zipfile.ZIP_STORED)
    at = body.rfind(b"PK\x01\x02")
    end = body.rfind(b"PK\x05\x06")
    directory = body[at:end] * 1000
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1000, 1000, len(directory), at, 0)
    facts = _read(body[:at] + directory + tail)
    assert _names(facts) == ["inner:inner@1.0"]
    assert _reasons(facts) == ["zip entry that overlaps another"] * 999


def test_entries_that_overlap_in_part() -> None:
    """The second starts within the first, as in Fifield's quadratic bomb."""
    one, two = ((f"META-INF/maven/g/{name}/pom.properties", b"version=1\n") for name in "ab")
    body = bytearray(_jar(one, two, method=zipfile.ZIP_STORED))
    at = body.find(b"PK\x01\x02")
    second = body.rfind(b"PK\x03\x04")
    body[at + 20 : at + 28] = struct.pack(
        "<II", second + 10, second + 10
    )  # packed and unpacked size of the first
    facts = _read(bytes(body))
    assert _reasons(facts)[-1:] == ["zip entry that overlaps another"]


def test_many_texts_that_overlap_are_told_once_for_all() -> None:
    body = _jar(POM, method=zipfile.ZIP_STORED)
    at, end = body.rfind(b"PK\x01\x02"), body.rfind(b"PK\x05\x06")
    directory = body[at:end] * 1000
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1000, 1000, len(directory), at, 0)
    reasons = _reasons(_read(body[:at] + directory + tail))
    assert reasons == [
        *["zip entry that overlaps another"] * 101,
        "more than 100 zip entries that overlap others",
    ]


def test_an_entry_that_claims_less_than_it_holds_is_damaged() -> None:
    body = bytearray(_jar(("META-INF/maven/com.example/b/pom.properties", b"version=1.0\n" * 500), POM))
    at = body.find(b"PK\x01\x02")
    body[at + 24 : at + 28] = struct.pack("<I", 12)  # size in the central directory
    facts = _read(bytes(body))
    assert _names(facts) == ["com.example:a@1.0"]
    assert _reasons(facts) == ["zip entry that is damaged"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack_are_unread(method: int) -> None:
    assert _reasons(_read(_jar(POM, method=method))) == [f"packed by method {method}, which is not supported"]


def test_pom_xml_with_properties_and_a_parent() -> None:
    pom = b"""<project><parent><groupId>com.example</groupId><version>${revision}</version></parent>
      <artifactId>child</artifactId><properties><revision>2.${minor}</revision><minor>7</minor></properties></project>"""
    assert _names(_read(_jar(("META-INF/maven/com.example/child/pom.xml", pom)))) == ["com.example:child@2.7"]


def test_properties_that_name_themselves_end() -> None:
    pom = b"<project><version>${a}</version><properties><a>${b}${b}</a><b>${a}${a}</b></properties></project>"
    facts = _read(_jar(("META-INF/maven/com.example/child/pom.xml", pom)))
    assert not _names(facts)
    assert _reasons(facts) == ["Maven's files name no version"]
