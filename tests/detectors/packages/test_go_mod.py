"""What `go.sum` adds to a `go.mod` from before Go 1.17, and that it adds nothing to a later one."""

from conftest import GOLDEN
from hullmark.detectors.detector import File, Seen, View, read_file
from hullmark.detectors.packages import go_mod

SUM = """\
github.com/a/a v1.9.0 h1:aa=
github.com/a/a v1.10.0 h1:aa=
github.com/a/a v1.11.0/go.mod h1:aa=
github.com/a/a v1.10.0-rc.2 h1:aa=
github.com/direct/d v1.5.0 h1:aa=
"""


def _assembled(mod: str, sums: str | None) -> list[tuple[str, str, str]]:
    files = [("app/go.mod", mod)] + ([("app/go.sum", sums)] if sums is not None else [])
    seen = [
        Seen(0, path, read_file(go_mod.DETECTOR, File(path, text.encode())).facts) for path, text in files
    ]
    view = View({"go_mod": seen})
    return [(package.name, package.version, where.path) for package, where in go_mod.assemble(view)]


def test_go_sum_completes_an_old_go_mod() -> None:
    assert _assembled("module m\ngo 1.16\nrequire github.com/direct/d v1.4.0\n", SUM) == [
        ("github.com/direct/d", "v1.4.0", "app/go.mod"),
        ("github.com/a/a", "v1.10.0", "app/go.sum"),
    ]


def test_an_old_go_mod_alone_is_what_it_says() -> None:
    assert _assembled("module m\nrequire github.com/direct/d v1.4.0\n", None) == [
        ("github.com/direct/d", "v1.4.0", "app/go.mod")
    ]


def test_go_1_17_lists_everything() -> None:
    for version in ("1.17", "1.21.3", "1.100", "2.0"):
        assert _assembled(f"module m\ngo {version}\nrequire github.com/direct/d v1.4.0\n", SUM) == [
            ("github.com/direct/d", "v1.4.0", "app/go.mod")
        ]


def test_real_module() -> None:
    case = GOLDEN / "detectors" / "go_mod" / "before-1.17" / "app"
    found = _assembled((case / "go.mod").read_text(), (case / "go.sum").read_text())
    assert ("github.com/sirupsen/logrus", "v1.9.0", "app/go.mod") in found
    assert ("golang.org/x/sys", "v0.0.0-20220715151400-c0bba94af5f8", "app/go.sum") in found
    assert len(found) == len({name for name, _, _ in found}) == 7
