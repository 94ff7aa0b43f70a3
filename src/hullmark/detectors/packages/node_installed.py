"""Installed npm packages: every `package.json` with a name and a version, the application's own among them.

Format: https://docs.npmjs.com/cli/configuring-npm/package-json. Node looks a package up in `node_modules/<name>`; a package.json
deeper inside often only marks a module system (`{"type": "module"}`) and then is nothing. What a package ships in its test
folders may be broken on purpose and is not Unread.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.detectors._formats import licences, npm
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact, Package

_PACKAGE_ROOT = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@][^/]*/package\.json", re.DOTALL)
_TEST_FOLDER = re.compile(r"(?:^|/)node_modules/.*/(?:_*tests?_*|_*fixtures?_*|testdata|specs?)/", re.DOTALL)


class _Manifest(msgspec.Struct, gc=False):
    name: Any = None
    version: Any = None
    license: Any = None
    licenses: Any = None


_DECODER = msgspec.json.Decoder(_Manifest)


def read(file: File) -> Iterator[Fact]:
    """Give the package that the file describes, if it is one."""
    try:
        manifest = _DECODER.decode(file.body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        if _TEST_FOLDER.search(file.path) and not _PACKAGE_ROOT.fullmatch(file.path):
            return
        raise MalformedError(f"not a package.json: {problem}") from problem
    name, version = manifest.name, manifest.version
    if not name or not version:
        return
    if npm.is_name(name) and npm.is_version(version):
        yield Package("npm", name, version, licences=licences.of_npm(manifest.license or manifest.licenses))
    elif _PACKAGE_ROOT.fullmatch(file.path):
        yield file.unread("package without a valid name and version")


DETECTOR = Detector(name="node_installed", version=1, wants=("**/package.json",), read=read)
