"""Packages × advisories: which statements of which parts hold for which package. No image is opened here.

Every package gets its coverage as well, since 'not checked' must never look like 'clean'.
"""

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hullmark.advisories.database import Database, Part
from hullmark.advisories.origins import Origin
from hullmark.advisories.scheme import Scheme, sort_key
from hullmark.advisories.statements import More, Statement
from hullmark.model.facts import SYSTEM, Distribution
from hullmark.model.target import Target

if TYPE_CHECKING:
    from hullmark.advisories.feed import Feed

_ANY_MODULE = "*"
_MODULE_BUILD = ".module"
"""In every module build's release (`.module+el8.9.0`, `.module_el9.5.0`), also where its label is not known."""
_STREAMS = tuple(
    f"redhat:{base}_{name}"
    for base in ("rhel", "enterprise_linux")
    for name in ("aus", "e4s", "els", "eus", "extras", "mission", "tus")
)
"""Extended support of RHEL's own packages (`redhat:rhel_eus:9.2`): no products with packages of their own."""
_LAYERED_BUILD = re.compile(r"\.rhaos|\.el\d+[a-z]")
"""What a product's builds carry in their release (`-1.rhaos4.16.el9`, `-2.el8jbcs`), and RHEL's own never."""


_MINOR = re.compile(r"\.el\d+_\d+(?!\d)")
"""The minor release that an rpm is built for (`-18.el9_7.2`)."""


class Query(NamedTuple):
    """One distinct package. `source` and `source_version` are empty where they are the package's own.

    `origin` says who made an OS package.
    """

    ecosystem: str
    name: str
    version: str
    arch: str = ""
    source: str = ""
    source_version: str = ""
    module: str = ""
    cpe: str = ""
    origin: Origin = ""


class Answer(NamedTuple):
    """What the parts say of one package, and whether they could be asked.

    `coverage` is `matched`, `no_feed`, `feed_missing` or `release_unknown`; staleness and the end of a release
    are the caller's to add, who knows the time. `parts` are those asked, `missing` those that speak for the package
    too and could not be.
    """

    statements: tuple[Statement, ...]
    coverage: str
    parts: tuple[str, ...]
    feeds: tuple[str, ...]
    missing: tuple[str, ...] = ()


_NOBODY = Answer((), "no_feed", (), ())


class Cover(NamedTuple):
    """Which feeds and parts speak for a target.

    `enough` has for each feed that knows all flaws there the parts that it is made of: a package counts as checked
    when one of these was asked whole. `derived_from` is the release that a derivative was taken for.
    """

    coverage: str
    feeds: tuple[str, ...]
    parts: tuple[str, ...]
    enough: tuple[tuple[str, ...], ...] = ()
    derived_from: str = ""


def cover(ecosystem: str, distribution: Distribution | None, known: "Iterable[Feed] | None" = None) -> Cover:
    """Find the parts that speak for an ecosystem, or for the OS packages of a distribution.

    A distribution that no feed speaks for is taken for the one that it says it is like, where a code name, that of the
    release it is made from before its own, or, of rebuilds from the same source, its number tells which release that is.
    """
    if known is None:
        from hullmark.advisories.registry import feeds

        known = feeds()
    asked = tuple(known)
    if ecosystem not in SYSTEM:
        return _ask(asked, Target(ecosystem))
    if distribution is None:
        return Cover("release_unknown", (), ())
    own = _ask(asked, Target(ecosystem, distribution))
    if own.coverage != "no_feed":
        return own
    unknown = own
    for like in distribution.id_like:
        # Derivatives number their releases in their own way (Devuan 5 is like Debian 12, Mint 22 like Ubuntu 24.04).
        for version in ("", distribution.version_id) if ecosystem == "rpm" else ("",):
            codename = distribution.base_codename or distribution.codename
            base = msgspec.structs.replace(distribution, id=like, version_id=version, codename=codename)
            found = _ask(asked, Target(ecosystem, base))
            if found.parts:
                return found._replace(derived_from=found.parts[0])
            unknown = found if unknown.coverage == "no_feed" else unknown
    return unknown


def _ask(asked: "Iterable[Feed]", target: Target) -> Cover:
    names: list[str] = []
    parts: list[str] = []
    enough: list[tuple[str, ...]] = []
    unknown = False
    for feed in asked:
        answer = feed.parts(target)
        if answer is None:
            continue
        names.append(feed.name)
        parts += answer
        unknown = unknown or not answer
        if answer and target.ecosystem not in feed.supplements:
            enough.append(answer)
    if enough:
        return Cover("matched", tuple(names), tuple(dict.fromkeys(parts)), tuple(enough))
    return Cover("release_unknown" if unknown else "no_feed", tuple(names), tuple(dict.fromkeys(parts)))


def has_fix(version: str, fixes: Iterable[str], key: Callable[[str], bytes | None]) -> bool:
    """Tell whether an rpm has a flaw's fix though another minor release's erratum on the flaw has a higher version.

    Each minor release of an Enterprise Linux has an erratum of its own (`2.68.4-18.el9_7.2`, `2.68.4-19.el9_8.1`). That of
    the release which a package is built for decides, the highest where there are several.
    """
    minor = _MINOR.search(version)
    own = [fixed for fixed in fixes if minor and (of := _MINOR.search(fixed)) and of[0] == minor[0]]
    installed = key(version)
    return (
        installed is not None
        and bool(own)
        and all((order := key(fixed)) is not None and order <= installed for fixed in own)
    )


class Matcher:
    """Asks one database about the packages of one image.

    `covers(ecosystem, origin)` names the parts that speak for an ecosystem there, `schemes(ecosystem)` gives its order.
    `cpes` are the products from whose repositories the image's rpms are, where it says so.
    """

    def __init__(
        self,
        database: Database,
        covers: Callable[[str, Origin], Cover],
        schemes: Callable[[str], Scheme | None],
        cpes: Iterable[str] = (),
    ) -> None:
        self._database = database
        self._products = frozenset(_product(cpe) for cpe in cpes)
        self.cover = functools.cache(covers)
        self._scheme = functools.cache(schemes)
        self._asked = functools.cache(self._parts)

    def match(self, queries: Sequence[Query]) -> list[Answer]:
        """Give the answer for each package, in order."""
        # asked by name, since names that are near each other stand on the same pages
        order = sorted(range(len(queries)), key=lambda at: queries[at].source or queries[at].name)
        answers = {at: self._answer(queries[at]) for at in order}
        return [answers[at] for at in range(len(queries))]

    def asked(self, query: Query) -> tuple[list[Part], Answer]:
        """Give the parts that are asked about a package, and the answer where they say nothing of it."""
        nameless = query.ecosystem == "generic" and not query.cpe
        if self._scheme(query.ecosystem) is None or nameless or query.origin == "other":
            return [], _NOBODY  # nobody can say anything about it
        return self._asked(query.ecosystem, query.origin)

    def _answer(self, query: Query) -> Answer:
        scheme = self._scheme(query.ecosystem)
        opened, answer = self.asked(query)
        if scheme is None or not opened:
            return answer
        found = [
            statement for part in opened for statement in _statements(part, scheme, query, self._products)
        ]
        return answer._replace(statements=tuple(found)) if found else answer

    def _parts(self, ecosystem: str, origin: Origin) -> tuple[list[Part], Answer]:
        """Open the parts that speak for packages of an ecosystem and origin; give the answer for one of which they say nothing."""
        scheme = self._scheme(ecosystem)
        cover = self.cover(ecosystem, origin)
        opened = [
            part
            for key in cover.parts
            if (part := self._database.part(key)) is not None
            # keys of another revision of the scheme cannot be compared with ours
            if scheme is not None and part.info.schemes.get(scheme.name, scheme.revision) == scheme.revision
        ]
        used = tuple(part.key for part in opened)
        coverage = cover.coverage
        if coverage == "matched" and not any(set(parts) <= set(used) for parts in cover.enough):
            coverage = "feed_missing"
        feeds = tuple(dict.fromkeys(part.info.feed for part in opened)) or cover.feeds
        missing = tuple(key for key in cover.parts if key not in used)
        return opened, Answer((), coverage, used, feeds, missing)


class Called(NamedTuple):
    """A name under which publishers speak of a package, and the version that they mean by it."""

    name: str
    scope: str
    version: str


def names_of(scheme: Scheme, query: Query) -> list[Called]:
    """Give the names of a package: its own, and of an OS package that of its source."""
    called = [Called(scheme.fold(query.name), "binary", query.version)]
    if query.ecosystem in SYSTEM:
        version = query.source_version or query.version
        if query.ecosystem == "rpm" and ":" in query.version and ":" not in version:
            # A source rpm's file name has no epoch; publishers who speak of source packages write the binaries'.
            version = f"{query.version.partition(':')[0]}:{version}"
        called.append(Called(scheme.fold(query.source or query.name), "source", version))
    return called


def _statements(
    part: Part, scheme: Scheme, query: Query, products: frozenset[str] = frozenset()
) -> list[Statement]:
    key_of = functools.partial(sort_key, scheme)
    called = names_of(scheme, query)
    found = [
        statement
        for name, scope, version in called
        for statement in part.statements(name, scope, key_of(version), version, key_of=key_of)
    ]
    spoken = [statement for statement in found if applies(statement, query)]
    if query.ecosystem == "rpm" and found:
        names = {name for name, _, _ in called}
        of_ours = _of_our_products(part, names, found, query, products) if products else []
        if of_ours:
            decided = {statement.advisory for statement in of_ours}
            others = () if _LAYERED_BUILD.search(query.version) else spoken
            spoken = of_ours + [statement for statement in others if statement.advisory not in decided]
        elif not spoken:
            spoken = _of_products(part, names, found, query)
    return [
        statement._replace(undecided=True) if _is_guess(statement, query) else statement
        for statement in spoken
    ]


def _of_our_products(
    part: Part, names: set[str], found: Sequence[Statement], query: Query, products: frozenset[str]
) -> list[Statement]:
    """Give the statements on the products from whose repositories the image's packages are.

    Extended streams have RHEL's own packages, other products their own: those that nobody else has, and builds that carry
    the product's mark.
    """
    layered = [
        statement
        for statement in found
        if applies(statement, query, of_product=True)
        and any(_is_of(_product(cpe), products) for cpe in statement.more.cpes)
    ]
    if not layered or _LAYERED_BUILD.search(query.version) or part.products(names):
        chosen = layered
    else:
        chosen = [
            statement
            for statement in layered
            if any(_product(cpe).startswith(_STREAMS) for cpe in statement.more.cpes)
        ]
    return [_told(statement) for statement in chosen]


def _is_of(product: str, products: frozenset[str]) -> bool:
    """Tell whether a product is one of these; what has no fix is said of its major version (`redhat:openshift:4`), or of all."""
    return product in products or any(each.startswith((f"{product}.", f"{product}:")) for each in products)


def _told(statement: Statement) -> Statement:
    return statement._replace(more=msgspec.structs.replace(statement.more, note=_note(statement.more)))


def _of_products(part: Part, names: set[str], found: Sequence[Statement], query: Query) -> list[Statement]:
    """Give the statements on products where nobody else has such a package.

    JBoss's `jbcs-httpd24-libcurl` is no package of RHEL's, so what is said of it holds. Which of several products, or of a
    product's releases, a package is from is not known: then it is undecided whether it holds.
    """
    layered = [statement for statement in found if applies(statement, query, of_product=True)]
    products = {_product(cpe) for cpe in part.products(names)} if layered else set()
    if not products:
        return []
    certain = len(products) == 1 and not products.pop().startswith(_STREAMS)
    return [_told(statement)._replace(undecided=statement.undecided or not certain) for statement in layered]


def _product(cpe: str) -> str:
    """Give `vendor:product:version` of `cpe:/a:redhat:jboss_core_services:1::el8`."""
    return ":".join(cpe.split(":")[2:5])


def _note(more: More) -> str:
    said = f"said of {', '.join(sorted({_product(cpe) for cpe in more.cpes}))}"
    return f"{more.note}; {said}" if more.note else said


def _is_guess(statement: Statement, query: Query) -> bool:
    """Tell whether a statement is on a module's stream, and the package a module's build that does not say of which."""
    return statement.more.module not in {"", _ANY_MODULE, query.module}


def applies(statement: Statement, query: Query, *, of_product: bool = False) -> bool:
    """Tell whether a statement's narrowing (architecture, module, product) lets it speak of this package.

    `of_product` asks so of a package that is taken for one of an rpm product's.
    """
    more = statement.more
    if more.arches and query.arch and query.arch not in more.arches and query.arch != "noarch":
        return False
    if query.ecosystem == "rpm":
        # A module's builds and the plain package of the same name have version lines of their own.
        if bool(query.module or _MODULE_BUILD in query.version) != bool(
            more.module or _MODULE_BUILD in statement.fixed
        ):
            return False
        if query.module and more.module not in {"", _ANY_MODULE, query.module}:
            return False
    if query.ecosystem == "generic":
        return bool(query.cpe) and query.cpe in more.cpes
    # A statement on another product (a layered one, an extended-support stream) does not speak of the release's own.
    return query.ecosystem != "rpm" or bool(more.cpes) is of_product
