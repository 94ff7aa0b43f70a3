"""Secrets are found in a stream as they are in its files, however the stream is cut."""

import random

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
