"""Applications on other bases, made of what real programs need."""

import shutil
from pathlib import Path

import pytest

from hullmark.advice.linking import Fit, Linked, Missing, Part, fit
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.linkage import DETECTOR
from hullmark.model.facts import Needs

X86, ARM = "62/64", "183/64"
LOADER = "/lib64/ld-linux-x86-64.so.2"
GLIBC = (
    Linked("usr/lib/libc.so.6", Needs(X86, soname="libc.so.6", defines=("GLIBC_2.17", "GLIBC_2.28"))),
    Linked("usr/lib/ld-linux-x86-64.so.2", Needs(X86, soname="ld-linux-x86-64.so.2")),
)
MUSL = (Linked("lib/ld-musl-x86_64.so.1", Needs(X86, soname="libc.musl-x86_64.so.1")),)


def app(*libraries: str, loader: str = LOADER, versions: tuple[str, ...] = (), machine: str = X86) -> Part:
    needs = Needs(machine, libraries=libraries, loader=loader, versions=versions)
    return Part(files=(Linked("app/main", needs),))


def test_what_is_there_runs() -> None:
    own = app("libc.so.6", versions=("libc.so.6 GLIBC_2.17",))
    assert fit(own, Part(files=GLIBC)) == Fit(runs=True)


def test_a_static_program_runs_on_nothing_at_all() -> None:
    assert fit(app(loader=""), Part()).runs is True


def test_a_missing_library_is_named_with_who_needs_it() -> None:
    needs = Needs(X86, libraries=("libssl.so.3",))
    own = Part(files=tuple(Linked(f"app/{number}.so", needs) for number in range(5)))
    found = fit(own, Part(files=GLIBC))
    assert found == Fit(
        runs=False, missing=(Missing("library", "libssl.so.3", ("app/0.so", "app/1.so", "app/2.so"), 5),)
    )
    assert (
        found.missing[0].said()
        == "libssl.so.3 is missing, which app/0.so, app/1.so, app/2.so and 2 more need"
    )


def test_a_library_of_the_application_itself_counts() -> None:
    needs = Needs(X86, libraries=("libown.so",))
    own = Part(files=(Linked("app/main", needs), Linked("app/lib/libown.so", Needs(X86))))
    assert fit(own, Part()).runs is True


def test_glibc_does_not_run_on_musl_nor_musl_on_glibc() -> None:
    assert [each.name for each in fit(app("libc.so.6"), Part(files=MUSL)).missing] == [
        "libc.so.6",
        "ld-linux-x86-64.so.2",
    ]
    alpine = app("libc.musl-x86_64.so.1", loader="/lib/ld-musl-x86_64.so.1")
    assert [each.name for each in fit(alpine, Part(files=GLIBC)).missing] == [
        "libc.musl-x86_64.so.1",
        "ld-musl-x86_64.so.1",
    ]
    assert fit(alpine, Part(files=MUSL)).runs is True


def test_an_older_glibc_lacks_versions() -> None:
    (missing,) = fit(app("libc.so.6", versions=("libc.so.6 GLIBC_2.34",)), Part(files=GLIBC)).missing
    assert missing == Missing("version", "GLIBC_2.34 of libc.so.6", ("app/main",))
    assert missing.said() == "GLIBC_2.34 of libc.so.6 is missing, which app/main needs"


def test_a_library_of_another_processor_is_none() -> None:
    assert fit(app("libc.so.6", machine=ARM), Part(files=GLIBC)).runs is False


def test_the_configurations_programs_must_be_there() -> None:
    own = app(loader="")
    assert fit(own, Part(programs=frozenset({"python3"})), ["/usr/bin/python3"]).runs is True
    found = fit(own, Part(), ["python3"])
    assert found.missing == (Missing("program", "python3"),)
    assert found.missing[0].said() == "the program python3 is missing"


def test_what_was_not_read_is_not_known() -> None:
    assert fit(None, Part()).runs is None
    assert fit(app(), None).runs is None
    partial = Part(files=(Linked("app/main", Needs(X86, partial=True)),))
    assert fit(partial, Part()).runs is None


def test_packages_of_the_system_are_to_be_brought_along() -> None:
    own = Part(packages=("libpq5", "curl", "curl"))
    assert fit(own, Part()).reinstall == ("curl", "libpq5")


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_real_program_runs_on_the_libraries_of_this_machine_and_not_without_one() -> None:
    program = shutil.which("git")
    assert program is not None
    own = Part(files=(_linked(Path(program)),))
    libraries = [path for path in Path("/lib").glob("*-linux-gnu/*.so*") if path.is_file()]
    base = tuple(
        _linked(path)
        for path in libraries
        if path.name in {*own.files[0].needs.libraries, "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
    )
    assert fit(own, Part(files=base)) == Fit(runs=True)
    dropped = own.files[0].needs.libraries[0]
    without = tuple(each for each in base if not each.path.endswith(dropped))
    assert [each.name for each in fit(own, Part(files=without)).missing] == [dropped]


def _linked(path: Path) -> Linked:
    (fact,) = read_file(DETECTOR, File(str(path)[1:], path.read_bytes())).facts
    assert isinstance(fact, Needs)
    return Linked(str(path)[1:], fact)
