"""What a value is: entropy, placeholders, references, words, random signs."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.detectors.secrets.samples import expanded
from hullmark.detectors.secrets.values import (
    entropy,
    is_code,
    is_name,
    is_password,
    is_random,
    is_strong_password,
    reason_it_is_none,
)

NONE = """
changeme
change_me_please
xxxxxxxxxxxx
********
<password>
${DB_PASSWORD}
$DB_PASSWORD
{{ vault_password }}
%(password)s
$(cat /run/secrets/x)
%DB_PASSWORD%
@db.password@
#{DbPassword}#
your-api-key-here
YOUR_TOKEN
example
dummy-secret
null
true
none
password
secret
test-token
aaaaaaaaaaaa
abcabcabcabc
1234567890
0123456789abcdef
abcdefghijkl
2024-05-01
12.5.1
v1.2.3-rc1
/run/secrets/db
./tls/server.key
config/tls/server.pem
https://login.shop.test/oauth2/token
somebody@shop.test
arn:aws:secretsmanager:eu-west-1:123:secret:x
sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
ENC(QmFzZTY0)
$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy
{SSHA}1yUcvzIlDXWm8b1nPyJm
pbkdf2_sha256$260000$abc
ssh-rsa AAAAB3NzaC1yc2E
data:image/png;base64,iVBORw0KGgo
AKIAIOSFODNN7EXAMPLE
wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
self.password
os.environ['X']
vault:secret/data/app
CONSTANT_NAME
""".strip().splitlines()


@pytest.mark.parametrize("value", NONE)
def test_what_is_no_secret_has_a_reason(value: str) -> None:
    assert reason_it_is_none(value)


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "S3cr3t!99",
        "Tr0ub4dor&3",
        "correcthorsebatterystaple",
        "ABD54F0356FA0054",
        "pa$$w0rd",
        "admin123",
        "k/9+aZ3==",
    ],
)
def test_what_may_be_a_secret_has_none(value: str) -> None:
    assert reason_it_is_none(value) == ""


@pytest.mark.parametrize(
    "before",
    [
        "GPG_KEY_ID=",
        "publicKeyToken='",
        '"integrity": "',
        "checksum_token: ",
        'etag_token = "',
        '"AWS::IAM::AccessKey": "',
    ],
)
def test_a_name_that_says_public_is_believed(before: str) -> None:
    value = expanded("<<hex:40>>")
    assert reason_it_is_none(value, before=before)
    assert reason_it_is_none(value, before="api_key = ") == ""
    assert reason_it_is_none(value, before=before, generic=False) == ""


def test_values_of_a_known_form_are_none_only_as_documented_examples() -> None:
    assert reason_it_is_none("AKIAIOSFODNN7EXAMPLE", generic=False)
    assert reason_it_is_none(
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.x", generic=False
    )
    assert reason_it_is_none("sk_" + "test_4eC39HqLyjWDarjtT1zdp7dc", generic=False)
    assert reason_it_is_none("ghp_" + "x" * 36, generic=False)
    assert reason_it_is_none("config/tls/server.pem", generic=False) == ""


@pytest.mark.parametrize(
    "kind", ["alnum:20", "hex:16", "hex:40", "base64:44", "base64url:32", "lower:24", "upper:20"]
)
def test_random_signs_are_random(kind: str) -> None:
    values = [expanded(f"{number}|<<{kind}>>").partition("|")[2] for number in range(500)]
    assert sum(is_random(value) and is_strong_password(value) for value in values) >= 480


@pytest.mark.parametrize(
    "value",
    [
        "getPasswordFromVault",
        "some-article-of-2024",
        "com.fasterxml.jackson",
        "X-Requested-With",
        "identifier_name_2",
        "application/json",
        "correct-horse-battery",
        "PasswordAuthentication",
        "aaaaaaaaaaaaaaaaaaaa",
        "11111111111111111111",
        "3600",
    ],
)
def test_words_and_numbers_are_not_random(value: str) -> None:
    assert not is_random(value)
    assert not is_strong_password(value)


def test_code_names_and_passwords_are_told_apart() -> None:
    assert is_code("getPassword()")
    assert is_code("settings.password")
    assert is_name("correct-horse-battery")
    assert is_password("winter2019x!")
    assert not is_password("password")
    assert not is_code("S3cr3t!99")


def test_entropy_is_shannons() -> None:
    assert entropy("") == 0
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
    assert entropy(string.hexdigits[:16]) == 4


@given(st.text(max_size=4096), st.text(max_size=4096))
def test_any_value_is_judged(value: str, before: str) -> None:
    reason_it_is_none(value, before=before)
    for judge in (is_code, is_name, is_random, is_password, is_strong_password):
        assert judge(value) in {True, False}
    assert 0 <= entropy(value) <= 12


@pytest.mark.parametrize(
    "value",
    [
        "a" * 4096,
        "aB" * 2048,
        "pass" * 1024,
        "$" * 4096,
        "1." * 2048,
        "a/" * 2048,
        "aaab" * 1024,
        "_" * 4096,
        "a_" * 2000 + "!",
    ],
)
def test_long_values_take_little_time(value: str) -> None:
    for _ in range(50):
        reason_it_is_none(value, before=value)
        is_strong_password(value)
