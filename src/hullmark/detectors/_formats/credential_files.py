"""Files that are known to hold credentials, by their names: worth a note that they are in an image, and no more than a note.

What is in them decides whether there is a finding; a name alone is no more than a hint. Nothing is said of public halves and of what everybody has (certificates).
"""

import functools
import re
from typing import NamedTuple


class KnownFile(NamedTuple):
    """A kind of file: what it is, said as the end of a sentence `… is …`."""

    kind: str
    about: str


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KINDS = (
    (
        "ssh-key-file",
        "a private key for SSH",
        r"\.ssh/(?:id_[\w-]+|identity|[\w.-]+_(?:rsa|dsa|ecdsa|ed25519))|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?",
    ),
    ("ssh-host-key-file", "a host's private key for SSH", r"ssh_host_\w+_key"),
    ("putty-key-file", "a private key of PuTTY", r"[^/]+\.ppk"),
    (
        "key-store-file",
        "a key store (PKCS #12 or Java)",
        r"[^/]+\.(?:p12|pfx|jks|jceks|keystore|bcfks|bks)|keystore",
    ),
    (
        "private-key-file",
        "a private key",
        r"[^/]+\.key|[^/]*(?:privkey|private[_-]?key|server[_-]key|client[_-]key|tls[_-]key)[^/]*\.pem",
    ),
    (
        "environment-file",
        "a file of environment variables",
        r"\.env(?:\.(?!example|sample|dist|template|test)[\w-]+)?|[\w-]+\.env|\.envrc",
    ),
    (
        "npm-credentials",
        "npm's or Yarn's settings, which may hold a registry's token",
        r"\.npmrc|\.yarnrc(?:\.yml)?",
    ),
    ("pypi-credentials", "a package index's credentials", r"\.pypirc"),
    ("netrc-file", "a file of logins for hosts", r"[._]netrc"),
    (
        "registry-credentials",
        "a container client's credentials",
        r"\.docker/config\.json|\.dockercfg|\.dockerconfigjson|containers/auth\.json|kaniko/\.docker/config\.json",
    ),
    (
        "kubeconfig-file",
        "a cluster's credentials",
        r"\.kube/config|kubeconfig(?:\.ya?ml)?|[^/]+\.kubeconfig|etc/kubernetes/[\w-]+\.conf|k3s\.yaml",
    ),
    (
        "aws-credentials",
        "credentials of AWS",
        r"\.aws/(?:credentials|sso/cache/[^/]+\.json|cli/cache/[^/]+\.json)|\.boto|\.s3cfg|\.passwd-s3fs|passwd-s3fs",
    ),
    (
        "google-credentials",
        "credentials of Google Cloud",
        r"gcloud/(?:credentials\.db|access_tokens\.db|application_default_credentials\.json|legacy_credentials/[^/]+/(?:adc\.json|\.boto))|application_default_credentials\.json|service[_-]?account[\w-]*\.json",
    ),
    (
        "azure-credentials",
        "credentials of Azure",
        r"\.azure/(?:accessTokens\.json|msal_token_cache\.(?:json|bin)|service_principal_entries\.json|azureProfile\.json)",
    ),
    (
        "git-credentials",
        "credentials of Git",
        r"\.git-credentials|\.config/git/credentials|\.config/gh/hosts\.yml|\.config/hub|glab-cli/config\.yml",
    ),
    ("cargo-credentials", "credentials of Cargo", r"\.cargo/credentials(?:\.toml)?"),
    ("gem-credentials", "credentials of RubyGems", r"\.gem/credentials"),
    ("maven-settings", "Maven's settings, which may hold passwords", r"\.m2/settings(?:-security)?\.xml"),
    ("gradle-settings", "Gradle's settings, which may hold passwords", r"\.gradle/gradle\.properties"),
    (
        "composer-credentials",
        "credentials of Composer",
        r"\.composer/auth\.json|\.config/composer/auth\.json",
    ),
    ("nuget-settings", "NuGet's settings, which may hold passwords", r"\.nuget/NuGet/NuGet\.Config"),
    ("rclone-settings", "logins of rclone", r"\.?rclone\.conf"),
    (
        "database-credentials",
        "a database client's credentials",
        r"\.pgpass|\.my\.cnf|\.mylogin\.cnf|\.dbshell|\.mongorc\.js|\.rediscli_auth",
    ),
    (
        "web-users",
        "the users of a web server with hashes of their passwords",
        r"\.htpasswd|htpasswd|\.htdigest",
    ),
    (
        "vault-password",
        "a password of Ansible Vault or a token of Vault",
        r"\.?vault[_-]?pass(?:word)?(?:\.txt)?|\.vault-token",
    ),
    (
        "terraform-state",
        "Terraform's state or variables, which may hold secrets",
        r"[^/]*\.tfstate(?:\.backup)?|[^/]*\.tfvars(?:\.json)?|\.terraformrc|\.terraform\.d/credentials\.tfrc\.json",
    ),
    ("rails-key", "a key of Rails", r"config/(?:master\.key|credentials/\w+\.key|secrets\.yml)"),
    (
        "shell-history",
        "a shell's or client's history",
        r"\.(?:bash|zsh|sh|ash|ksh|fish|python|node_repl|mysql|psql|sqlite|rediscli|irb|php|mongo|histfile)_?history|\.histfile|fish_history|\.lesshst|\.viminfo",
    ),
    (
        "password-store",
        "a store of passwords",
        r"[^/]+\.kdbx?|\.password-store/.+\.gpg|[^/]+\.agilekeychain|[^/]*wallet\.dat|logins\.json|key[34]\.db",
    ),
    (
        "gpg-secret-keys",
        "secret keys of GnuPG",
        r"\.gnupg/(?:private-keys-v1\.d/[^/]+\.key|secring\.gpg)|secring\.gpg",
    ),
    ("kerberos-keys", "keys of Kerberos", r"krb5\.keytab|[^/]+\.keytab|krb5cc_\w+"),
    (
        "shadow-file",
        "the hashes of the users' passwords, in a copy",
        r"(?:backups?|bak|old|root|tmp|srv|data|app)/(?:.*/)?shadow|shadow\.(?:bak|old|orig|txt)",
    ),
    (
        "database-dump",
        "a dump of a database",
        r"[^/]*(?:dump|backup)[^/]*\.sql(?:\.gz|\.bz2|\.xz|\.zst)?|[^/]+\.pgdump",
    ),
    (
        "network-login",
        "logins for networks",
        r"wpa_supplicant\.conf|etc/ppp/(?:chap|pap)-secrets|NetworkManager/system-connections/[^/]+\.nmconnection|wireguard/[^/]+\.conf|openvpn/[^/]+\.(?:ovpn|key)|ipsec\.secrets",
    ),
    (
        "packer-or-ci-secrets",
        "secrets of a build",
        r"\.circleci/secrets?[^/]*|\.buildkite/secrets?[^/]*|\.jenkins/secrets/(?:[^/]+\.key|hudson\.util\.Secret|initialAdminPassword)|jenkins\.plugins\.publish_over_ssh\.BapSshPublisherPlugin\.xml",
    ),
)
_PACKAGED = re.compile(
    r"(?:\A|/)(?:node_modules|site-packages|dist-packages|usr/share|usr/lib|usr/include|etc/pki/nssdb|vendor|gems|pkg/mod|tests?|testdata|examples?|fixtures)/"
)
_ENDINGS = _words(
    """
    agilekeychain bcfks bks bz2 conf db env gpg gz jceks jks json kdb kdbx key keystore keytab kubeconfig nmconnection ovpn p12 pem pfx pgdump ppk sql
    tfstate tfvars xz zst
    """
)
_NAMES = _words(
    """
    .boto .dbshell .dockercfg .dockerconfigjson .git-credentials .histfile .htdigest .htpasswd .lesshst .mongorc.js .my.cnf .mylogin.cnf .netrc .npmrc
    .passwd-s3fs .pgpass .pypirc .rediscli_auth .s3cfg .terraformrc .viminfo .yarnrc .yarnrc.yml NuGet.Config _netrc chap-secrets config
    credentials credentials.toml credentials.tfrc.json gradle.properties htpasswd hosts.yml config.yml hub hudson.util.Secret identity
    initialAdminPassword ipsec.secrets jenkins.plugins.publish_over_ssh.BapSshPublisherPlugin.xml k3s.yaml keystore kubeconfig kubeconfig.yaml
    kubeconfig.yml msal_token_cache.bin pap-secrets passwd-s3fs secrets.yml settings-security.xml settings.xml shadow shadow.bak shadow.old
    shadow.orig shadow.txt
    """
)
_STARTS = (".env", "id_", "krb5cc_", "secret", "vault", ".vault")
_ENDS = ("_history", "_key", "_rsa", "_dsa", "_ecdsa", "_ed25519", "history", ".tfstate.backup", "wallet.dat")


def may_be_known(name: str) -> bool:
    """Tell of a file's base name whether `known_file` is worth asking: the walk of a layer asks for every file, and this is some look-ups in tables."""
    return (
        name in _NAMES
        or name.rpartition(".")[2] in _ENDINGS
        or name.startswith(_STARTS)
        or name.endswith(_ENDS)
    )


@functools.cache
def _known() -> re.Pattern[str]:
    kinds = enumerate(_KINDS)
    return re.compile(
        "|".join(rf"(?P<k{number}>(?:\A|.*/)(?:{pattern})\Z)" for number, (_, _, pattern) in kinds),
        re.DOTALL,
    )


def known_file(path: str) -> KnownFile | None:
    """Say what a file is known to hold, by its path (no leading slash); nothing of those that packages bring as tests and examples."""
    if not may_be_known(path.rpartition("/")[2]) or _PACKAGED.search(path):
        return None
    found = _known().match(path)
    if found is None or found.lastgroup is None:
        return None
    kind, about, _ = _KINDS[int(found.lastgroup[1:])]
    return KnownFile(kind, about)
