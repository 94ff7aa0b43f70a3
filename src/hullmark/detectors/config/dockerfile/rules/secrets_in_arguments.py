"""Secrets in `ENV`, `ARG` and commands, told by their names, and private files that are copied. Values are never part of a message."""

import re
from collections.abc import Iterator
from itertools import pairwise, zip_longest

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import commands, every, named, option_values
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Instruction, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_CONTROLS = ("CIS-Docker 4.10", "NIST-800-190 4.1.4", "NIST-800-53 IA-5", "PCI-DSS 8.6.2")
_MOUNT = "Give it to the build with `RUN --mount=type=secret`, or to the container when it starts."

IN_ENVIRONMENT = Rule(
    id="secret-in-environment",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a secret is given to `ENV` or as the default of an `ARG`",
    why="Variables stand in the image's configuration and history: whoever has the image reads them.",
    fix=_MOUNT,
    bad=(
        "FROM debian:12.7\nENV DB_PASSWORD=hunter2\n",
        "FROM debian:12.7\nENV JWT_KEY abc123def\n",
        "FROM debian:12.7\nARG NPM_TOKEN=abc123def\n",
        "FROM debian:12.7\nENV A=1 AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI B=2\n",
        "FROM debian:12.7\nARG GH_TOKEN\nENV GH_TOKEN=$GH_TOKEN\n",
        "FROM debian:12.7\nENV dbpassword=1234\n",
        "ARG CI_SECRET=s3cret\nFROM debian:12.7\n",
    ),
    good=(
        'FROM debian:12.7\nENV DB_PASSWORD="" DB_PASSWORD_FILE=/run/secrets/db\n',
        "FROM debian:12.7\nENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568 TOKEN_TTL=3600\n",
        "FROM debian:12.7\nENV KEY_ID=abc PUBLIC_KEY=abc MYSQL_ALLOW_EMPTY_PASSWORD=yes\n",
        "FROM debian:12.7\nARG NPM_TOKEN\n",
        "FROM debian:12.7\nENV TOKENIZERS_PARALLELISM=false SECRET_PATH=kv PWD=/a PASSWORD=$RUNTIME\n",
        "FROM debian:12.7\nENV SECRET_KEY_BASE=dummy AUTH_URL=https://example.com/a\n",
    ),
    controls=_CONTROLS,
    same_as=("DL3064", "DS-0031", "AVD-DS-0031", "CIS-DI-0010", "SecretsUsedInArgOrEnv"),
)
ARGUMENT = Rule(
    id="secret-argument",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="a secret is to be given as a build argument",
    why="What `--build-arg` gives stands in the history of the image and in the build cache.",
    fix="Give it with `RUN --mount=type=secret`.",
    bad=("FROM debian:12.7\nARG NPM_TOKEN\n", "FROM debian:12.7\nARG VERSION DB_PASSWORD\n"),
    good=("FROM debian:12.7\nARG VERSION\nARG GPG_KEY\nARG PASSWORD_FILE\n",),
    pack="pedantic",
    controls=_CONTROLS,
    same_as=("DL3064", "DS-0031", "AVD-DS-0031", "CIS-DI-0010", "SecretsUsedInArgOrEnv"),
)
IN_COMMAND = Rule(
    id="credential-in-command",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a command is given a password or token",
    why="The command stands in the image's history, and what it signed in to often leaves the credential in a file.",
    fix=_MOUNT,
    bad=(
        "FROM debian:12.7\nRUN docker login -u me -p hunter2 registry.example.com\n",
        "FROM debian:12.7\nRUN aws configure set aws_secret_access_key wJalrXUtnFEMI\n",
        "FROM debian:12.7\nRUN curl -u me:hunter2 https://example.com/a\n",
        "FROM debian:12.7\nARG TOKEN\nRUN npm config set //npm.example.com/:_authToken=$TOKEN\n",
        "FROM debian:12.7\nRUN sshpass -phunter2 scp me@example.com:a a\n",
        "FROM debian:12.7\nRUN az login --service-principal -u me --password hunter2\n",
        "FROM debian:12.7\nRUN gcloud auth activate-service-account --key-file=key.json\n",
    ),
    good=(
        'FROM debian:12.7\nRUN --mount=type=secret,id=t docker login -u me -p "$(cat /run/secrets/t)" registry.example.com\n',
        "FROM debian:12.7\nRUN --mount=type=secret,id=t,env=TOKEN npm config set //npm.example.com/:_authToken=$TOKEN\n",
        "FROM debian:12.7\nRUN curl -u me: https://example.com/a && mkdir -p hunter\n",
        "FROM debian:12.7\nRUN --mount=type=secret,id=k gcloud auth activate-service-account --key-file=/run/secrets/k\n",
        "FROM debian:12.7\nRUN docker login --password-stdin < /run/secrets/t\n",
    ),
    controls=_CONTROLS,
    same_as=("DS-0031", "AVD-DS-0031"),
)
PRIVATE_FILE = Rule(
    id="private-file-copied",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a file that holds credentials is copied into the image",
    why="It stays in its layer for whoever has the image, even where a later instruction deletes it.",
    fix="Mount it with `RUN --mount=type=secret` or `--mount=type=ssh`, or give it to the container as a volume.",
    bad=(
        "FROM debian:12.7\nCOPY id_rsa /root/.ssh/id_rsa\n",
        "FROM debian:12.7\nCOPY app .env /app/\n",
        "FROM debian:12.7\nADD .aws/credentials /root/.aws/credentials\n",
        "FROM debian:12.7\nCOPY server.p12 /etc/ssl/\n",
        "FROM debian:12.7\nCOPY . /app\nENV GOOGLE_APPLICATION_CREDENTIALS=/app/key.json\n",
    ),
    good=(
        "FROM debian:12.7\nCOPY id_rsa.pub .env.example /app/\n",
        "FROM debian:12.7\nCOPY . /app\nENV GOOGLE_APPLICATION_CREDENTIALS=/run/secrets/key.json\n",
        "FROM debian:12.7\nCOPY --from=build /etc/nginx/x.key.md /a/\n",
        "FROM debian:12.7\nCOPY .aws/config /root/.aws/config\n",
    ),
    controls=_CONTROLS,
    same_as=("DS-0031", "AVD-DS-0031", "CIS-DI-0010"),
)

_SECRET_WORD = re.compile(
    r"\w*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|APIKEY|CREDENTIALS?)|PASS|PWD|PSW|PWORD|OAUTH2?"
)
_BEFORE_KEY = frozenset(
    [
        "API",
        "ACCESS",
        "PRIVATE",
        "SECRET",
        "AUTH",
        "ENCRYPTION",
        "SIGNING",
        "CLIENT",
        "MASTER",
        "ACCOUNT",
        "DEPLOY",
        "APP",
        "APPLICATION",
        "LICENSE",
        "JWT",
        "SESSION",
        "HMAC",
        "COOKIE",
    ]
)
_HARMLESS = frozenset(
    ["PUBLIC", "PUB", "GPG", "PGP", "CHECKSUM", "FINGERPRINT", "SHA256", "SHA512", "ALLOW", "RANDOM"]
)
_ABOUT_ONE = frozenset(
    [
        "FILE",
        "PATH",
        "DIR",
        "URL",
        "URI",
        "HOST",
        "PORT",
        "NAME",
        "TTL",
        "EXPIRY",
        "EXPIRES",
        "EXPIRATION",
        "EXPIRE",
        "TIMEOUT",
        "LENGTH",
        "SIZE",
        "VERSION",
        "TYPE",
        "ALGORITHM",
        "ALG",
        "ISSUER",
        "ENDPOINT",
        "ENABLED",
        "DISABLED",
        "REQUIRED",
        "POLICY",
        "HEADER",
        "PREFIX",
        "SUFFIX",
        "REGEX",
        "COUNT",
        "LIMIT",
        "LIMITS",
        "LIFETIME",
        "MANAGER",
        "PROVIDER",
        "BACKEND",
        "STORE",
        "STORAGE",
        "ROTATION",
        "METHOD",
        "MODE",
        "CHECKSUM",
        "SHA",
        "REF",
        "ARN",
        "MIN",
        "MAX",
        "DURATION",
        "AGE",
        "SERVICE",
        "AUDIENCE",
        "SCOPE",
        "FORMAT",
        "LOCATION",
        "FOLDER",
        "ENV",
        "VAR",
        "NAMESPACE",
        "USERNAME",
        "USER",
        "EMAIL",
    ]
)
_NO_SECRET = re.compile(
    r"(?i)(?:true|false|yes|no|on|off|none|null|nil|undefined|dummy|placeholder|fake|example|unused|unset|empty|redacted|required"
    r"|[x*.\-]+|<.*>|\{\{.*\}\}|(?:\.{0,2}|~)/.*|[a-z][a-z0-9+.-]*://.*|file:.*)"
)
_REFERENCE = re.compile(r"\$\{?(\w+)")


def is_secret_name(name: str) -> bool:
    """Tell whether a variable of this name holds a secret: `DB_PASSWORD`, not `PASSWORD_FILE` or `GPG_KEY`."""
    parts = [part for part in re.split(r"[^A-Z0-9]+", name[:200].upper()) if part]
    if (
        not parts
        or name.upper() in {"PWD", "OLDPWD"}
        or parts[-1] in _ABOUT_ONE
        or _HARMLESS.intersection(parts)
    ):
        return False
    keys = any(part in {"KEY", "KEYS"} and before in _BEFORE_KEY for before, part in pairwise(parts))
    return keys or any(_SECRET_WORD.fullmatch(part) for part in parts)


def _is_secret_value(name: str, text: str) -> bool:
    is_number = text.replace(".", "").isdigit() and not re.search("(?i)pass|pwd|psw", name)
    return bool(text) and not is_number and not _NO_SECRET.fullmatch(text[:500])


def _declared(dockerfile: Dockerfile) -> dict[int, set[str]]:
    """Give the names of the build arguments of each stage."""
    found: dict[int, set[str]] = {}
    for instruction in every(dockerfile, "ARG"):
        found.setdefault(instruction.stage, set()).update(name.text for name, _ in instruction.pairs)
    return found


def _find_in_environment(dockerfile: Dockerfile) -> Iterator[Problem]:
    declared = _declared(dockerfile)
    for instruction in every(dockerfile, "ENV", "ARG"):
        for name, value in instruction.pairs:
            if value is None or not is_secret_name(name.text):
                continue
            if "$" in value.raw:
                asked = set(_REFERENCE.findall(value.raw[:1000])) & declared.get(instruction.stage, set())
                if instruction.keyword == "ENV" and asked:
                    message = f"ENV {name.text} keeps what a build argument gave in the image"
                    yield named(IN_ENVIRONMENT, name, message)
            elif _is_secret_value(name.text, value.text):
                yield named(
                    IN_ENVIRONMENT, name, f"{instruction.keyword} {name.text} has the value of a secret"
                )


def _find_argument(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "ARG"):
        for name, value in instruction.pairs:
            if is_secret_name(name.text) and (value is None or not value.text):
                yield named(
                    ARGUMENT, name, f"{name.text} is a secret, and build arguments stay in the history"
                )


# per tool: words that must be there, and the options whose value is a credential
_OPTIONS: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    **dict.fromkeys(
        ("docker", "podman", "buildah", "skopeo", "crane", "nerdctl", "oras"),
        (frozenset({"login"}), ("-p", "--password")),
    ),
    "helm": (frozenset(), ("--password",)),
    "az": (frozenset({"login"}), ("-p", "--password", "--federated-token")),
    "doctl": (frozenset({"auth", "init"}), ("-t", "--access-token")),
    "wget": (frozenset(), ("--password", "--http-password", "--ftp-password")),
    "dotnet": (frozenset({"nuget"}), ("-p", "--password", "-k", "--api-key")),
    "subscription-manager": (frozenset({"register"}), ("--password",)),
    "svn": (frozenset(), ("--password",)),
    "twine": (frozenset({"upload"}), ("-p", "--password")),
    "mysql": (frozenset(), ("--password",)),
    "mysqladmin": (frozenset(), ("--password",)),
    "sshpass": (frozenset(), ("-p",)),
    "gh": (frozenset({"auth"}), ("--with-token",)),
}
_AWS_KEYS = frozenset({"aws_access_key_id", "aws_secret_access_key", "aws_session_token"})
_AUTH_SETTING = re.compile(r"(?i)(?:.*[:.])?(?:_authToken|_auth|_password|npmAuthToken)(?:=(.+))?")


def _credentials(command: Command) -> Iterator[tuple[Word, str]]:
    """Give the words of a command that are credentials, each with what of it is the credential itself."""
    texts = [word.text for word in command.words]
    if command.name in _OPTIONS:
        needed, options = _OPTIONS[command.name]
        if needed.issubset(texts):
            for word in option_values(command, *options):
                yield word, word.raw.partition("=")[2] if word.text.startswith("--") else word.raw
    if command.name == "sshpass":
        yield from (
            (word, word.raw[2:])
            for word in command.words[:1]
            if word.text.startswith("-p") and len(word.text) > 2
        )
    elif (
        command.name == "aws"
        and texts[:2] == ["configure", "set"]
        and len(texts) > 3
        and texts[2] in _AWS_KEYS
    ):
        yield command.words[3], command.words[3].raw
    elif command.name == "curl":
        for word in option_values(command, "-u", "--user"):
            secret = word.raw.strip("\"'").partition(":")[2]
            if secret:
                yield word, secret
    elif command.name in {"npm", "yarn", "pnpm"} and "set" in texts:
        yield from _set_token(command)


def _set_token(command: Command) -> Iterator[tuple[Word, str]]:
    for word, after in zip_longest(command.words, command.words[1:]):
        found = _AUTH_SETTING.fullmatch(word.text)
        if found and found[1]:
            yield word, word.raw.partition("=")[2]
        elif found and after is not None:
            yield after, after.raw


def _leaks(instruction: Instruction, raw: str, kept: set[str]) -> bool:
    """Tell whether a credential stands in the history: it is written there, or it is a build argument."""
    if "$(" in raw or "`" in raw or "/run/secrets" in raw:
        return False
    asked = _REFERENCE.findall(raw[:1000])
    mounted = any(
        flag.name == "mount" and flag.value and "type=secret" in flag.value for flag in instruction.flags
    )
    return bool(raw.strip("\"'")) and (
        any(name in kept for name in asked) and not mounted if asked else not raw.startswith("-")
    )


def _find_in_command(dockerfile: Dockerfile) -> Iterator[Problem]:
    kept = _declared(dockerfile)
    for instruction, command in commands(dockerfile):
        for word, raw in _credentials(command):
            if _leaks(instruction, raw, kept.get(instruction.stage, set())):
                yield Problem(
                    IN_COMMAND, word.span, f"{command.name} is given a credential", resource=command.name
                )
        mounted = any(
            flag.name == "mount" and "type=secret" in (flag.value or "") for flag in instruction.flags
        )
        activates = command.name == "gcloud" and [word.text for word in command.words[:2]] == [
            "auth",
            "activate-service-account",
        ]
        if activates and not mounted:
            message = "gcloud keeps the credential of a service account in the layer"
            yield Problem(IN_COMMAND, command.span, message, resource="gcloud")


_PRIVATE = re.compile(
    r"(?i)(?:.*/)?(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|_netrc|\.git-credentials|\.pypirc|\.env|\.pgpass|\.my\.cnf|kubeconfig"
    r"|\.aws/credentials|\.docker/config\.json|\.dockercfg|\.kube/config|\.vault-token|[^/]+\.(?:p12|pfx|jks|keystore|kdbx|ppk))"
)
_FILE_VARIABLES = frozenset(
    {"GOOGLE_APPLICATION_CREDENTIALS", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "HF_TOKEN_PATH"}
)


def _find_private(dockerfile: Dockerfile) -> Iterator[Problem]:
    copied: dict[int, set[str]] = {}
    for instruction in every(dockerfile, "COPY", "ADD", "ENV"):
        if instruction.keyword != "ENV":
            for word in instruction.words[:-1]:
                if _PRIVATE.fullmatch(word.text[:1000]):
                    yield named(
                        PRIVATE_FILE, word, f"{word.text} holds credentials, and is copied into the image"
                    )
            if instruction.words:
                copied.setdefault(instruction.stage, set()).add(instruction.words[-1].text.rstrip("/"))
            continue
        for name, value in instruction.pairs:
            if (
                name.text in _FILE_VARIABLES
                and value is not None
                and _parents(value.text) & copied.get(instruction.stage, set())
            ):
                message = f"the file of credentials that {name.text} names is copied into the image"
                yield named(PRIVATE_FILE, value, message, resource=name.text)


def _parents(path: str) -> set[str]:
    parts = path[:4096].split("/")[:64]
    return {"/".join(parts[:count]) for count in range(1, len(parts) + 1)} - {""}


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(IN_ENVIRONMENT, _find_in_environment),
    Check(ARGUMENT, _find_argument),
    Check(IN_COMMAND, _find_in_command),
    Check(PRIVATE_FILE, _find_private),
)
