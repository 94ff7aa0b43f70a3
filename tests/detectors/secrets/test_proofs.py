"""The checksums and structures, on values that others published (revoked or made up for their documents), and on changed ones."""

import pytest

from hullmark.detectors.secrets import _keys, _valid
from hullmark.detectors.secrets.samples import expanded


@pytest.mark.parametrize(
    ("proof", "parts"),
    [
        # in parts, so that no scanner takes this file for a leak
        (_valid.crc62, ("ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17")),
        (_valid.crc62, ("ghp_", "DQjRBk4hVzGJfGM7XgUbH2JgiWK8QC4Cuv1K")),
        (_valid.crc62, ("vcp_", "35UYJwYZDigYATKhxJUAhPqRhit2Xe3dtiG60LsUTHeklEXDQ94Jafpu")),
        (_valid.grafana, ("glsa_", "yscW25imSKJIuav8zF37RZmnbiDvB05G", "_fcaaf58a")),
        (_valid.zuplo, ("zpka_", "3e6c4f7d39954ca29353b7ab88589b64", "_de26cd55")),
        # a vector of BIP 173
        (_valid.bech32, ("abcdef1", "qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw")),
        (_valid.bech32, ("A1", "2UEL5L")),
    ],
)
def test_checksums_are_those_of_their_makers(proof: object, parts: tuple[str, ...]) -> None:
    assert callable(proof)
    value = "".join(parts)
    assert proof(value)
    # the sign before the last six changed
    changed = (
        value[:-7] + ("p" if value[-7] != "p" else "q") + value[-6:] if len(value) > 20 else value[:-1] + "q"
    )
    assert not proof(changed)


def test_jwt_of_nobody_is_none() -> None:
    assert _valid.jwt(expanded("<<jwt:10>>"))
    for text in (
        "",
        "a.b.c",
        "eyJhIjoxfQ.eyJhIjoxfQ.x",
        "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.x",
        "." * 9,
        "eyJ\ud800.eyJ.x",
        "é.é.é",
    ):
        assert not _valid.jwt(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "=",
        "====",
        "\ud800",
        "é",
        "A",
        "\0" * 9,
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----MIIB-",
        "-----BEGIN RSA PRIVATE KEY-----" + "M" * 80 + "-",
    ],
)
def test_proofs_answer_no_to_anything_else(text: str) -> None:
    for proof in (
        _keys.plain,
        _keys.encrypted,
        _keys.plain64,
        _keys.pgp,
        _valid.basic,
        _valid.pypi,
        _valid.discord,
        _valid.jwt64,
        _valid.login_url,
    ):
        assert not proof(text)


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "changeme",
        "${PASSWORD}",
        "<password>",
        "pass",
        "s3cr3t"[:4],
        "xxxxxxxx",
        "your_password",
        "p%40ssword",
        "%s",
        "{password}",
        "****",
    ],
)
def test_placeholders(password: str) -> None:
    assert _valid.placeholder(password)


@pytest.mark.parametrize(
    "password", ["Tr0ub4dor&3x", "kX93mv1LqPzz", "9f86d081884c7d65", "correct-horse-battery"]
)
def test_passwords(password: str) -> None:
    assert not _valid.placeholder(password)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgres://app:kX93mv1LqP@db.corp/app", True),
        ("postgres://app:kX93mv1LqP@localhost/app", False),
        ("postgres://app:app@db.corp/app", False),
        ("https://user:kX93mv1LqP@www.example.com", False),
        ("https://:@", False),
        ("redis://:kX93mv1LqP@cache:6379", True),
    ],
)
def test_addresses(url: str, told: object) -> None:
    assert _valid.login_url(url) is told
