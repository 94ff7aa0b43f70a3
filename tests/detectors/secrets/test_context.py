"""What the place of a secret says of it."""

from pathlib import Path

import pytest

from hullmark.detectors.secrets.context import environment_is_harmless, judged, skipped
from hullmark.detectors.secrets.engine import Engine
from hullmark.detectors.secrets.registry import secret_rules
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.detectors.secrets.samples import corpus
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

ENGINE = Engine(secret_rules, b"key")
POSITIVES = corpus((Path(__file__).parents[2] / "data" / "secrets" / "corpus" / "positives.txt").read_text())


def rule(*, generic: bool = True, binary: bool = False, paths: tuple[str, ...] = ()) -> SecretRule:
    about = Rule(id="a", kind="secret", severity=Severity.HIGH, summary="", why="", fix="")
    return SecretRule(rule=about, pattern="abc", generic=generic, binary=binary, paths=paths)


@pytest.mark.parametrize(
    "path",
    [
        "app/tests/keys.env",
        "app/testdata/x",
        "src/__mocks__/a.js",
        "app/test_login.py",
        "a/login_test.go",
        "a/LoginTest.java",
        "app/settings.example.yml",
        "app/.env.example",
        "app/docs/setup.txt",
        "usr/share/doc/x/config",
        "README.md",
        "api/swagger.yaml",
    ],
)
@pytest.mark.parametrize("generic", [True, False])
def test_tests_examples_and_documents_lower_every_rule(path: str, generic: bool) -> None:  # noqa: FBT001
    confidence, reason = judged(path, "token = x", rule(generic=generic))
    assert confidence == "low"
    assert reason


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("app/x.yml", "# password: k"),
        ("app/x.yml", "password: k  # not a real one, dummy"),
        ("app/locales/de.yml", "password: k"),
        ("usr/lib/python3/dist-packages/a/x.cfg", "password: k"),
        ("app/node_modules/a/x.json", "password: k"),
    ],
)
def test_comments_translations_and_packages_lower_generic_rules(path: str, line: str) -> None:
    assert judged(path, line, rule(), "k")[0] == "low"
    assert (judged(path, line, rule(generic=False), "k")[0] == "low") == ("dummy" in line)


@pytest.mark.parametrize(
    "path",
    [
        "app/.env",
        "Dockerfile",
        "root/.netrc",
        "usr/src/app/config.yml",
        "usr/share/nginx/html/x",
        "opt/contest/x",
        "app/latest/x.conf",
    ],
)
def test_elsewhere_a_rule_is_believed(path: str) -> None:
    assert judged(path, "password: k", rule()) == ("high", "")


def test_an_images_own_configuration_is_no_document() -> None:
    assert judged("history.7", "RUN curl", rule()) == ("high", "")
    assert judged("config.Env.DB_PASSWORD", "DB_PASSWORD=k", rule()) == ("high", "")


def test_a_host_named_example_is_no_example() -> None:
    assert judged("app/run", "curl -u a:k https://git.example.com", rule(), "k") == ("high", "")
    assert judged("app/run", "for example curl -u a:k https://git", rule(), "k")[0] == "low"


def test_a_secret_that_says_example_itself_is_judged_by_its_value_only() -> None:
    assert judged("app/run", "password: sample", rule(), "sample") == ("high", "")


def test_in_source_code_a_name_alone_is_no_proof() -> None:
    assert judged("app/x.py", "a = k", rule())[0] == "medium"
    assert judged("app/x.py", "a = k", rule(paths=("**/*.py",)))[0] == "high"
    assert judged("app/x.py", "a = k", rule(generic=False))[0] == "high"


def test_what_a_registry_gives_to_everybody_is_no_sure_find() -> None:
    for path in ("root/go/pkg/mod/a@v1/x.go", "root/.cargo/registry/src/a-1.0/x.rs"):
        assert judged(path, "t = k", rule(generic=False), "k")[0] == "medium"


def test_a_line_that_shows_how_one_looks_has_none() -> None:
    assert (
        judged("app/x.json", "A token looks something like this: k1x", rule(generic=False), "k1x")[0] == "low"
    )


KEYS = [
    path
    for path in POSITIVES
    if "PRIVATE KEY-----\n" in POSITIVES[path] and "ENCRYPTED" not in POSITIVES[path]
]


@pytest.mark.parametrize(
    "path", [*KEYS, *("app/server.key", "srv/shop/tls.pem", "root/.ssh/id_rsa", "etc/ssl/private/site.key")]
)
def test_a_private_key_in_an_applications_own_folder_is_a_sure_find(path: str) -> None:
    text = POSITIVES.get(path, POSITIVES["etc/ssl/private/server.key"])
    (secret,) = ENGINE.search(path, text.encode())[0]
    assert secret.confidence == "high"


@pytest.mark.parametrize(
    "folder",
    [
        "app/node_modules/a",
        "usr/share/a",
        "usr/lib/python3/dist-packages/a",
        "usr/local/go/src/a",
        "app/tests",
    ],
)
def test_a_private_key_that_a_package_or_a_test_brings_is_none(folder: str) -> None:
    text = POSITIVES["etc/ssl/private/server.key"]
    (secret,) = ENGINE.search(f"{folder}/server.key", text.encode())[0]
    assert secret.confidence == "low"


def test_a_private_key_that_a_package_brings_is_everybodys() -> None:
    path = "usr/lib/jetty/keystore"
    assert judged(path, "", rule(generic=False, binary=True))[0] == "low"
    assert judged(path, "", rule(generic=False))[0] == "high"


@pytest.mark.parametrize(
    "path",
    [
        "etc/ssl/certs/ca-certificates.crt",
        "usr/share/ca-certificates/mozilla/x.crt",
        "usr/share/keyrings/a.gpg",
        "etc/apt/trusted.gpg.d/x.asc",
        "usr/share/hunspell/de.dic",
        "var/lib/dpkg/info/x.md5sums",
    ],
)
def test_what_everybody_has_is_skipped(path: str) -> None:
    assert skipped(path, rule())
    assert skipped(path, rule(generic=False))


@pytest.mark.parametrize(
    "path",
    [
        "app/package-lock.json",
        "app/yarn.lock",
        "app/go.sum",
        "app/jquery.min.js",
        "app/main.js.map",
        "a/RECORD",
        "a/SHA256SUMS",
        "app/hyphenation/de.txt",
    ],
)
def test_what_machines_make_is_skipped_by_generic_rules(path: str) -> None:
    assert skipped(path, rule())
    assert not skipped(path, rule(generic=False))


@pytest.mark.parametrize(
    "path",
    [
        "app/.env",
        "etc/ssl/private/key.pem",
        "app/config.json",
        "app/admin.js",
        "root/.map/x",
        "app/records.txt",
    ],
)
def test_other_files_are_not_skipped(path: str) -> None:
    assert not skipped(path, rule())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
        ("GPG_KEYS", "39B641343D8C104B2B146DC3F9C39DC0B9698544 E60913E4DF209907D8E30D96659A97C9CF2A795A"),
        ("RABBITMQ_PGP_KEY_ID", "0x0A9AF2115F4687BD29803A206B73A36E6026DFCA"),
        ("PYTHON_GET_PIP_SHA256", "6fb7b781206356f45ad79efbb19322caa6c2a5ad39092d0d44d0fec94117e118"),
        ("NODE_CHECKSUM", "abc"),
        ("PHP_ASC_URL", "https://www.php.net/x.asc"),
        ("REDIS_DOWNLOAD_SHA", "5c76"),
        ("DB_PASSWORD_FILE", "/run/secrets/db"),
        ("MYSQL_RANDOM_ROOT_PASSWORD", "yes"),
    ],
)
def test_official_images_variables_are_harmless(name: str, value: str) -> None:
    assert environment_is_harmless(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "x"),
        ("API_KEY", "abc"),
        ("SECRET_KEY", "39b641343d8c104b2b146dc3f9c39dc0b9698544"),
        ("DATABASE_URL", "postgres://a:b@c/d"),
        ("HOOK_URL", "https://a/?token=abc"),
        ("AUTH_TOKEN", "x"),
    ],
)
def test_other_variables_are_not_harmless(name: str, value: str) -> None:
    assert not environment_is_harmless(name, value)
