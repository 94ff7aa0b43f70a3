"""The environment and the arguments of the build: secrets by their names, and variables that take security away. Values are never shown."""

import re
from collections.abc import Iterable, Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._gathering import Place, configured, gathered
from hullmark.detectors.config.image.view import ImageView, Variable, assignments
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_SECRET_CONTROLS = ("CIS-Docker 4.10", "NIST-800-190 4.1.4", "NIST-800-53 IA-5", "PCI-DSS 8.6.2")
_FIELD = "config.Env"
_LONGEST_NAME = 200

SECRET = Rule(
    id="image-secret-in-env",
    kind="image",
    severity=Severity.HIGH,
    summary="a variable of the environment holds a secret",
    why="Whoever can pull the image reads it there, and every process in the container inherits it.",
    fix="Take it out, change it, and give it when the container starts: as a mounted file, or from a secret store.",
    bad=(
        '{"config": {"Env": ["DB_PASSWORD=correct-horse"]}}',
        '{"config": {"Env": ["AWS_SECRET_ACCESS_KEY=not-a-real-one"]}}',
        '{"config": {"Env": ["HTTP_PROXY=http://user:word@proxy.example:3128"]}}',
        '{"config": {"Env": ["PGPASSWORD=correct-horse"]}}',
        '{"config": {"Env": ["RAILS_MASTER_KEY=0123456789abcdef0123456789abcdef"]}}',
        '{"config": {"Env": ["KEYSTOREPASS=correct-horse"]}}',
        '{"config": {"Env": ["API_TOKENS=correct-horse,staple"]}}',
        '{"config": {"Env": ["JWT_SECRET_V2=correct-horse"]}}',
    ),
    good=(
        '{"config": {"Env": ["GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", "NGINX_GPGKEY=573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62"]}}',
        '{"config": {"Env": ["DB_PASSWORD=", "DB_PASSWORD_FILE=/run/secrets/db", "ALLOW_EMPTY_PASSWORD=no", "TOKEN_TTL=3600"]}}',
        '{"config": {"Env": ["API_TOKEN=${API_TOKEN}", "SSH_KEY=/etc/ssh/key", "PRIMARY_KEY=id", "HTTP_PROXY=http://proxy.example:3128"]}}',
        '{"config": {"Env": ["MAX_TOKENS=131072", "KEYRING_DIR=keys", "PASSENGER_VERSION=6.0", "BYPASS=all", "GIT_ASKPASS=echo"]}}',
    ),
    controls=_SECRET_CONTROLS,
    same_as=("CIS-DI-0010", "DS-0031", "AVD-DS-0031", "DS031"),
)
ARGUMENT = Rule(
    id="image-secret-in-arg",
    kind="image",
    severity=Severity.HIGH,
    summary="an argument of the build held a secret",
    why="The values of ARG stand in the image's history, for whoever can pull it.",
    fix="Change it, and give it to the build with RUN --mount=type=secret, which leaves nothing behind.",
    bad=(
        '{"history": [{"created_by": "RUN |1 NPM_TOKEN=correct-horse /bin/sh -c npm ci # buildkit"}]}',
        '{"history": [{"created_by": "ARG DB_PASSWORD=correct-horse", "empty_layer": true}]}',
    ),
    good=(
        '{"history": [{"created_by": "RUN |1 NODE_VERSION=22.1.0 /bin/sh -c npm ci # buildkit"}]}',
        '{"history": [{"created_by": "ARG NPM_TOKEN", "empty_layer": true}]}',
    ),
    controls=_SECRET_CONTROLS,
    same_as=("CIS-DI-0010", "DS-0031", "AVD-DS-0031", "DS031"),
)
UNCHECKED = Rule(
    id="image-unchecked-certificates",
    kind="image",
    severity=Severity.MEDIUM,
    summary="the environment turns off the checking of certificates or signatures",
    why="Every connection of the programs that heed it can then be read and changed by anybody on the way.",
    fix="Take the variable out and install the certificate of the authority that is missing.",
    bad=(
        '{"config": {"Env": ["NODE_TLS_REJECT_UNAUTHORIZED=0"]}}',
        '{"config": {"Env": ["GIT_SSL_NO_VERIFY=true"]}}',
        '{"config": {"Env": ["PIP_TRUSTED_HOST=pypi.example"]}}',
    ),
    good=(
        '{"config": {"Env": ["NODE_TLS_REJECT_UNAUTHORIZED=1", "GIT_SSL_NO_VERIFY=false", "PIP_TRUSTED_HOST="]}}',
    ),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 SC-8", "NIST-800-53 SC-23", "PCI-DSS 4.2.1"),
)
DEBUGGER = Rule(
    id="image-debugger-in-env",
    kind="image",
    severity=Severity.MEDIUM,
    summary="the environment starts a debugger or a debug mode",
    why="A debugger that listens runs what it is sent, and a debug page shows sources and secrets, or a console.",
    fix="Set the variable where you develop, not in the image.",
    bad=(
        '{"config": {"Env": ["JAVA_TOOL_OPTIONS=-agentlib:jdwp=transport=dt_socket,server=y,address=*:5005"]}}',
        '{"config": {"Env": ["NODE_OPTIONS=--inspect=0.0.0.0:9229"]}}',
        '{"config": {"Env": ["FLASK_DEBUG=1"]}}',
    ),
    good=(
        '{"config": {"Env": ["JAVA_TOOL_OPTIONS=-Xmx1g", "NODE_OPTIONS=--max-old-space-size=4096", "FLASK_DEBUG=0"]}}',
    ),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 CM-7", "NIST-800-53 SI-11", "PCI-DSS 2.2.4"),
)
LOADED = Rule(
    id="image-loaded-from-open-folder",
    kind="image",
    severity=Severity.MEDIUM,
    summary="programs or libraries are looked for where anybody may write",
    why="Whoever may write there has their own code run by the application, and by whoever else starts a program in the container.",
    fix="Name only folders that root alone may write to, each from the root.",
    bad=(
        '{"config": {"Env": ["PATH=/usr/bin:/tmp/bin"]}}',
        '{"config": {"Env": ["PATH=.:/usr/bin"]}}',
        '{"config": {"Env": ["LD_PRELOAD=/tmp/x.so"]}}',
        '{"config": {"Env": ["PATH=/opt/bin:/bin"]}, "modes": ["777 0:0 opt/bin/"]}',
    ),
    good=(
        '{"config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"]}}',
        '{"config": {"Env": ["PATH=/usr/bin:", "LD_LIBRARY_PATH=/usr/local/nvidia/lib:"]}}',
    ),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 AC-6", "NIST-800-53 SI-7", "PCI-DSS 2.2.6"),
)

_SECRET_NAME = re.compile(
    r"(?:.*(?:passwords?|passwd|passphrase)"
    r"|(?:.*[_-])?(?:pwd|(?:auth|db|keystore|smtp|store|truststore|user)?pass|secrets?|token|(?:access|api|auth|bearer|refresh)_?tokens|api_?keys?|secret_?key"
    r"|access_?key|private_?key|signing_?key|encryption_?key|master_?key|auth_?key|credentials?|secret_?key_?base|connection_?string|access_?key_?id))"
    r"(?:_?v?\d{1,3}|_value)?",
    re.IGNORECASE,
)
_CAMEL = re.compile(r".*(?:Password|Secret|Token|ApiKey|AccessKey|PrivateKey)")
_NO_SECRET_NAME = re.compile(
    r"(?:OLD)?PWD|.*(?:PUBLIC|GPG|PGP|PRIMARY|FOREIGN|ALLOW_EMPTY|RANDOM_ROOT|NO|ENABLE|DISABLE|USE|REQUIRE)_(?:KEY|PASSWORD|TOKEN|SECRET|PASS)S?",
    re.IGNORECASE,
)
_NO_SECRET_VALUE = re.compile(
    r"(?:true|false|yes|no|on|off|none|null|nil|undefined|\d{1,4}|/[\w./-]*|file:.*|\$.*|\{\{.*|<[^>]*>|%[^%]*%|\*+|x{3,}|arn:aws:.*|vault:.*|ref\+.*)",
    re.IGNORECASE | re.DOTALL,
)
_CREDENTIALS_IN_URL = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s/:@$]{0,200}:[^\s/@$*{<]{1,500}@", re.IGNORECASE
)
_OFF = frozenset({"0", "false", "no", "off"})
_ON = frozenset({"1", "true", "yes", "on"})
_WEAKENING: dict[str, frozenset[str] | None] = {
    "NODE_TLS_REJECT_UNAUTHORIZED": frozenset({"0"}),
    "PYTHONHTTPSVERIFY": frozenset({"0"}),
    "GIT_SSL_NO_VERIFY": _ON,
    "NPM_CONFIG_STRICT_SSL": _OFF,
    "YARN_STRICT_SSL": _OFF,
    "YARN_ENABLE_STRICT_SSL": _OFF,
    "GOSUMDB": frozenset({"off"}),
    "CONDA_SSL_VERIFY": _OFF,
    "BUNDLE_SSL_VERIFY_MODE": frozenset({"0"}),
    "PIP_TRUSTED_HOST": None,
    "UV_INSECURE_HOST": None,
    "GOINSECURE": None,
}
"""Variables and the values that turn a check off; None for any value."""
_DEBUGGING = {
    "JAVA_TOOL_OPTIONS": re.compile(r"(?:-agentlib:|-Xrun)jdwp"),
    "JDK_JAVA_OPTIONS": re.compile(r"(?:-agentlib:|-Xrun)jdwp"),
    "_JAVA_OPTIONS": re.compile(r"(?:-agentlib:|-Xrun)jdwp"),
    "CATALINA_OPTS": re.compile(r"(?:-agentlib:|-Xrun)jdwp"),
    "NODE_OPTIONS": re.compile(r"--inspect(?:-brk|-wait)?(?:=(?!127\.|localhost)|\s+(?=\d))"),
    "FLASK_DEBUG": re.compile(r"1|true|yes|on", re.IGNORECASE),
    "WERKZEUG_DEBUG_PIN": re.compile(r"off", re.IGNORECASE),
}
_OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  # it is what is looked for


def is_secret(variable: Variable) -> bool:
    """Tell by the name, and by what the value is not, whether a variable holds a secret."""
    name, value = variable.name, variable.value.strip().strip("\"'")
    if not value or len(name) > _LONGEST_NAME:
        return False
    if _CREDENTIALS_IN_URL.match(value):
        return True
    if _NO_SECRET_VALUE.fullmatch(value) or _NO_SECRET_NAME.fullmatch(name):
        return False
    return bool(_SECRET_NAME.fullmatch(name) or _CAMEL.fullmatch(name))


def _secrets(view: ImageView) -> Iterator[Problem]:
    names = sorted({variable.name for variable in view.settings.environment if is_secret(variable)})
    places = (
        Place(
            name,
            -1,
            f"the variable {name} holds what looks like a secret",
            f"{_FIELD}.{name}",
            view.origin("ENV", name),
        )
        for name in names
    )
    return gathered(view, SECRET, places, "variables with what looks like a secret", base_severity=None)


def _arguments(view: ImageView) -> Iterator[Problem]:
    found: dict[str, Place] = {}
    for step in view.steps:
        given = step.arguments or (assignments(step.text) if step.keyword == "ARG" else ())
        for argument in given:
            if is_secret(argument):
                field = f"history.{step.index}"
                message = f"the build's argument {argument.name} holds what looks like a secret"
                found.setdefault(argument.name, Place(argument.name, -1, message, field, step.from_base))
    return gathered(
        view, ARGUMENT, found.values(), "arguments with what looks like a secret", base_severity=None
    )


def _said(view: ImageView, rule: Rule, names: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for name, message in names:
        yield configured(rule, f"{_FIELD}.{name}", message, resource=name, from_base=view.origin("ENV", name))


def _unchecked(view: ImageView) -> Iterator[Problem]:
    found = [
        (variable.name, f"the variable {variable.name} turns off the checking of certificates or signatures")
        for variable in view.settings.environment
        if _weakens(variable)
    ]
    return _said(view, UNCHECKED, found)


def _weakens(variable: Variable) -> bool:
    name, value = variable.name.upper(), variable.value.strip().lower()
    values = _WEAKENING.get(name, frozenset())
    return bool(value) if values is None else value in values


def _debuggers(view: ImageView) -> Iterator[Problem]:
    found = [
        (variable.name, f"the variable {variable.name} starts a debugger or a debug mode")
        for variable in view.settings.environment
        if variable.name in _DEBUGGING and _DEBUGGING[variable.name].search(variable.value)
    ]
    return _said(view, DEBUGGER, found)


def _loaded(view: ImageView) -> Iterator[Problem]:
    writable = {f"/{each.path}" for each in view.modes if each.mode.folder and each.mode.mode & 0o002}
    found = []
    for name, value in view.settings.environment:
        separators = ":" if name == "PATH" else ": "
        if name not in {"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH"} or view.os == "windows":
            continue
        parts = re.split(f"[{separators}]", value)
        bad = next((part for part in parts if part and _is_open(part, writable, name)), "")
        if bad:
            found.append((name, f"{name} has {bad[:100]}, where anybody may write"))
    return _said(view, LOADED, found)


def _is_open(part: str, writable: set[str], name: str) -> bool:
    if part[:1] != "/":
        # of LD_PRELOAD a bare name is looked for in the usual folders; a variable is not ours to resolve
        return part[:1] not in "$%~" and (name != "LD_PRELOAD" or "/" in part)
    tidy = part.rstrip("/")
    folder = tidy.rpartition("/")[0] if name == "LD_PRELOAD" else tidy
    return folder in writable or any(
        folder == each or folder.startswith(f"{each}/") for each in _OPEN_FOLDERS
    )


CHECKS: tuple[Check[ImageView], ...] = (
    Check(SECRET, _secrets),
    Check(ARGUMENT, _arguments),
    Check(UNCHECKED, _unchecked),
    Check(DEBUGGER, _debuggers),
    Check(LOADED, _loaded),
)
