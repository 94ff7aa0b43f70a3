"""A team's own rules and allow-lists, in the files that it has for other tools."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.detectors.secrets.engine import Engine
from hullmark.detectors.secrets.foreign import SecretConfig, ids, read, translated
from hullmark.detectors.secrets.registry import secret_rules
from hullmark.detectors.secrets.samples import expanded
from hullmark.model.errors import UsageError

GITLEAKS = rb"""
title = "ours"
[extend]
useDefault = true
disabledRules = ["github-pat"]
[[rules]]
id = "acme-token"
description = "a token of Acme"
regex = '''(?i)acme[_-]?token\s*=\s*"(acme-([a-z0-9]{20}))"'''
secretGroup = 1
entropy = 3.0
path = '''\.py$'''
[[rules.allowlists]]
regexes = ['''acme-0{20}''']
[[allowlists]]
paths = ['''(^|/)vendor/''']
stopwords = ["notreal"]
"""
TRIVY = b"""
rules:
  - id: acme
    title: Acme
    severity: CRITICAL
    regex: 'ACME_(?P<secret>[A-Z]{16})'
    secret-group-name: secret
    allow-rules:
      - id: tests
        path: tests/.*
disable-rules: [slack-access-token]
exclude-block:
  description: none
"""


def found(config: SecretConfig, path: str, body: bytes) -> list[str]:
    engine = Engine(lambda: config.rules, b"key", allows=config.allows)
    return [f"{each.rule}:{each.line}:{each.column}" for each in engine.search(path, body)[0]]


def test_rules_and_allow_lists_of_gitleaks() -> None:
    config = read(".gitleaks.toml", GITLEAKS)
    assert config.disabled == ("github-pat",)
    line = expanded('x\nACME_TOKEN = "acme-<<lower:20>>"\n').encode()
    assert found(config, "app/a.py", line) == ["acme-token:2:15"]
    assert found(config, "app/a.js", line) == []
    assert found(config, "vendor/a.py", line) == []
    assert found(config, "app/a.py", b'acme_token="acme-00000000000000000000"') == []
    assert found(config, "app/a.py", expanded('acme_token="acme-notreal<<lower:13>>"').encode()) == []


def test_rules_and_allow_rules_of_trivy() -> None:
    config = read("trivy-secret.yaml", TRIVY)
    line = expanded("ACME_<<upper:16>>").replace("0", "A").encode()
    line = re.sub(rb"[0-9]", b"Q", line)
    assert found(config, "app/a", line) == ["acme:1:6"]
    assert found(config, "app/tests/a", line) == []
    assert config.disabled == ("slack-access-token",)
    assert config.left_out == ("exclude-block",)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[[rules]]\nid='x'\nregex='''a(b'''", "rule 'x' has a pattern that cannot be"),
        (b"[[rules]]\nid='x'\nregex='''" + b"a" * 5000 + b"'''", "rule 'x' has a pattern of 5000 signs"),
        (b"[[allowlists]]\nregexes=['''(''']", "has a pattern that cannot be read"),
        (b"no toml", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(body: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        read(".gitleaks.toml", body)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", ".*.*.*.*=.*x"]
)
def test_no_pattern_of_a_team_takes_long(pattern: str) -> None:
    config = read(".gitleaks.toml", f"[[rules]]\nid='x'\nregex='''{pattern}'''\n".encode())
    body = (b"a" * 4000 + b"!" + b"x" * 4000 + b"\n") * 20
    started = time.process_time()
    found(config, "a", body)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("a(?i)b(c(?i)d)e", "a(?i:b(c(?i:d))e)"),
        (r"[[:alnum:]_]+\z", r"[a-zA-Z0-9_]+\Z"),
        (r"\(?i) [(?i)]", r"\(?i) [(?i)]"),
    ],
)
def test_go_patterns_in_our_words(given_: str, expected: str) -> None:
    assert translated(given_) == expected


@given(st.binary(max_size=400), st.sampled_from([".gitleaks.toml", "trivy-secret.yaml"]))
def test_any_bytes_are_read_or_refused(body: bytes, name: str) -> None:
    try:
        read(name, body)
    except UsageError as problem:
        assert problem.where == name  # noqa: PT017  # it need not be raised


def test_the_generic_rule_of_gitleaks_turns_off_all_that_find_the_same() -> None:
    config = read(".gitleaks.toml", b"[extend]\nuseDefault = true\ndisabledRules = ['generic-api-key']\n")
    assert ids(secret_rules(), config.disabled) == {
        "connection-string-key",
        "connection-string-password",
        "django-secret-key",
        "password-in-code",
        "password-in-settings",
        "password-in-text",
        "password-in-xml-attribute",
        "php-key-constant",
        "php-password-constant",
        "secret-in-code",
        "secret-in-settings",
        "secret-in-text",
    }
    left = [each for each in secret_rules() if each.rule.id not in ids(secret_rules(), config.disabled)]
    engine = Engine(lambda: left, b"k")
    body = expanded("API_KEY = '<<hex:32>>'\napi_key: <<alnum:32>>\ntoken ghp_<<crc62:30>>\n").encode()
    for path in ("app/.env", "app/main.py", "app/notes.txt", "app/settings.py"):
        assert [each.rule for each in engine.search(path, body)[0]] == ["github-personal-access-token"], path


def test_places_of_gitleaksignore() -> None:
    body = b"# known\nabc1234def:app/a.py:github-pat:3\napp/b.py:aws-access-token:12\nno place\n"
    config = read(".gitleaksignore", body)
    assert [(each.path, each.rule, each.line, each.said) for each in config.ignored] == [
        ("app/a.py", "github-pat", 3, ".gitleaksignore:2"),
        ("app/b.py", "aws-access-token", 12, ".gitleaksignore:3"),
    ]
    assert config.left_out == ("line 4: no place",)
