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
        ("root/.ssh/id_ed25519", "ssh-key-file"),
        ("id_rsa", "ssh-key-file"),
        ("app/server.p12", "key-store-file"),
        ("app/keystore", "key-store-file"),
        ("root/.netrc", "netrc-file"),
        ("root/.npmrc", "npm-credentials"),
        ("home/me/.pypirc", "pypi-credentials"),
        ("root/.aws/credentials", "aws-credentials"),
        ("root/.docker/config.json", "registry-credentials"),
        ("root/.kube/config", "kubeconfig-file"),
        ("etc/kubernetes/admin.conf", "kubeconfig-file"),
        ("srv/.env", "environment-file"),
        ("srv/.env.production", "environment-file"),
        ("root/.bash_history", "shell-history"),
        ("root/.config/gcloud/legacy_credentials/me@example.org/adc.json", "google-credentials"),
    ],
)
def test_names_tell_what_a_file_may_hold(path: str, kind: str) -> None:
    found = known_file(path)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    "path",
    [
        "root/.ssh/id_rsa.pub",
        "root/.ssh/known_hosts",
        "etc/ssl/certs/ca-certificates.crt",
        "app/cert.pem",
        "app/.env.example",
        "app/node_modules/npm/.npmrc",
        "usr/share/doc/x/.netrc",
        "etc/shadow",
        "app/config.json",
        "app/package.json",
        "",
    ],
)
def test_what_everybody_has_is_not_told(path: str) -> None:
    assert known_file(path) is None


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_cheap_question_never_leaves_out_what_a_pattern_fits(pattern: str) -> None:
    @given(st.from_regex(re.compile(rf"(?:{pattern})\Z", re.ASCII), fullmatch=True))
    def holds(path: str) -> None:
        assert may_be_known(path.rpartition("/")[2])

    holds()
