"""Java archives: what a jar, war or ear is, what was shaded into it, and the archives in it.

Formats: the JAR file specification (META-INF/MANIFEST.MF), OSGi Core 3.2 (the Bundle headers), and what
maven-archiver adds (META-INF/maven/<group>/<artifact>/pom.properties and pom.xml). Where Maven's files are
missing, the file's name and the manifest say what it is; the group may then be a guess.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from hullmark.detectors._formats import documents, java_names, licences
from hullmark.detectors._formats.zip import RATIO_FROM, Archive, Budget, Entry
from hullmark.detectors._formats.zip_stream import Listed, Part, Stream, StreamBudget
from hullmark.detectors.detector import Detector, File, Limits, MalformedError
from hullmark.model.facts import Fact, Package, Unread

_EXTENSIONS = ("jar", "war", "ear", "par", "sar", "jpi", "hpi", "lpkg", "kar", "nar")
_MAX_MANIFEST = 16 * 1024 * 1024  # a signed archive's has a digest for each class
_MAX_MAIN_SECTION = 64 * 1024
_MAX_TEXT = 1024 * 1024
_MAX_PROPERTIES = 64 * 1024
_MAX_TEXTS = 16 * 1024 * 1024
_MAX_HELD = 128 * 1024 * 1024
_MAX_NAME = 300

_WANTED = re.compile(
    rb"META-INF/(?:MANIFEST\.MF|maven/[^/]+/[^/]+/pom\.(?:properties|xml))|.*\.(?:%b)"
    % b"|".join(extension.encode() for extension in _EXTENSIONS),
    re.IGNORECASE | re.DOTALL,
)
_TEXTS = (".properties", ".xml", ".mf")
_GROUP = re.compile(r"[A-Za-z][\w-]*(?:\.[\w-]+)+")
_ARTIFACT = re.compile(r"(?=.*[A-Za-z])\w[\w.-]*")
_NUMBERED = re.compile(r"v?\d[\w.+-]*")
_PROPERTY = re.compile(r"\$\{([^}]*)\}")
_ESCAPE = re.compile(r"\\(.)")
_UMBRELLAS = frozenset({"org.apache", "org.eclipse", "com.google", "com.github", "org.codehaus", "com.sun"})
_SCALA = re.compile(r"_(?:2\.\d+|3)$")
_VERSIONS = ("plugin-version", "implementation-version", "bundle-version", "specification-version")
_DIVIDER = re.compile(r"[-_]")
_JAVA_ITSELF = ("Java Runtime Environment", "Java Platform API Specification")


class _Identity(NamedTuple):
    group: str
    artifact: str
    version: str
    licences: tuple[str, ...] = ()
    folder: str = ""

    @property
    def name(self) -> str:
        return f"{self.group}:{self.artifact}"


class _Budget(Budget):
    """What is left for the whole file; Maven's files have a bound of their own, since they are parsed."""

    __slots__ = ("text_left",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.text_left = _MAX_TEXTS


class _StreamBudget(StreamBudget):
    """The same for an archive that is read as it comes."""

    __slots__ = ("text_left",)

    def __init__(self, limits: Limits, size: int) -> None:
        super().__init__(limits, size)
        self.text_left = _MAX_TEXTS


class _Level(NamedTuple):
    """Where in the nest of archives: file name, place, enclosing artifacts, depth, bytes held for it."""

    name: str
    place: str = ""
    via: tuple[str, ...] = ()
    depth: int = 0
    held: int = 0


def read(file: File) -> Iterator[Fact]:
    """Give the archive itself, what was shaded into it, and the same for each archive in it."""
    if file.name == "pom.properties":
        if len(file.body) > _MAX_PROPERTIES:
            raise MalformedError(f"pom.properties of {len(file.body)} bytes")
        group, artifact = file.path.split("/")[-3:-1]
        found = _pom_properties(file.body, group, artifact)
        if found.version:
            yield Package(ecosystem="maven", name=found.name, version=found.version)
        else:
            yield file.unread("pom.properties without a version")
        return
    yield from _archive(file, file.body, _Budget(file.limits), _Level(file.name))


def _archive(file: File, body: bytes, budget: _Budget, level: _Level) -> Iterator[Fact]:
    archive = Archive(body, budget)
    texts: dict[str, bytes] = {}
    nested: list[Entry] = []
    unread: list[Unread] = []

    def note(problem: MalformedError) -> None:
        unread.append(file.unread(problem.reason, _inside(level.place, problem.place)))

    try:
        for entry in archive.entries(_WANTED.fullmatch):
            if not entry.name.lower().endswith(_TEXTS):
                nested.append(entry)
                continue
            try:
                texts.setdefault(entry.name, _text(archive, entry, budget))
            except MalformedError as problem:
                note(problem)
    except MalformedError as problem:
        note(problem)
    found, below = _described(file, texts, level, unread)
    yield from found
    for entry in nested:
        yield from _nested(file, archive, entry, budget, level._replace(via=below))


def _described(
    file: File, texts: dict[str, bytes], level: _Level, unread: list[Unread], *, guess: bool = True
) -> tuple[list[Fact], tuple[str, ...]]:
    """Say what an archive is and what was shaded into it, and what is the path to the archives in it."""
    sections = list(_sections(texts))
    manifest = sections[0] if sections else {}
    identities: list[_Identity] = []
    facts: list[Fact] = []

    def note(problem: MalformedError) -> None:
        unread.append(file.unread(problem.reason, _inside(level.place, problem.place)))

    for folder in dict.fromkeys(name.rpartition("/")[0] for name in texts if "/maven/" in name):
        try:
            found = _maven(file, folder, texts)
        except MalformedError as problem:
            note(MalformedError(problem.reason, f"{folder}/pom.xml {problem.place}".rstrip()))
            continue
        if found.version:
            identities.append(found)
        else:
            note(MalformedError("Maven's files name no version", folder))
    own = _own(level.name, identities)
    if own is None and guess:
        own = _guess(level.name, sections, known=bool(identities))
    below = level.via
    if own is not None:
        facts.append(_package(own, level.place, level.via, own.licences or _bundle_licence(manifest)))
        below = (*level.via, f"{own.name}@{own.version}")
    for identity in identities:
        if identity is not own:
            place = _inside(level.place, identity.folder)
            facts.append(_package(identity, place, below, identity.licences))
    return [*facts, *unread], below


def _text(archive: Archive, entry: Entry, budget: _Budget) -> bytes:
    if entry.name.lower().endswith(".mf"):
        return archive.read(entry, _MAX_MANIFEST)[:_MAX_MAIN_SECTION]
    content = archive.read(entry, min(_max_text(entry.name), budget.text_left))
    budget.text_left -= len(content)
    return content


def _max_text(name: str) -> int:
    return _MAX_PROPERTIES if name.lower().endswith(".properties") else _MAX_TEXT


def _nested(file: File, archive: Archive, entry: Entry, budget: _Budget, level: _Level) -> Iterator[Fact]:
    place = _inside(level.place, entry.name)
    if level.depth >= file.limits.max_nested_archives:
        yield file.unread("archive nested too deeply", place)
        return
    try:
        body = archive.read(entry, _MAX_HELD - level.held)
        name = entry.name.rpartition("/")[2]
        inner = _Level(name, place, level.via, level.depth + 1, level.held + len(body))
        yield from _archive(file, body, budget, inner)
    except MalformedError as problem:
        yield file.unread(problem.reason, place)


def stream(file: File, pieces: Iterator[bytes]) -> Iterator[Fact]:
    """Give the same for an archive that is too large to be held, with what stands in its way as Unread."""
    if file.name == "pom.properties":
        raise MalformedError(f"pom.properties of {file.size} bytes")
    found, problem = _streamed(file, pieces, _StreamBudget(file.limits, file.size), _Level(file.name))
    yield from found
    if problem is not None:
        raise problem


class _Passed(NamedTuple):
    """An entry that went by: its checksum and size, and its text, the facts of the archive that it is, or a problem."""

    crc: int
    size_bytes: int
    text: bytes = b""
    facts: tuple[Fact, ...] = ()
    problem: str = ""


def _streamed(
    file: File, pieces: Iterator[bytes], budget: _StreamBudget, level: _Level
) -> tuple[list[Fact], MalformedError | None]:
    """Read the entries as they come, and keep those that the directory at the end confirms."""
    archive = Stream(pieces, budget, _WANTED.fullmatch)
    passed: dict[tuple[str, int], _Passed] = {}
    broken: MalformedError | None = None
    try:
        for part in archive.parts():
            passed[part.name, part.offset] = _pass(file, part, budget, level)
    except MalformedError as problem:
        broken = problem
    texts: dict[str, bytes] = {}
    nested: list[Fact] = []
    unread: list[Unread] = []
    for name, found in _confirmed(passed, archive.listed, budget):
        if found.problem:
            unread.append(file.unread(found.problem, _inside(level.place, name)))
        elif name.lower().endswith(_TEXTS):
            texts.setdefault(name, found.text)
        else:
            nested += found.facts
    facts, below = _described(file, texts, level, unread, guess=archive.listed is not None)
    return [*facts, *(_below(fact, below) for fact in nested)], broken


def _confirmed(
    passed: dict[tuple[str, int], _Passed], listed: list[Listed] | None, budget: _StreamBudget
) -> Iterator[tuple[str, _Passed]]:
    """Give the entries in the directory's order and by its word, or all where none was reached."""
    if listed is None:
        yield from ((name, found) for (name, _offset), found in passed.items())
        return
    for entry in listed:
        found = passed.get((entry.name, entry.offset))
        if found is None:
            problem = "zip entry without a header"
        elif found.problem:
            problem = found.problem
        elif entry.is_encrypted:
            problem = "encrypted"
        elif (found.size_bytes, found.crc) != (entry.size_bytes, entry.crc):
            problem = "zip entry that is damaged"
        elif entry.size_bytes > max(RATIO_FROM, entry.packed_bytes * budget.max_ratio):
            problem = f"expands by more than {budget.max_ratio} times"
        else:
            yield entry.name, found
            continue
        yield entry.name, _Passed(0, 0, problem=problem)


def _pass(file: File, part: Part, budget: _StreamBudget, level: _Level) -> _Passed:
    """Take what is wanted of an entry while it goes by."""
    text, facts = b"", []
    try:
        if part.name.lower().endswith(_TEXTS):
            text = _passing_text(part, budget)
        else:
            facts = _passing_archive(file, part, budget, level)
        part.drain()
    except MalformedError as problem:
        return _Passed(0, 0, problem=problem.reason)
    return _Passed(part.crc, part.size_bytes, text, tuple(facts), part.problem)


def _passing_text(part: Part, budget: _StreamBudget) -> bytes:
    """Give a manifest's main section, or the whole of one of Maven's files."""
    manifest = part.name.lower().endswith(".mf")
    limit = _MAX_MANIFEST if manifest else min(_max_text(part.name), budget.text_left)
    held = bytearray()
    for piece in part.pieces:
        if part.size_bytes > limit:
            raise MalformedError(f"expands to more than {limit} bytes", part.name)
        held += piece[: _MAX_MAIN_SECTION - len(held)] if manifest else piece
    budget.text_left -= 0 if manifest else len(held)
    return bytes(held)


def _passing_archive(file: File, part: Part, budget: _StreamBudget, level: _Level) -> list[Fact]:
    """Read an archive in the archive; what is above it is not known yet, so its own paths start with itself."""
    place = _inside(level.place, part.name)
    if level.depth >= file.limits.max_nested_archives:
        return [file.unread("archive nested too deeply", place)]
    name = part.name.rpartition("/")[2]
    facts, broken = _streamed(file, part.pieces, budget, _Level(name, place, depth=level.depth + 1))
    return [*facts, file.unread(broken.reason, place)] if broken is not None else facts


def _below(fact: Fact, via: tuple[str, ...]) -> Fact:
    return msgspec.structs.replace(fact, via=(*via, *fact.via)) if isinstance(fact, Package) else fact


def _inside(place: str, inner: str) -> str:
    return f"{place}!/{inner}" if place and inner else place or inner


def _package(identity: _Identity, place: str, via: tuple[str, ...], stated: tuple[str, ...]) -> Package:
    return Package(
        ecosystem="maven",
        name=identity.name,
        version=identity.version,
        licences=stated,
        place=place,
        via=via,
    )


def _maven(file: File, folder: str, texts: dict[str, bytes]) -> _Identity:
    """Read one folder of META-INF/maven; its own path names group and artifact where the files do not."""
    group, artifact = folder.split("/")[-2:]
    found = _Identity(group, artifact, "", folder=folder)
    if f"{folder}/pom.properties" in texts:
        found = _pom_properties(texts[f"{folder}/pom.properties"], group, artifact)._replace(folder=folder)
    if f"{folder}/pom.xml" in texts:
        try:
            pom = _pom(file, texts[f"{folder}/pom.xml"])
        except MalformedError:
            if found.version:  # all that it could add is the licence
                return found
            raise
        found = found._replace(version=found.version or pom.version, licences=pom.licences)
    return found


def _pom_properties(body: bytes, group: str, artifact: str) -> _Identity:
    """Read `key=value` lines (java.util.Properties)."""
    fields: dict[str, str] = {}
    for line in body.decode("utf-8", "replace").splitlines():
        if not line.lstrip().startswith(("#", "!")):
            key, _, value = line.replace(":", "=", int("=" not in line)).partition("=")
            fields[key.strip()] = _ESCAPE.sub(r"\1", value.strip())
    return _Identity(
        _plain(fields.get("groupId", "")) or group,
        _plain(fields.get("artifactId", "")) or artifact,
        _plain(fields.get("version", "")),
    )


def _plain(text: str) -> str:
    """Give a value that stands for itself: not `${project.version}`, not a paragraph."""
    return "" if "${" in text or len(text) > _MAX_NAME or not text.isprintable() else text


def _pom(file: File, body: bytes) -> _Identity:
    """Read a pom.xml; what it leaves out is its parent's."""
    project = documents.xml(File(file.path, body, limits=file.limits))
    properties = project.find("properties")
    children = properties.children if properties else []
    known = {child.name: child.text.strip() for child in children if len(child.text) <= _MAX_NAME}
    for name in ("groupId", "version"):
        known[f"project.{name}"] = project.value(name) or project.value("parent", name)

    def filled(text: str) -> str:
        for _ in range(5):
            if "${" not in text or len(text) > _MAX_NAME:
                break
            text = _PROPERTY.sub(lambda found: known.get(found[1], found[0]), text)
        return _plain(text)

    stated = project.find("licenses")
    names = [item.value("name") or item.value("url") for item in stated.all("license")] if stated else []
    return _Identity(
        filled(known["project.groupId"]),
        filled(project.value("artifactId")),
        filled(known["project.version"]),
        _licences(names),
    )


def _licences(names: Iterable[str]) -> tuple[str, ...]:
    found = (text for name in names for text in licences.of_text(" ".join(name.split())))
    return tuple(dict.fromkeys(found))[:20]


def _sections(texts: dict[str, bytes]) -> Iterator[dict[str, str]]:
    """Read the manifest, its main section first: `Name: value` lines, continued by lines that start with a space."""
    body = next((text for name, text in texts.items() if name.lower() == "meta-inf/manifest.mf"), b"")
    fields: dict[str, list[str]] = {}
    current: list[str] = []
    for line in (*body.decode("utf-8", "replace").splitlines(), ""):
        if not line.strip():
            if fields:
                yield {key: "".join(values).strip() for key, values in fields.items()}
            fields = {}
        elif line[0] == " ":
            current.append(line[1:])
        else:
            key, _, value = line.partition(":")
            current = fields.setdefault(key.strip().lower(), [])
            current[:] = [value.strip()]


def _own(name: str, identities: list[_Identity]) -> _Identity | None:
    """Find which of the packages in an archive it is itself, by its file name."""
    stem = name.rpartition(".")[0]
    artifact, version = java_names.split(stem)
    fitting = [
        identity
        for identity in identities
        if identity.artifact in {artifact, stem}
        or f"{stem}-".startswith(f"{identity.artifact}-{identity.version}-")
    ]
    if fitting:
        return max(fitting, key=lambda identity: (identity.version == version, len(identity.artifact)))
    if not version and len(identities) == 1:
        return identities[0]
    same = [identity for identity in identities if version and identity.version == version]
    return same[0] if len(same) == 1 else None


def _guess(name: str, sections: list[dict[str, str]], *, known: bool) -> _Identity | None:
    """Say by file name and manifest what an archive is. One full of known packages needs a file name that says so."""
    manifest = sections[0] if sections else {}
    if (
        manifest.get("implementation-title") in _JAVA_ITSELF
        or manifest.get("specification-title") in _JAVA_ITSELF
    ):
        return None
    stem = name.rpartition(".")[0]
    artifact, version = java_names.split(stem)
    symbolic = manifest.get("bundle-symbolicname", "").partition(";")[0].strip()
    if not version:
        if known:
            return None
        version = _stated_version(stem, sections)
        artifact = _stated_artifact(stem, version, manifest, symbolic)
    if not (version and artifact):
        return None
    return _Identity(_group(artifact, version, manifest, symbolic), artifact, version)


def _stated_version(stem: str, sections: list[dict[str, str]]) -> str:
    """Give the version that a manifest states: in its main section, or (Ant, Xalan) in that of the archive's own packages."""
    stated = [section.get(key, "") for section in sections[:1] for key in _VERSIONS]
    if not any(stated):
        stated = [section.get("implementation-version", "") for section in sections if _is_own(stem, section)]
    # `2.0.8 2003-12-28 11:00:13` (ORO) says more than a version
    words = (text.partition(" ")[0] for text in stated)
    return next(
        (text for text in (*stated, *words) if _NUMBERED.fullmatch(text) and len(text) <= _MAX_NAME), ""
    )


def _is_own(stem: str, section: dict[str, str]) -> bool:
    """Tell whether a section is of packages that the file is called by: org/apache/xerces/impl in xercesImpl.jar."""
    flat = _DIVIDER.sub("", stem.lower())
    parts = section.get("name", "")[:_MAX_NAME].lower().strip("/").split("/")
    return any("".join(parts[start:]) == flat for start in range(len(parts)))


def _stated_artifact(stem: str, version: str, manifest: dict[str, str], symbolic: str) -> str:
    """Give the artifact of a file whose name has no version: what a table knows, then that name where the manifest bears it out."""
    last = symbolic.rpartition(".")[2]
    # servlet-api.jar of Tomcat is org.apache.tomcat-servlet-api, so it is looked at before the file's name
    if symbolic.startswith(java_names.group(last, version) or "?"):
        return last
    if java_names.group(stem, version):
        return stem
    titles = (manifest.get("short-name", ""), manifest.get("implementation-title", ""), symbolic, stem)
    title = next((title for title in titles if _ARTIFACT.fullmatch(title)), "")
    return stem if title.rpartition(".")[2].lower() == stem.lower() else title


def _group(artifact: str, version: str, manifest: dict[str, str], symbolic: str) -> str:
    """Find the group of an artifact: the table, then what the manifest calls so, then what looks like it."""
    known = java_names.group(artifact, version)
    if known:
        return known
    for key in ("group-id", "implementation-vendor-id"):
        if _GROUP.fullmatch(manifest.get(key, "")) and manifest[key] not in _UMBRELLAS:
            return manifest[key]
    for text in (symbolic, manifest.get("automatic-module-name", "")):
        if not _GROUP.fullmatch(text):
            continue
        # org.eclipse.jetty.server is jetty-server of org.eclipse.jetty, io.micronaut.micronaut_aop micronaut-aop
        flat, whole = (_DIVIDER.sub(".", name).lower() for name in (_SCALA.sub("", artifact), text))
        if whole.endswith(f".{flat}"):
            head = text[: -len(flat) - 1]
        else:
            head, _, last = text.rpartition(".")
            head = head if f".{flat}".endswith(f".{last.lower()}") else ""
        if "." in head and head not in _UMBRELLAS:
            return head
    return artifact


def _bundle_licence(manifest: dict[str, str]) -> tuple[str, ...]:
    """Take the licences of an OSGi bundle: identifiers or links, each perhaps with attributes."""
    texts = (part.partition(";")[0].strip(" \"'") for part in manifest.get("bundle-license", "").split(","))
    return _licences(text for text in texts if "<<" not in text)


DETECTOR = Detector(
    name="java_archive",
    version=6,
    wants=(
        *(f"**/*.{extension}" for extension in (*_EXTENSIONS, *map(str.upper, _EXTENSIONS))),
        "**/META-INF/maven/*/*/pom.properties",
    ),
    read=read,
    stream=stream,
    max_bytes=128 * 1024 * 1024,
)
