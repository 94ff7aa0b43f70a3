"""Who made an OS package: the distribution, EPEL, or somebody of whom no distribution's feed speaks.

A distribution says nothing of docker-ce, of nginx.org's nginx or of the PostgreSQL project's builds, and the versions
of the same name that it does speak of are numbered in another way. So a package counts as its own unless something
certain says otherwise: for rpm the VENDOR tag, for deb a version or a maintainer that no distribution has.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from hullmark.model.facts import Distribution, Package

Origin = Literal["", "epel", "other"]
"""Empty is the distribution's own, `other` that of a publisher without a feed here."""

_SUSE = ("suse", "opensuse")
_MICROSOFT = ("microsoftcorporation",)
_VENDORS = {
    "almalinux": ("almalinux", "cloudlinux"),
    "amzn": ("amazon",),
    "azurelinux": _MICROSOFT,
    "centos": ("centos", "redhat"),
    "fedora": ("fedoraproject",),
    "mariner": _MICROSOFT,
    "ol": ("oracleamerica",),  # "Oracle and/or its affiliates" are MySQL's own builds
    "photon": ("vmware",),
    "rhel": ("redhat",),
    "rocky": ("rocky",),
}
"""How the VENDOR tags of a distribution's packages begin, letters and digits only.

Read from rpm databases: "Red Hat, Inc.", "CentOS", "Fedora Project", "Oracle America", "Microsoft Corporation", "Rocky
Enterprise Software Foundation", "SUSE LLC <https://www.suse.com/>"; the others as Trivy's authors have seen them.
"""

_CORE = frozenset({"basesystem", "filesystem", "glibc", "setup"})
"""Packages that nobody but the distribution makes."""

_ORACLE = ("ol", "oracle")
_ORACLE_SPECIAL = re.compile(r"\.ksplice\d|fips")
"""Oracle's builds for Ksplice and FIPS: of these its feed is not read, and their epochs are above all ordinary fixes."""

_EPEL_USERS = frozenset({"rhel", "centos", "almalinux", "rocky", "ol"})
_EPEL_OF_AMAZON = {"2": "7"}
_EPEL_VENDOR = "fedoraproject"
_BUILT_FOR = re.compile(r"\.(el|fc)(\d+)")
_MAJOR = re.compile(r"\d+")
_SIGNS = re.compile(r"[^a-z0-9]+")

_DOMAINS = {
    "cloudflare.com": "pkg.cloudflare.com",
    "datadoghq.com": "apt.datadoghq.com",
    "docker.com": "download.docker.com",
    "dotnetfoundation.org": "packages.microsoft.com",
    "elastic.co": "artifacts.elastic.co",
    "f5.com": "nginx.org",
    "gitlab.com": "packages.gitlab.com",
    "grafana.com": "apt.grafana.com",
    "hashicorp.com": "apt.releases.hashicorp.com",
    "influxdb.com": "repos.influxdata.com",
    "konghq.com": "packages.konghq.com",
    "kubernetes.io": "pkgs.k8s.io",
    "microsoft.com": "packages.microsoft.com",
    "mongodb.com": "repo.mongodb.org",
    "nginx.com": "nginx.org",
    "nodesource.com": "deb.nodesource.com",
    "oss.oracle.com": "repo.mysql.com",
    "percona.com": "repo.percona.com",
    "tailscale.com": "pkgs.tailscale.com",
}
"""Domains of maintainers, and the repository whose packages state them. None is in Debian 12's 63,666 packages."""

_ADDRESSES = {
    "chrome-linux-team@google.com": "dl.google.com",
    "chromium-dev@chromium.org": "dl.google.com",
    "cudatools@nvidia.com": "developer.download.nvidia.com",
    "developers@lists.mariadb.org": "deb.mariadb.org",
    "kubernetes-dev+release@googlegroups.com": "packages.cloud.google.com",
    "sapmachine@sap.com": "dist.sapmachine.io",
}
"""The same for single addresses: people at Google and NVIDIA also maintain packages of Debian's own."""

_NAMES = {
    "github": "cli.github.com",
    "google cloud cli authors": "packages.cloud.google.com",
    "hashicorp": "apt.releases.hashicorp.com",
}
"""The same for maintainers without an address."""

_MARKS = (
    "nodesource",  # 20.20.2-1nodesource1
    ".pgdg",  # 16.4-1.pgdg120+1 of apt.postgresql.org, whose maintainers are Debian's
    "deb.sury.org",  # 8.3.2-1+ubuntu22.04.1+deb.sury.org+1
    "+maria~",  # 1:10.11.6+maria~ubu2204
)
"""What only other publishers' versions have. `~deb12u1` and `~bpo12` are Debian's own."""

_SURY = re.compile(r"\+0~\d{8}\.\d+\+(?:debian|ubuntu)\d")
"""8.2.20-1+0~20240606.46+debian12~1.gbp5d9b4b of packages.sury.org."""


class Makers:
    """Tells the makers of one image's packages, or one inventory's, from each other.

    An rpm is the distribution's own where no vendor is stated, or one of those that the distribution is known to state,
    or that of its C library or base directories. Where an image has none of these, the vendor that most packages state
    is the distribution's: there are more distributions than known vendors.
    """

    def __init__(self, distribution: Distribution | None, packages: Iterable[Package]) -> None:
        self._distribution = distribution
        likes = {distribution.id, *distribution.id_like} if distribution is not None else set()
        self._takes_epel = not likes.isdisjoint(_EPEL_USERS)
        self._is_oracle = distribution is not None and distribution.id in _ORACLE
        self._own = self._vendors(packages, distribution)
        self._epel = _epel_number(distribution) if distribution is not None and self._takes_epel else ""

    def _vendors(self, packages: Iterable[Package], distribution: Distribution | None) -> frozenset[str]:
        known: tuple[str, ...] = ()
        if distribution is not None:
            known = _known(distribution.id)
            for like in distribution.id_like if not known else ():
                if like != "fedora" or not self._takes_epel:
                    known += _known(like)
        stated: Counter[str] = Counter()
        core = set()
        for package in packages:
            if package.ecosystem == "rpm" and package.vendor:
                vendor = _folded(package.vendor)
                stated[vendor] += 1
                if package.name in _CORE:
                    core.add(vendor)
        own = core | {vendor for vendor in stated if vendor.startswith(known)}
        return frozenset(own or {vendor for vendor, _ in stated.most_common(1)})

    def origin(self, package: Package) -> Origin:
        """Say who made an OS package."""
        if package.ecosystem == "deb":
            return "other" if _is_third_party_deb(package) else ""
        if package.ecosystem == "rpm" and self._is_oracle and _ORACLE_SPECIAL.search(package.version):
            return "other"
        if package.ecosystem != "rpm" or not package.vendor:
            return ""
        vendor = _folded(package.vendor)
        if vendor in self._own or (self._distribution and package.vendor == self._distribution.id):
            return ""
        if not (self._takes_epel and vendor == _EPEL_VENDOR):
            return "other"
        built = _BUILT_FOR.search(package.version)
        is_epel = built is None or (built[1] == "el" and built[2] == self._epel.partition(".")[0])
        return "epel" if is_epel else "other"

    def speaker(self, origin: Origin) -> Distribution | None:
        """Give the distribution whose feed speaks for packages of this origin."""
        return Distribution("epel", self._epel) if origin == "epel" else self._distribution


def _known(identifier: str) -> tuple[str, ...]:
    if identifier.startswith(("sle", "sl-", "suse", "opensuse")):
        return _SUSE
    return _VENDORS.get(identifier, ())


def _epel_number(distribution: Distribution) -> str:
    """Give the release of EPEL that is made for a distribution; from 10 on it has minor releases."""
    if distribution.id == "amzn":
        return _EPEL_OF_AMAZON.get(distribution.version_id, "")
    return distribution.version_id if _MAJOR.match(distribution.version_id) else ""


@functools.lru_cache(maxsize=4096)
def _folded(vendor: str) -> str:
    return _SIGNS.sub("", vendor.lower())


def _is_third_party_deb(package: Package) -> bool:
    version = package.version
    return (
        _is_third_party(package.vendor)
        or any(mark in version for mark in _MARKS)
        or ("+0~" in version and _SURY.search(version) is not None)
    )


@functools.lru_cache(maxsize=4096)
def _is_third_party(maintainer: str) -> bool:
    name, _, address = maintainer.lower().partition("<")
    address = address.rstrip("> ")
    return name.strip() in _NAMES or address in _ADDRESSES or address.rpartition("@")[2] in _DOMAINS
