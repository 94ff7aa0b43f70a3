r"""What the packs of rules without a known token format share: names that tell, values, places, and words about them.

A telling name stands at the end of a key (`DB_PASSWORD`, not `password_policy`), so that what is said *about* a password is none.
"""

from collections.abc import Callable

from hullmark.detectors.secrets.rule import CONTROLS, END, SecretRule
from hullmark.model.advisory import Severity
from hullmark.model.rule import Confidence, Rule

PASSWORD = (
    r"(?i:(?:[\w.-]{0,60}(?:passw(?:or)?d|passphrase|passcode|pwd|passwort|contrasena)|(?:[\w.-]{0,60}[_.-])?(?:db|user|smtp|mail|admin|root|ftp|ldap|bind|sql|key|store|trust)?pass)"  # noqa: S105
    r"(?:[_.-]?(?:[0-9]|plain|text|value|default))?)"
)
"""A name that ends in a word for a password, as `spring.datasource.password`, `MYSQL_ROOT_PASSWORD`, `dbPass`, `password1`."""
SECRET = (
    r"(?i:[\w.-]{0,60}(?:secret|token|credentials?|(?:secret|api|access|auth|private|encryption|encrypt|cipher|crypt|signing|sign|signature|master|session|shared|app|application|account|"  # noqa: S105
    r"service|license|hmac|jwt|webhook|deploy|admin|consumer|client|secure|salt|cookie|aes|storage|primary|bot|write|root)[_.-]?(?:key|auth|hash_salt)|key[_.-]?base|_auth|\bauth|(?:auth|logged_in|nonce|signing|session|cookie)[_.-]salt)"
    r"(?:[_.-]?(?:[0-9]|plain|value|default|base|hex|base64|b64))?)"
)
"""A name that ends in a word for a key or token, as `SECRET_KEY`, `secret_key_base`, `client-secret`, `githubToken`, `apiKey`."""
ASSIGNED = r"[\"'`\]]{0,2}[ \t]{0,8}(?:=|:|:=|=>)[ \t]{0,8}"
TEXT = r"[^\s\"'`\x00]"
"""A sign of a value that ends at a space or quote."""

SETTINGS = (
    "**/.env",
    "**/.env.*",
    "**/*.env",
    "**/*.properties",
    "**/*.ini",
    "**/*.cfg",
    "**/*.cnf",
    "**/*.conf",
    "**/*.config",
    "**/*.toml",
    "**/*.yml",
    "**/*.yaml",
    "**/*.tf",
    "**/*.tfvars",
    "**/*.tfstate",
    "**/*.tfstate.backup",
    "**/appsettings*.json",
    "**/*config*.json",
    "**/*settings*.json",
    "**/*secret*.json",
    "**/*credential*.json",
    "**/.*credentials",
    "**/*.cred",
    "**/*.secret",
    "**/*.secrets",
    "**/.my.cnf",
    "**/.pypirc",
    "**/.s3cfg",
    "**/.boto",
    "**/.aws/*",
    "**/.git/config",
    "**/.kube/config",
    "**/.azure/*",
    "**/.gem/credentials",
    "**/.config/*",
    "**/.config/*/*",
    "etc/default/*",
    "etc/sysconfig/*",
    "etc/environment",
    "**/*.service",
    "run/secrets/*",
    "**/ansible/hosts",
    "**/inventory",
    "**/inventory/*",
)
"""Files of settings: what is assigned there is in use, and a text needs no quotes."""
COMMANDS = (
    "**/Dockerfile",
    "**/Dockerfile.*",
    "**/*.Dockerfile",
    "**/*.dockerfile",
    "**/Containerfile",
    "**/Containerfile.*",
    "**/*.sh",
    "**/*.bash",
    "**/*.zsh",
    "**/*.ksh",
    "**/*.fish",
    "**/*.ps1",
    "**/*.bat",
    "**/*.cmd",
    "**/.*_history",
    "**/.bashrc",
    "**/.bash_profile",
    "**/.bash_login",
    "**/.profile",
    "**/.zshrc",
    "**/.zshenv",
    "**/.zprofile",
    "**/.bash_aliases",
    "**/.envrc",
    "**/*entrypoint*",
    "**/crontab",
    "**/crontabs/*",
    "**/cron.d/*",
    "etc/profile",
    "etc/profile.d/*",
    "etc/init.d/*",
    "etc/cron.*/*",
    "**/Makefile",
    "**/Jenkinsfile",
    "**/Vagrantfile",
    "**/.gitlab-ci.yml",
    "**/.github/workflows/*",
    "**/docker-compose*",
    "**/compose.y*ml",
)
"""Files of commands: scripts, histories, build instructions, time tables."""
IMAGE = (
    "config.Env",
    "config.Env.*",
    "config.Labels",
    "config.Labels.*",
    "config.Cmd",
    "config.Entrypoint",
    "history",
    "history.*",
)
"""An image's own configuration, by the names that a report gives its fields."""
VARIABLES = (
    *IMAGE,
    "**/.env",
    "**/.env.*",
    "**/*.env",
    "**/Dockerfile",
    "**/Containerfile",
    "**/.my.cnf",
    "**/.*credentials",
    "**/docker-compose*",
    "**/compose.y*ml",
)
"""Where a password that is set is used, be it a word."""
IN_USE = (*IMAGE, *SETTINGS, *COMMANDS)

MOUNT = "Take it out, replace it by a new one where it is used, and hand it over when the container runs (a mounted file or the orchestrator's secret), or with RUN --mount=type=secret when the image is built."
REPLACE = "Take the file out of the image, replace what it holds by a new one, and mount the file where it is needed."
READ = "Everybody who can pull the image can read it and use it."


def generic(
    name: str,
    summary: str,
    pattern: str,
    *,
    bad: tuple[str, ...],
    good: tuple[str, ...],
    severity: Severity = Severity.HIGH,
    why: str = READ,
    fix: str = MOUNT,
    confidence: Confidence = "high",
    valid: Callable[[str], bool] | None = None,
    paths: tuple[str, ...] = (),
    binary: bool = False,
    entropy: float = 0.0,
    searched: str = "",
    same_as: tuple[str, ...] = (),
    yields: bool = True,
) -> SecretRule:
    """Give a rule that yields where one for a known format finds the same value, unless the place leaves no doubt of what even a word like `root` is there."""
    about = Rule(
        id=name,
        kind="secret",
        severity=severity,
        summary=summary,
        why=why,
        fix=fix,
        bad=bad,
        good=good,
        controls=CONTROLS,
        same_as=same_as,
    )
    return SecretRule(
        rule=about,
        pattern=pattern,
        confidence=confidence,
        entropy=entropy,
        searched=searched,
        valid=valid,
        paths=paths,
        binary=binary,
        generic=yields,
    )


def setting(names: str, value: str) -> str:
    r"""Give the pattern of a value, quoted or not, that a file of settings or a command assigns: `name=…`, `name: …`, `--name=…`, `"name": "…"`."""
    return rf"(?m)(?:^|[\s\"'`;&|(,{{]|\bEnvironment=){names}{ASSIGNED}[\"']?(?P<secret>{value}){END}"


def quoted(names: str, value: str) -> str:
    r"""Give the pattern of a quoted value that source code assigns to a name, a key or an argument."""
    return (
        rf"\b{names}(?:{ASSIGNED}|[\"'][ \t]{{0,4}},[ \t]{{0,4}})[bru@]{{0,2}}[\"'`](?P<secret>{value})[\"'`]"
    )
