"""Secrets without a known form: each rule's examples, realistic files, and a corpus of look-alikes."""

from pathlib import Path

import pytest

from hullmark.detectors.secrets.engine import Engine
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.detectors.secrets.rules import assignments, command_lines, config_files, url_credentials
from hullmark.detectors.secrets.samples import expanded
from hullmark.model.facts import Secret

RULES = (*assignments.RULES, *url_credentials.RULES, *command_lines.RULES, *config_files.RULES)
ENGINE = Engine(lambda: RULES, b"key")
LOOKALIKES = Path(__file__).parents[2] / "data" / "secrets" / "lookalikes"
EXAMPLES = [(rule, example) for rule in RULES for example in rule.rule.bad]
COUNTER_EXAMPLES = [(rule, example) for rule in RULES for example in rule.rule.good]


def found(path: str, text: str) -> list[Secret]:
    # examples of binary formats are written byte by byte
    return ENGINE.search(path, expanded(text).encode("latin-1"))[0]


def path_for(rule: SecretRule) -> str:
    globs = [glob for glob in rule.paths if not glob.startswith(("config.", "history"))] or ["**/notes"]
    return globs[0].replace("**/", "srv/").replace("*", "x")


@pytest.mark.parametrize(
    ("rule", "example"), EXAMPLES, ids=[f"{rule.rule.id}-{n}" for n, (rule, _) in enumerate(EXAMPLES)]
)
def test_a_bad_example_is_found_by_its_rule_alone(rule: SecretRule, example: str) -> None:
    assert {secret.rule for secret in found(path_for(rule), example)} == {rule.rule.id}


@pytest.mark.parametrize(
    ("rule", "example"),
    COUNTER_EXAMPLES,
    ids=[f"{rule.rule.id}-{n}" for n, (rule, _) in enumerate(COUNTER_EXAMPLES)],
)
def test_in_a_good_example_nothing_is_found(rule: SecretRule, example: str) -> None:
    assert found(path_for(rule), example) == []


@pytest.mark.parametrize("rule", RULES, ids=[rule.rule.id for rule in RULES])
def test_a_rule_says_why_and_what_to_do_and_shows_both(rule: SecretRule) -> None:
    about = rule.rule
    assert about.summary[0].isupper()
    assert not about.summary.endswith(".")
    assert about.why
    assert about.fix
    assert about.bad
    assert about.good
    assert about.controls


@pytest.mark.parametrize("path", sorted(LOOKALIKES.rglob("*")), ids=str)
def test_what_only_looks_like_a_secret_is_none(path: Path) -> None:
    if path.is_file():
        assert ENGINE.search(path.relative_to(LOOKALIKES).as_posix(), path.read_bytes()) == ([], False)


def test_the_corpus_of_lookalikes_is_there() -> None:
    assert sum(path.is_file() for path in LOOKALIKES.rglob("*")) >= 30


@pytest.mark.parametrize("key", ["ABD54F0356FA0054", "ABD54F0356FA005432D45D0056AF5400"])
@pytest.mark.parametrize(
    "path", ["Dockerfile", "history.7", "usr/local/bin/setup.sh", "app/run", "etc/cron.daily/fetch"]
)
def test_a_short_key_in_a_url_is_found_where_it_is_used(path: str, key: str) -> None:
    text = f"RUN curl http://my.service/?auth={key}\n"
    (secret,) = found(path, text)
    assert (secret.rule, secret.confidence) == ("url-query-secret", "high")
    assert text[secret.column - 1 : secret.end_column - 1] == key


REAL = [
    ("config.Env.DB_PASSWORD", "DB_PASSWORD=hunter2", "guessable-password-in-settings", "medium"),
    ("config.Env.DB_PASSWORD", "DB_PASSWORD=S3cr3tP@ss77", "password-in-settings", "high"),
    ("config.Env.DB_PASSWORD", "DB_PASSWORD=letmein", "word-as-password", "medium"),
    ("config.Env.DATABASE_URL", "DATABASE_URL=postgres://shop:Zk29dkWq@db/shop", "url-password", "high"),
    ("history.3", "RUN |1 TOKEN=<<alnum:24>> /bin/sh -c make # buildkit", "secret-in-settings", "high"),
    ("Dockerfile", "FROM a\nARG NPM_TOKEN=<<hex:32>>\n", "secret-in-settings", "high"),
    ("app/.env", "DB_PASS=Zk29dkWq11\nDEBUG=1\n", "password-in-settings", "high"),
    ("app/config.yml", "db:\n  user: x\n  password: Zk29dkWq11!\n", "password-in-settings", "high"),
    ("app/config.json", '{"db": {"password": "Zk29dkWq11!"}}', "password-in-settings", "high"),
    ("srv/terraform.tfstate", '{"attributes": {"password": "Zk29dkWq11!"}}', "password-in-settings", "high"),
    ("srv/main.tf", 'password = "Zk29dkWq11!"\n', "password-in-settings", "high"),
    (
        "conf/tomcat-users.xml",
        '<user username="a" password="Zk29dkWq1" roles="m"/>',
        "password-in-xml-attribute",
        "high",
    ),
    ("app/gradle.properties", "signing.password=Zk29dkWq11\n", "password-in-settings", "high"),
    ("app/start.bat", "set DB_PASSWORD=Zk29dkWq11\r\n", "password-in-settings", "high"),
    ("root/.bash_history", "ls\nexport TOKEN=<<hex:32>>\n", "secret-in-settings", "high"),
    ("root/.bash_history", "mysql -uroot -pZk29dkWq shop\n", "mysql-password-argument", "high"),
    (
        "etc/crontab",
        "0 3 * * * root mysqldump -u root -pZk29dkWq shop > /x\n",
        "mysql-password-argument",
        "high",
    ),
    ("root/.git-credentials", "https://me:letmein99x@git.shop.test\n", "url-password", "high"),
    ("var/www/wp-config.php", "define( 'DB_PASSWORD', 'Zk29dkWq11' );\n", "php-password-constant", "high"),
    ("app/x.py", 'PASSWORD = "Zk29dkWq11!"\n', "password-in-code", "medium"),
    ("app/X.java", 'props.setProperty("password", "Zk29dkWq11!");\n', "password-in-code", "medium"),
    ("app/x.js", 'cfg = { apiKey: "<<hex:32>>" };\n', "secret-in-code", "medium"),
    ("root/.smb", "username=x\npassword=Zk29dkWq11\n", "password-in-text", "medium"),
    ("usr/share/doc/x/README", "postgres://shop:Zk29dkWq@db/shop", "url-password", "low"),
    ("app/tests/x.env", "DB_PASS=Zk29dkWq11\n", "password-in-settings", "low"),
]


@pytest.mark.parametrize(
    ("path", "text", "rule", "confidence"), REAL, ids=[f"{path}-{rule}" for path, _, rule, _ in REAL]
)
def test_real_files_are_told_by_their_names_and_places(
    path: str, text: str, rule: str, confidence: str
) -> None:
    (secret,) = found(path, text)
    assert (secret.rule, secret.confidence) == (rule, confidence)
    assert bool(secret.reason) == (confidence == "low")


ENVIRONMENT_OF_OFFICIAL_IMAGES = """
PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D
PYTHON_VERSION=3.12.4
PYTHON_PIP_VERSION=24.0
PYTHON_GET_PIP_URL=https://github.com/pypa/get-pip/raw/66d8a0f637083e2c3ddffc0cb1e65ce126afb856/public/get-pip.py
PYTHON_GET_PIP_SHA256=6fb7b781206356f45ad79efbb19322caa6c2a5ad39092d0d44d0fec94117e118
NODE_VERSION=20.15.0
YARN_VERSION=1.22.22
PHPIZE_DEPS=autoconf \t\tdpkg-dev \t\tfile \t\tg++ \t\tgcc
PHP_CFLAGS=-fstack-protector-strong -fpic -fpie -O2 -D_LARGEFILE_SOURCE -D_FILE_OFFSET_BITS=64
GPG_KEYS=39B641343D8C104B2B146DC3F9C39DC0B9698544 E60913E4DF209907D8E30D96659A97C9CF2A795A 1198C0117593497A5EC5C199286AF1F9897469DC
PHP_URL=https://www.php.net/distributions/php-8.3.9.tar.xz
PHP_ASC_URL=https://www.php.net/distributions/php-8.3.9.tar.xz.asc
PHP_SHA256=bf4d7b8ea60a356064f88485278bd6f941a230ec16f0fc401574ce1445ad6c77
NGINX_VERSION=1.27.0
NJS_RELEASE=2~bookworm
PKG_RELEASE=2~bookworm
DYNPKG_RELEASE=2~bookworm
KC_RUN_IN_CONTAINER=true
APACHE_CONFDIR=/etc/apache2
GOSU_VERSION=1.17
PG_SHA256=7e12f5dc5ec6f5ac4e5b4b3a4c1f0e8c2b8e3d4a5f6b7c8d9e0f1a2b3c4d5e6f
REDIS_DOWNLOAD_SHA=5c76d990a1b1c5f949bcd1eed90d0c8a4f70369bdbdcb40288c561ddf88967a4
RABBITMQ_PGP_KEY_ID=0x0A9AF2115F4687BD29803A206B73A36E6026DFCA
JAVA_HOME=/opt/java/openjdk
TOMCAT_NATIVE_LIBDIR=/usr/local/tomcat/native-jni-lib
TOMCAT_SHA512=0b7dd1a5c2b5f9a7d3a1c8d2e4f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0123
GRADLE_DOWNLOAD_SHA256=31c55713e40233a8303827ceb42ca48a47267a0ad4bab9177123121e71524c26
MYSQL_RANDOM_ROOT_PASSWORD=yes
ALLOW_EMPTY_PASSWORD=yes
ELASTIC_CONTAINER=true
SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
GODEBUG=netdns=cgo
RUBY_DOWNLOAD_SHA256=3781a3504222c2f26cb4b9eb9c1a12dbf4944d366ce24a9ff8cf99ecbce75196
""".strip().splitlines()


@pytest.mark.parametrize(
    "variable",
    ENVIRONMENT_OF_OFFICIAL_IMAGES,
    ids=[line.partition("=")[0] for line in ENVIRONMENT_OF_OFFICIAL_IMAGES],
)
def test_official_images_environments_hold_no_secret(variable: str) -> None:
    name, _, _ = variable.partition("=")
    assert found(f"config.Env.{name}", variable) == []
    assert found("Dockerfile", f"FROM scratch\nENV {variable}\n") == []


def test_a_long_line_of_names_without_values_takes_little_time() -> None:
    body = b"password_" * 200_000 + b"=" * 200_000 + b"token: " * 200_000
    assert ENGINE.search("app/config.yml", body)[0] == []
