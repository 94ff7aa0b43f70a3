"""The files that say who is who."""

from typing import Literal

import pytest

from hullmark.detectors.config.accounts import DETECTOR
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.dispatch import Dispatcher
from hullmark.model.facts import Account, Unread


def _facts(path: str, body: bytes) -> tuple[object, ...]:
    assert Dispatcher((DETECTOR,)).find(path) == [DETECTOR]
    return read_file(DETECTOR, File(path, body)).facts


def test_passwd() -> None:
    body = b"root:x:0:0:root:/root:/bin/bash\n# note\n\napp::1000:1000::/:\r\nold:$1$abcdefgh$0123456789:5:6:::\n+::::::\nbad\n:x:1:1\nodd:*:x:1\n"
    *accounts, first, second, third = _facts("etc/passwd", body)
    assert accounts == [
        Account("root", 0, 0, "shadow"),
        Account("app", 1000, 1000, "empty"),
        Account("old", 5, 6, "hash"),
    ]
    assert [each.place for each in (first, second, third) if isinstance(each, Unread)] == [
        "line 7",
        "line 8",
        "line 9",
    ]


@pytest.mark.parametrize(
    ("field", "state"),
    [
        ("", "empty"),
        ("*", "locked"),
        ("!", "locked"),
        ("!!", "locked"),
        ("!$6$abcdefgh$0123456789", "locked"),
        ("!*", "locked"),
        ("*LK*", "locked"),
        ("$6$abcdefgh$0123456789", "hash"),
        ("$y$j9T$abcdefgh$0123456789", "hash"),
        ("$2b$12$abcdefghijklmnopqrstuv", "hash"),
        ("abJnggxhB/yWI", "hash"),
        ("_J9..rasmBYk8r9AiWNc", "hash"),
    ],
)
def test_shadow(field: str, state: Literal["empty", "hash", "locked"]) -> None:
    assert _facts("etc/shadow", f"app:{field}:19000:0:99999:7:::\n".encode()) == (
        Account("app", password=state),
    )


def test_no_password_is_in_a_fact() -> None:
    assert b"zebra" not in repr(_facts("etc/shadow", b"app:$6$zebra$zebrazebrazebra:1::::::\n")).encode()


def test_noise_is_unread() -> None:
    (fact,) = _facts("etc/passwd", b"\xff\xfe\x00" * 1000)
    assert isinstance(fact, Unread)


def test_many_lines_are_bounded() -> None:
    facts = _facts("etc/passwd", b"a:x:1:1:::\n" * 300_000)
    assert len(facts) == 100_001
    assert isinstance(facts[-1], Unread)


def test_group() -> None:
    body = b"root:x:0:\n# note\n\nwheel::10:a,b\r\nshort:x:5\n+:::\nbad:x\n:x:1:\nodd:x:many:\n"
    *groups, first, second, third = _facts("etc/group", body)
    # a group's password lets nobody in, so an empty one is nothing to tell
    assert groups == [Account("root", gid=0), Account("wheel", gid=10), Account("short", gid=5)]
    assert [(each.place, each.reason) for each in (first, second, third) if isinstance(each, Unread)] == [
        ("line 7", "not a line of groups"),
        ("line 8", "not a line of groups"),
        ("line 9", "not a line of groups"),
    ]
