"""Permissions and capabilities. Bytes in hexadecimal are what `setcap` wrote, with the text that `getcap` (libcap 2.66) read of them."""

import struct

import pytest

from hullmark.detectors.config.image.modes import capability_text, mode_fact
from hullmark.model.facts import FileMode


@pytest.mark.parametrize(
    ("path", "mode", "uid"),
    [
        ("bin/su", 0o4755, 0),
        ("bin/wall", 0o2755, 0),
        ("app/x", 0o666, 0),
        ("app/x", 0o757, 0),
        ("etc/passwd", 0o664, 0),
        ("etc/passwd", 0o644, 1000),
        ("etc/shadow", 0o644, 0),
        ("etc/sudoers", 0o460, 0),
    ],
)
def test_files_that_are_told(path: str, mode: int, uid: int) -> None:
    assert mode_fact(path, mode, uid, 0) == FileMode(mode, uid, 0)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("bin/ls", 0o755),
        ("app/x", 0o664),
        ("app/lock", 0o2644),
        ("app/data", 0o4644),
        ("etc/passwd", 0o644),
        ("etc/shadow", 0o640),
        ("etc/sudoers", 0o440),
    ],
)
def test_files_that_are_not(path: str, mode: int) -> None:
    assert mode_fact(path, mode, 0, 0) is None


@pytest.mark.parametrize(
    ("path", "mode", "told"),
    [
        ("app", 0o777, True),
        ("app", 0o1777, False),
        ("tmp", 0o1777, False),
        ("tmp", 0o775, True),
        ("var/tmp", 0o777, True),
        ("tmp", 0o755, False),
        ("var/mail", 0o2775, False),
        ("app", 0o775, False),
    ],
)
def test_folders(path: str, mode: int, told: bool) -> None:  # noqa: FBT001
    assert mode_fact(path, mode, 0, 0, folder=True) == (FileMode(mode, folder=True) if told else None)


def _v2(magic: int, permitted: int, inherited: int = 0) -> bytes:
    words = [permitted & 0xFFFFFFFF, inherited & 0xFFFFFFFF, permitted >> 32, inherited >> 32]
    return struct.pack("<5I", 0x02000000 | magic, *words)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (bytes.fromhex("0100000200040000000000000000000000000000"), "cap_net_bind_service=ep"),
        (bytes.fromhex("0000000200200000000000000000000000000000"), "cap_net_raw=p"),
        (bytes.fromhex("01000002c0000000000000000000000000000000"), "cap_setgid,cap_setuid=ep"),
        (bytes.fromhex("01000002ffffffff00000000ff01000000000000"), "=ep"),
        (bytes.fromhex("00000002ffffffff00000000ff01000000000000"), "=p"),
        (bytes.fromhex("0100000200000000000000008000000000000000"), "cap_bpf=ep"),
        (bytes.fromhex("0100000200040000002000000000000000000000"), "cap_net_raw=ei cap_net_bind_service+ep"),
        (_v2(0, 1 << 60), "60=p"),
        (struct.pack("<6I", 0x03000001, 1 << 10, 0, 0, 0, 1000), "cap_net_bind_service=ep"),
        (struct.pack("<3I", 0x01000001, 1 << 10, 0), "cap_net_bind_service=ep"),
        (b"", ""),
        (b"\x01\x00\x00", ""),
        (b"\x01\x00\x00\x02", ""),
        (b"\x01\x00\x00\x07" + bytes(16), ""),
        (bytes(10_000), ""),
        (_v2(1, 0), ""),
    ],
)
def test_capabilities(raw: bytes, text: str) -> None:
    assert capability_text(raw) == text


def test_a_file_with_capabilities_is_told() -> None:
    fact = mode_fact("bin/ping", 0o755, 0, 0, _v2(1, 1 << 13))
    assert fact == FileMode(0o755, capabilities="cap_net_raw=ep")
    assert mode_fact("bin/ping", 0o755, 0, 0, b"noise") is None
