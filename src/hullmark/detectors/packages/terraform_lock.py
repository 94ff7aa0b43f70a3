"""Terraform's and OpenTofu's `.terraform.lock.hcl`: the providers that a configuration is locked to.

Format: https://developer.hashicorp.com/terraform/language/files/dependency-lock: `provider "host/namespace/type" { version = "…" … }`.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_PROVIDER = re.compile(r"provider[ \t]+\"([^\"\\]+)\"[ \t]*\{")
_VERSION = re.compile(r"version[ \t]*=[ \t]*\"([^\"\\]+)\"")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the locked providers."""
    name, place, version = "", "", ""
    for number, line in enumerate(file.text().splitlines(), 1):
        text = line.strip()
        if found := _PROVIDER.match(text):
            if name and not version:
                yield file.unread("provider without version", place)
            name, place, version = found[1], f"line {number}", ""
        elif name and not version and (found := _VERSION.match(text)):
            version = found[1]
            yield Package(ecosystem="terraform", name=name, version=version, place=place, origin="locked")
    if name and not version:
        yield file.unread("provider without version", place)


DETECTOR = Detector(name="terraform_lock", version=1, wants=("**/.terraform.lock.hcl",), read=read)
