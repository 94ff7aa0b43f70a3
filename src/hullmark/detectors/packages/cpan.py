"""Perl distributions from CPAN that cpanm and Carton installed: `perl5/<arch>/.meta/<distribution>/install.json`.

Format: https://metacpan.org/pod/cpanm writes it after an installation: `name`, `version`, `dist`.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents, untyped
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread


def read(file: File) -> Iterator[Package | Unread]:
    """Give the distribution. `name` may be a module's (`URI::Escape`); `dist` always names the distribution."""
    document = documents.json(file)
    distribution, version = untyped.text(document, "dist"), untyped.text(document, "version")
    name = untyped.text(document, "name")
    if version and distribution.endswith(f"-{version}"):
        name = distribution.removesuffix(f"-{version}")
    elif not version:
        # the version is what follows the last dash, where a digit comes
        name, _, version = distribution.rpartition("-")
    if not (name and version):
        yield file.unread("distribution without name or version", kind="file")
        return
    yield Package(ecosystem="cpan", name=name.replace("::", "-"), version=version)


DETECTOR = Detector(name="cpan", version=2, wants=("**/.meta/*/install.json",), read=read)
