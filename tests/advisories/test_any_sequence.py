"""Whole builds and increments in any order leave what a whole build of the same records makes."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hullmark.advisories.build import Built, build, build_group, change_group
from hullmark.advisories.database import Database, Part
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.advisory import Advisory, Affected, CveRecord, Range, Withdrawn
from hullmark.model.errors import FeedError
from hullmark.model.facts import Unread

TIME = "2026-01-01T00:00:00Z"
IDS = ("A", "B", "C", "D", "E")
RELEASES = ("toy", "toy-a", "toy-b", "toy-c")
NAMES = ("p", "q", "R_r", "r-r", "s")
GROUP = Group(name="toy", parts=("toy*",), sources=())


def feed(*records: Record) -> Feed:
    def parse(_documents: Iterator[Document]) -> Iterator[Record]:
        return iter(records)

    return Feed(
        name="toy",
        title="Toy",
        licence="CC0-1.0",
        homepage="",
        files=("toy.json",),
        parse=parse,
        parts=lambda _target: None,
        part=lambda affected: affected.release,
        group=lambda _part: GROUP,
    )


statements = st.builds(
    Affected,
    ecosystem=st.sampled_from(("pypi", "pypi", "pypi", "deb", "nobodys")),
    name=st.sampled_from(NAMES),
    release=st.sampled_from(RELEASES),
    scope=st.sampled_from(("binary", "source")),
    ranges=st.lists(
        st.builds(
            Range, introduced=st.sampled_from(("", "0", "1", "?")), fixed=st.sampled_from(("", "2", "3"))
        ),
        max_size=2,
    ).map(tuple),
    versions=st.lists(st.sampled_from(("1", "1.0", "2")), max_size=2).map(tuple),
    note=st.sampled_from(("", "remark")),
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, tuple[Record, ...]]:
    """Give the new records of some ids: none where the publisher took them back."""
    found: dict[str, tuple[Record, ...]] = {}
    for name in draw(st.lists(st.sampled_from(IDS), unique=True, max_size=len(IDS))):
        advisories: st.SearchStrategy[Record] = st.builds(
            Advisory,
            id=st.just(name),
            details=st.sampled_from(("one", "two", "three")),
            bundle=st.booleans(),
            aliases=st.lists(st.sampled_from((*IDS, "X-1")), max_size=2).map(tuple),
            fixes=st.lists(st.sampled_from(("X-1", "X-2")), max_size=2).map(tuple),
            affected=st.lists(statements, max_size=3).map(tuple),
        )
        notes: st.SearchStrategy[Record] = st.builds(
            CveRecord, id=st.just(name), details=st.sampled_from(("one", "two"))
        )
        found[name] = tuple(draw(st.lists(st.one_of(advisories, advisories, advisories, notes), max_size=3)))
    return found


class Step(msgspec.Struct, frozen=True):
    """A whole build of all documents, or an increment with these; `tell` says how what is gone is told, or it is merely not `listed`."""

    whole: bool
    documents: dict[str, tuple[Record, ...]]
    wary: bool = False
    unread: bool = False
    listed: bool = False
    tell: bool = False


steps = st.builds(
    Step,
    whole=st.booleans(),
    documents=documents(),
    wary=st.booleans(),
    unread=st.booleans(),
    listed=st.booleans(),
    tell=st.booleans(),
)


class Model:
    """What each part is made of: (document, record) with the part's own statements."""

    def __init__(self) -> None:
        self.published: dict[str, tuple[Record, ...]] = {}
        self.parts: dict[str, list[Record]] = {}

    def dealt(self, documents: dict[str, tuple[Record, ...]]) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for records in documents.values():
            for record in records:
                if isinstance(record, Advisory):
                    for key in dict.fromkeys(each.release for each in record.affected):
                        mine = tuple(each for each in record.affected if each.release == key)
                        found.setdefault(key, []).append(msgspec.structs.replace(record, affected=mine))
                else:
                    found.setdefault("toy", []).append(record)
        return found

    def whole(self, refused: set[str]) -> None:
        for key, records in self.dealt(self.published).items():
            if key not in refused:
                self.parts[key] = records

    def changed(self, documents: dict[str, tuple[Record, ...]], ids: frozenset[str] | None) -> None:
        for key, records in self.parts.items():
            self.parts[key] = [
                each
                for each in records
                if each.id not in documents and (ids is None or each.id in ids)  # type: ignore[union-attr]
            ]
        for key, records in self.dealt(documents).items():
            self.parts.setdefault(key, []).extend(records)


def spoken(part: Part) -> dict[str, list[tuple[object, ...]]]:
    """Give all that a part says, with the texts that its records have."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for name in part.digests():
        found[name] = sorted(
            (
                *each[:4],
                each[4:9],
                each.versions,
                each.more.note,
                part.advisory(each.advisory, each.mark).details,
            )
            for each in part.spoken(name)
        )
    return found


def named(part: Part, flaw: str) -> set[tuple[str, int, int]]:
    return {
        (name, mark, kind)
        for number, kind in part.named(flaw)
        for name, mark, packages in [part.record(number)]
        if part.spoken(*packages, advisory=name, mark=mark)
    }


def compare(ours: Part, theirs: Part) -> None:
    assert ours.meta()["content"] == theirs.meta()["content"]
    assert spoken(ours) == spoken(theirs)
    mine, other = ours.info, theirs.info
    assert (mine.statements, mine.packages, mine.notes) == (other.statements, other.packages, other.notes)
    assert mine.advisories == other.advisories
    assert ours.notes(IDS) == theirs.notes(IDS)
    for flaw in (*IDS, "X-1", "X-2"):
        assert named(ours, flaw) == named(theirs, flaw)
        for name in ours.digests():
            assert ours.speaks_of(name, flaw) == theirs.speaks_of(name, flaw)
            for scope in ("binary", "source"):
                assert set(ours.bundled_fixes(name, scope, flaw)) == set(
                    theirs.bundled_fixes(name, scope, flaw)
                )


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mirror = folder / "mirror"
        self.mirror.mkdir()
        (self.mirror / "toy.json").write_bytes(b"{}")
        self.model = Model()
        self.count = 0
        self.past: dict[tuple[str, str], dict[int, dict[str, object]]] = {}

    def take(self, step: Step) -> None:
        documents = step.documents
        ids = None
        more: list[Record] = [Unread(kind="record", place="?", reason="?")] if step.unread else []
        if step.whole:
            self.model.published = self.model.published | documents
            records = [each for found in self.model.published.values() for each in found]
            says = any(not isinstance(each, Advisory) or each.affected for each in records)
            with contextlib.nullcontext() if says else contextlib.suppress(FeedError):
                told = build_group(
                    self.mirror,
                    self.folder / "db",
                    feed(*records, *more),
                    GROUP,
                    checked=TIME,
                    accept_loss=not step.wary,
                )
                self.model.whole(set(told.failed))
        elif self.model.parts:
            self.model.published = self.model.published | documents
            records = [each for found in documents.values() for each in found]
            gone = [name for name, found in documents.items() if not found]
            if step.tell:
                records += [Withdrawn(name) for name in gone]
                gone = []
            if step.listed:
                records = [each for each in records if not isinstance(each, Withdrawn)]
                gone = []
                ids = frozenset(name for name, found in self.model.published.items() if found)
            told = change_group(
                self.mirror,
                self.folder / "db",
                feed(*records, *more),
                GROUP,
                removed=gone,
                ids=ids,
                checked=TIME,
            )
            assert not told.failed
            self.model.changed(documents, ids)
        self.check()

    def check(self) -> None:
        self.count += 1
        fresh = self.folder / f"fresh{self.count}"
        records = [each for found in self.model.parts.values() for each in found]
        told: Built = build(self.mirror, fresh, [feed(*records)], built=TIME) if records else Built()
        assert not told.failed
        ours, theirs = Database.open(self.folder / "db"), Database.open(fresh)
        for key in ours.current.parts:
            part, other = ours.part(key), theirs.part(key)
            assert part is not None
            if other is None:
                assert not part.digests()
                assert not part.info.advisories
                assert not part.info.notes
            else:
                compare(part, other)
            self.since(part)
        ours.close()
        theirs.close()

    def since(self, part: Part) -> None:
        info = part.info
        past = self.past.setdefault((part.key, info.lineage), {})
        now: dict[str, object] = dict(spoken(part))
        if info.n in past:
            assert past[info.n] == now
        past[info.n] = now
        possible: set[str] = set()
        revisions = sorted(past, reverse=True)
        for later, before in itertools.pairwise(revisions):
            new, old = past[later], past[before]
            possible |= {name for name in new.keys() | old.keys() if new.get(name) != old.get(name)}
            changes = set(part.changes(before))
            then = past[before]
            least = {name for name in now.keys() | then.keys() if now.get(name) != then.get(name)}
            assert least <= changes <= possible


@settings(max_examples=20, deadline=None, report_multiple_bugs=False, phases=(Phase.explicit, Phase.generate))
@given(st.lists(steps, min_size=1, max_size=6))
def test_any_sequence(given_steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        for step in given_steps:
            machine.take(step)
