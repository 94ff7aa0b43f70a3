"""What layers hide of one another, and dive's figures for the same."""

import time
from collections.abc import Iterable

import pytest

from hostile.images import entry, folder, hard_link, symlink, tar
from hullmark.advice.stacking import Stacked, stacked
from hullmark.images.index import Indexing, LayerIndex, Room
from hullmark.images.limits import ReadLimits
from hullmark.model.errors import LimitError


def index(*parts: bytes) -> LayerIndex:
    indexing = Indexing(ReadLimits(), Room())
    indexing.read(iter([tar(*parts)]))
    return indexing.frozen()


def gone(path: str) -> bytes:
    above, slash, name = path.rpartition("/")
    return entry(f"{above}{slash}.wh.{name}")


def told(found: Stacked) -> set[tuple[str, int, int, int, str]]:
    return {(each.path, each.size_bytes, each.layer, each.by, each.how) for each in found.largest}


def stack(*layers: Iterable[bytes]) -> Stacked:
    return stacked([index(*layer) for layer in layers])


def test_nothing_is_hidden_where_paths_differ() -> None:
    found = stack([entry("a", b"1" * 10)], [entry("b", b"2" * 20)])
    assert found.content_bytes == [10, 20]
    assert found.hidden_bytes == [0, 0]
    assert found.dive == (30, 30, 0)
    assert found.dive.efficiency == 1


def test_a_deleted_file_is_lost() -> None:
    found = stack([entry("a", b"1" * 100), entry("b", b"2" * 50)], [gone("a")])
    assert told(found) == {("a", 100, 0, 1, "deleted")}
    assert found.hidden_bytes == [100, 0]
    assert found.dive == (150, 50, 100)


def test_an_overwritten_file_is_lost_and_a_touched_one_is_told_apart() -> None:
    found = stack(
        [entry("a", b"1" * 100), entry("b", b"2" * 50)],
        [entry("a", b"3" * 80), entry("b", b"2" * 50, mode=0o755)],
    )
    assert told(found) == {("a", 100, 0, 1, "overwritten"), ("b", 50, 0, 1, "touched")}
    # dive: both copies of both are wasted, the smaller of each would have been enough
    assert found.dive == (280, 130, 280)


def test_a_deleted_folder_is_told_as_one_with_what_every_layer_had_in_it() -> None:
    found = stack(
        [folder("d"), entry("d/a", b"1" * 10), entry("d/sub/b", b"2" * 20), entry("dd", b"3")],
        [entry("d/c", b"4" * 40)],
        [gone("d")],
    )
    assert told(found) == {("d", 30, 0, 2, "deleted"), ("d", 40, 1, 2, "deleted")}
    assert found.hidden_paths == 3
    # dive counts the folder once more, as a path that stands once
    assert found.dive == (141, 141, 0)


def test_an_opaque_folder_hides_what_is_below_it_and_not_what_comes_with_it() -> None:
    found = stack(
        [entry("d/a", b"1" * 10)], [entry("d/.wh..wh..opq"), entry("d/b", b"2" * 5)], [entry("d/b", b"3" * 7)]
    )
    assert told(found) == {("d", 10, 0, 1, "deleted"), ("d/b", 5, 1, 2, "overwritten")}


@pytest.mark.parametrize("other", [symlink("d", "elsewhere"), entry("d", b"file")])
def test_what_is_no_folder_hides_a_whole_folder(other: bytes) -> None:
    assert told(stack([entry("d/x/a", b"1" * 10)], [other])) == {("d", 10, 0, 1, "overwritten")}


def test_a_folder_hides_a_file() -> None:
    assert told(stack([entry("d", b"1" * 10)], [folder("d"), entry("d/a", b"2")])) == {
        ("d", 10, 0, 1, "overwritten")
    }


def test_a_whiteout_hides_nothing_of_its_own_layer() -> None:
    assert told(stack([entry("a", b"1" * 10)], [entry("a", b"2" * 20), gone("a")])) == {
        ("a", 10, 0, 1, "deleted")
    }


def test_what_was_deleted_and_comes_again_counts_three_times_for_dive() -> None:
    found = stack([entry("a", b"1" * 10)], [gone("a")], [entry("a", b"3" * 30)])
    assert found.hidden_bytes == [10, 0, 0]
    assert found.dive == (40, 0, 40)


def test_a_file_that_a_hard_link_still_needs_is_not_lost() -> None:
    found = stack([entry("a", b"1" * 10), hard_link("b", "a")], [gone("a")])
    assert found.hidden_bytes == [0, 0]


def test_each_entry_tells_whether_it_shows() -> None:
    found = stack([entry("a", b"1"), entry("b", b"2")], [gone("a")])
    assert [bytes(each) for each in found.hides] == [b"\1\0", b"\0"]


def test_pairs_add_up_to_all_that_is_hidden() -> None:
    found = stack(
        [entry(f"f{number}", bytes(number)) for number in range(50)],
        [entry(f"f{number}", bytes(1)) for number in range(0, 50, 2)],
        [gone(f"f{number}") for number in range(0, 50, 3)],
    )
    assert sum(pair.size_bytes for pair in found.pairs) == sum(found.hidden_bytes)
    assert sum(pair.files for pair in found.pairs) == found.hidden_paths


def test_thousands_of_layers_that_put_and_take_the_same_folder_take_no_longer_than_their_entries() -> None:
    base = index(*(entry(f"d/{number}", b"x") for number in range(20_000)))
    layers = [base] + [
        index(gone("d")) if n % 2 else index(entry("d/a", b"y"), entry("d/b", b"z")) for n in range(2_000)
    ]
    start = time.process_time()
    found = stacked(layers)
    assert time.process_time() - start < 5
    assert found.hidden_bytes[0] == 20_000


def test_folders_without_end_are_refused() -> None:
    paths = b"".join(b"%d/" % number + b"a/" * 2000 + b"f\0" for number in range(200))
    count = 200
    deep = LayerIndex(
        paths,
        b"0" * count,
        bytes(8 * count),
        bytes(2 * count),
        bytes(8 * count),
        bytes(8 * count),
        bytes(16 * count),
    )
    with pytest.raises(LimitError, match="folders"):
        stacked([deep])
