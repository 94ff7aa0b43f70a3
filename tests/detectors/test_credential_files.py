"""Files that are known to hold credentials, by their names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.detectors._formats import credential_files
from hullmark.detectors._formats.credential_files import known_file, may_be_known

PATTERNS = [pattern for _, _, pattern in credential_files._KINDS]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("root/.ssh/id_rsa", "ssh-key-file"),
        ("root/.ssh/deploy_ed25519", "ssh-key-file"),
        ("etc/ssh/ssh_host_rsa_key", "ssh-host-key-file"),
        ("srv/a.ppk", "putty-key-file"),
        ("srv/a.p12", "key-store-file"),
        ("srv/cacerts.jks", "key-store-file"),
        ("etc/ssl/private/server.key", "private-key-file"),
        ("app/.env", "environment-file"),
        ("app/.env.production", "environment-file"),
        ("root/.npmrc", "npm-credentials"),
        ("root/.pypirc", "pypi-credentials"),
        ("root/.netrc", "netrc-file"),
        ("root/.docker/config.json", "registry-credentials"),
        ("root/.kube/config", "kubeconfig-file"),
        ("root/.aws/credentials", "aws-credentials"),
        ("root/.config/gcloud/credentials.db", "google-credentials"),
        ("root/.git-credentials", "git-credentials"),
        ("root/.cargo/credentials.toml", "cargo-credentials"),
        ("root/.m2/settings.xml", "maven-settings"),
        ("root/.pgpass", "database-credentials"),
        ("srv/.htpasswd", "web-users"),
        ("srv/terraform.tfstate", "terraform-state"),
        ("root/.bash_history", "shell-history"),
        ("root/.mysql_history", "shell-history"),
        ("root/.config/gcloud/legacy_credentials/me@example.org/adc.json", "google-credentials"),
        ("app/keystore", "key-store-file"),
        ("backup/shadow", "shadow-file"),
        ("srv/dump-2024.sql.gz", "database-dump"),
        ("root/x.kdbx", "password-store"),
    ],
)
def test_a_known_file_is_told_by_its_name(path: str, kind: str) -> None:
    known = known_file(path)
    assert known is not None
    assert known.kind == kind
    assert known.about


@pytest.mark.parametrize(
    "path",
    [
        "root/.ssh/id_rsa.pub",
        "root/.ssh/known_hosts",
        "app/.env.example",
        "etc/ssl/certs/a.pem",
        "etc/shadow",
        "app/x.crt",
        "app/node_modules/a/.npmrc",
        "usr/share/x/a.key",
        "app/environment.ts",
        "",
    ],
)
def test_other_files_are_not_known(path: str) -> None:
    assert known_file(path) is None


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_cheap_question_never_leaves_out_what_a_pattern_fits(pattern: str) -> None:
    @given(st.from_regex(re.compile(rf"(?:{pattern})\Z", re.ASCII), fullmatch=True))
    def holds(path: str) -> None:
        assert may_be_known(path.rpartition("/")[2])

    holds()
