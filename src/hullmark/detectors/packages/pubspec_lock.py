"""Dart's `pubspec.lock`.

Format: pub's `lock_file.dart`, https://dart.dev/tools/pub/versioning#lockfiles. What comes with an SDK (`source: sdk`) has no version
of its own.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import plainyaml, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread


def read(file: File) -> Iterator[Package | Unread]:
    """Give the locked packages; only direct ones say whether they are for development."""
    document = next(plainyaml.documents(file), None)
    if not isinstance(document, dict) or not ("packages" in document or "sdks" in document):
        raise MalformedError("not a pubspec.lock: no packages")
    for key, entry in untyped.table(document, "packages").items():
        if untyped.text(entry, "source") == "sdk":
            continue
        version, kind = untyped.text(entry, "version"), untyped.text(entry, "dependency")
        if not version:
            yield file.unread("package without version", key)
            continue
        yield Package(
            ecosystem="pub",
            name=untyped.text(entry, "description", "name") or key,
            version=version,
            origin="locked",
            dev=kind == "direct dev",
            direct=kind.startswith("direct") if kind else None,
        )


DETECTOR = Detector(name="pubspec_lock", version=2, wants=("**/pubspec.lock",), read=read)
