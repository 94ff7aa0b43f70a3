"""Paths are shortest, bounded, and never claim what nobody knows."""

from hullmark.detectors._formats import dependency_paths


def test_shortest_path_wins() -> None:
    edges = {"a": ["b", "c"], "b": ["c"], "c": ["d", "a"], "d": []}
    assert dependency_paths.paths(["a"], edges, str) == {
        "a": (),
        "b": ("a",),
        "c": ("a",),
        "d": ("a", "c"),
    }


def test_tops_are_what_nobody_needs() -> None:
    assert dependency_paths.tops({"a": ["b", "a"], "b": [], "c": ["d"], "d": ["c"]}) == ["a"]


def test_direct_is_unknown_without_a_way() -> None:
    via = dependency_paths.paths(["a"], {"a": ["b"]}, str)
    assert [dependency_paths.is_direct(key, ["a"], via) for key in "abz"] == [True, False, None]


def test_a_long_chain_costs_little() -> None:
    length = 100_000
    edges = {number: [number + 1] for number in range(length)}
    found = dependency_paths.paths([0], edges, str)
    assert len(found) == length + 1
    assert found[2] == ("0", "1")
    assert found[length] == ()
    assert max(map(len, found.values())) <= 32


def test_long_names_cost_little() -> None:
    wide = {0: list(range(1, 50_000))}
    found = dependency_paths.paths([0], wide, lambda key: f"{key}" * 10_000)
    assert sum(len(path) for path in found.values()) <= 1000
