"""Secrets are found in a stream as they are in its files, however the stream is cut."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.detectors.secrets.engine import HEAD, Engine, wide_encoding
from hullmark.detectors.secrets.rule import SecretRule, assigned
from hullmark.detectors.secrets.samples import expanded
from hullmark.detectors.secrets.stream import SecretStream
from hullmark.model.advisory import Severity
from hullmark.model.facts import BinaryFiles, Secret
from hullmark.model.rule import Rule


def rule(name: str, pattern: str, *, binary: bool = False) -> SecretRule:
    about = Rule(id=name, kind="secret", severity=Severity.HIGH, summary="", why="", fix="")
    return SecretRule(rule=about, pattern=pattern, binary=binary)


RULES = (
    rule("line", r"(?m)^pass=(?P<secret>[a-z0-9]{12})$"),
    rule("hub", r"\bghp_[0-9A-Za-z]{36}\b"),
    rule("dog", assigned("datadog", "[a-f0-9]{32}")),
    rule("key", r"\bxkey_[0-9A-Za-z]{24}\b", binary=True),
)
ENGINE = Engine(lambda: RULES, b"key")
LINES = st.sampled_from(
    [
        b"",
        b"plain words",
        b"x" * 9000,
        b"\0\1\2",
        expanded("token ghp_<<alnum:36>>").encode(),
        expanded("datadog_api_key = <<hex:32>>").encode(),
        expanded("xkey_<<alnum:24>>").encode(),
        expanded("pass=<<lower:12>>").encode(),
    ]
)
BODIES = st.builds(
    lambda lines, wide: (
        b"\xff\xfe" + b"\n".join(lines).decode().encode("utf-16-le") if wide else b"\n".join(lines)
    ),
    st.lists(LINES, max_size=12),
    st.sampled_from([False, False, False, True]),
)


@given(st.lists(BODIES, max_size=12), st.sampled_from([100, 512, 1000, 5000, 70_000]), st.integers(0, 1000))
def test_a_stream_is_searched_as_its_files_are(bodies: list[bytes], size: int, seed: int) -> None:
    stream, files = b"", []
    chance = random.Random(seed)
    for number, body in enumerate(bodies):
        stream += chance.randbytes(chance.randint(0, 300)).ljust(512, b"\0")
        files.append((f"file{number}", len(stream), body))
        stream += body + b"\0" * (-len(body) % 512)
    search, waiting = SecretStream(ENGINE), list(files)
    for at in range(0, len(stream), size):
        search.piece(stream[at : at + size])
        while waiting and waiting[0][1] <= at + size:
            path, start, body = waiting.pop(0)
            search.file(path, start, len(body))
    found = {facts.path: list(facts.facts) for facts in search.end()}
    binary = sum(b"\0" in body[:HEAD] and not wide_encoding(body) for body in bodies)
    assert found.pop("", []) == ([BinaryFiles(binary)] if binary else [])
    expected = {path: secrets for path, _, body in files if (secrets := ENGINE.search(path, body)[0])}
    assert found == expected


@pytest.mark.parametrize("before", range(0, 20_000, 1000))
def test_a_binary_file_across_a_border_is_counted_once(before: int) -> None:
    """What tells that it is one stands at the end of its first 8 KiB, which the piece may not reach to."""
    text = b"x" * (300_000 - before)
    body = b"y" * (HEAD - 1) + b"\0" + b"y" * 50_000
    search = SecretStream(ENGINE)
    search.file("text", 0, len(text))
    search.file("binary", len(text), len(body))
    search.file("small", len(text) + len(body), 3)
    stream = text + body + b"a\0b"
    for at in range(0, len(stream), 300_000):
        search.piece(stream[at : at + 300_000])
    assert [(facts.path, facts.facts) for facts in search.end()] == [("", (BinaryFiles(2),))]


def test_places_are_exact() -> None:
    token = expanded("ghp_<<alnum:36>>")
    (secret,), more = ENGINE.search("a", f"one\ntwo {token} three\n".encode())
    assert isinstance(secret, Secret)
    assert (secret.line, secret.column, secret.end_column, more) == (2, 5, 45, False)
    assert token not in repr(secret)


def test_only_rules_that_say_so_look_into_binary_files() -> None:
    body = b"\0" + expanded("ghp_<<alnum:36>>\n").encode() + expanded("xkey_<<alnum:24>>").encode()
    assert [secret.rule for secret in ENGINE.search("a", body)[0]] == ["key"]


def test_the_same_value_has_the_same_fingerprint_and_another_key_another() -> None:
    body = expanded("ghp_<<alnum:36>>").encode()
    (one,), _ = ENGINE.search("a", body)
    (two,), _ = ENGINE.search("b", b"x\n" + body)
    (other,), _ = Engine(lambda: RULES, b"other").search("a", body)
    assert one.fingerprint == two.fingerprint != other.fingerprint


def test_what_was_compiled_is_kept_and_what_is_damaged_is_made_anew() -> None:
    kept: dict[str, bytes] = {}
    body = expanded("ghp_<<alnum:36>>").encode()
    for _ in range(2):
        engine = Engine(lambda: RULES, b"key", name="rules", load=kept.get, save=kept.__setitem__)
        assert len(engine.search("a", body)[0]) == 1
    assert len(kept) == 2  # of these rules: for texts and for binary files
    damaged = dict.fromkeys(kept, b"no database")
    assert len(Engine(lambda: RULES, b"key", name="rules", load=damaged.get).search("a", body)[0]) == 1


def test_a_file_of_nothing_but_secrets_ends() -> None:
    body = expanded("ghp_<<alnum:36>>\n").encode() * 100_000
    secrets, more = ENGINE.search("a", body)
    assert len(secrets) == 100
    assert more


def test_the_first_and_the_last_line_of_a_file_are_lines_whatever_stands_around_it() -> None:
    body = expanded("pass=<<lower:12>>").encode()
    bodies = [b"one", body, body[::-1], body + b"\n", body]
    stream, search, starts = b"", SecretStream(ENGINE), []
    for each in bodies:
        stream += b"h".ljust(512, b"\0")
        starts.append(len(stream))
        stream += each + b"\0" * (-len(each) % 512)
    search.piece(stream)
    for number, (start, each) in enumerate(zip(starts, bodies, strict=True)):
        search.file(f"file{number}", start, len(each))
    assert [facts.path for facts in search.end()] == ["file1", "file3", "file4"]


SIZE = 200 * 1024 * 1024
PIECE = 1024 * 1024


def test_a_line_of_200_megabytes_is_searched_whole_in_bounded_memory() -> None:
    """Pieces that are made as they are asked for, of one line without end, with a secret across two pieces in its midst and one at its end."""
    token = expanded("ghp_<<alnum:36>>").encode()
    filler = b"lorem ipsum " * (PIECE // 12 + 1)
    middle = SIZE // 2 - 20
    places = {middle: b" " + token + b" ", SIZE - 41: b" " + token}
    search = SecretStream(ENGINE)
    search.file("app/large.json", 0, SIZE)
    tracemalloc.start()
    try:
        for start in range(0, SIZE, PIECE):
            piece = bytearray(filler[:PIECE])
            for at, text in places.items():
                low, high = max(at, start), min(at + len(text), start + PIECE)
                if low < high:
                    piece[low - start : high - start] = text[low - at : high - at]
            search.piece(bytes(piece))
        (found,) = search.end()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    said = [(fact.rule, fact.line, fact.column) for fact in found.facts if isinstance(fact, Secret)]
    assert said == [("hub", 1, middle + 2), ("hub", 1, SIZE - 39)]
    assert len(found.facts) == 2
    assert peak < 16 * 1024 * 1024


ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with a mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "utf-16-le with a mark": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "utf-16-be with a mark": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "latin-1": lambda text: text.encode("latin-1"),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_line_and_column_in_each_encoding(encoding: str, ends: str) -> None:
    """Columns count bytes of the text in UTF-8, or of the file as it is."""
    token = expanded("ghp_<<alnum:36>>")
    body = ENCODINGS[encoding](ends.join(("one: first word", "two: ü", f"three: {token} four", "")))
    search = SecretStream(ENGINE)
    search.file("a.txt", 0, len(body))
    search.piece(body)
    streamed = [fact for facts in search.end() for fact in facts.facts if isinstance(fact, Secret)]
    assert streamed == ENGINE.search("a.txt", body)[0]
    assert [(each.line, each.column, each.end_column) for each in streamed] == [(3, 8, 48)]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_lines_are_counted_from_piece_to_piece(ends: bytes) -> None:
    token = expanded("ghp_<<alnum:36>>").encode()
    body = (b"a line of text" + ends) * 100_000 + b"x " + token + ends + (b"a line of text" + ends) * 50
    search = SecretStream(ENGINE)
    search.file("a.txt", 0, len(body))
    for at in range(0, len(body), 300_000):
        search.piece(body[at : at + 300_000])
    (found,) = search.end()
    assert [(fact.line, fact.column) for fact in found.facts if isinstance(fact, Secret)] == [(100_001, 3)]
    assert list(found.facts) == ENGINE.search("a.txt", body)[0]


def test_a_byte_order_mark_is_no_column() -> None:
    token = expanded("ghp_<<alnum:36>>").encode()
    for before in (b"a: ", b"x" * 1_000_000 + b" "):
        body = b"\xef\xbb\xbf" + before + token + b"\n"
        search = SecretStream(ENGINE)
        search.file("a.txt", 0, len(body))
        for at in range(0, len(body), 300_000):
            search.piece(body[at : at + 300_000])
        (found,) = search.end()
        assert list(found.facts) == ENGINE.search("a.txt", body)[0]
        assert [fact.column for fact in found.facts if isinstance(fact, Secret)] == [len(before) + 1]


def test_a_return_within_a_line_ends_none() -> None:
    token = expanded("ghp_<<alnum:36>>")
    (secret,), _ = ENGINE.search("log", f"first\n10 %\r20 %\r{token}\nlast\n".encode())
    assert (secret.line, secret.column) == (2, 11)
    (secret,), _ = ENGINE.search("log", f"10 %\r20 %\r{token}\nlast\n".encode())
    assert (secret.line, secret.column) == (1, 11)


def test_bytes_that_only_begin_as_utf_16_does_are_binary() -> None:
    body = b"a\0b\0c\0" + b"\1\2\3" * 9 + expanded("xkey_<<alnum:24>>").encode()
    assert [secret.rule for secret in ENGINE.search("a", body)[0]] == ["key"]
