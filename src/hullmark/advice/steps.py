"""What the instructions of an image's history, or of a Dockerfile, are for: installing, copying the source, building. Pure.

Histories are those of BuildKit (`RUN |1 A=1 /bin/sh -c … # buildkit`, `COPY . /app # buildkit`), of Docker's classic builder and buildah
(`/bin/sh -c #(nop) COPY dir:… in /app`, `/bin/sh -c …`). Nothing in them is run; what is not known for certain has no role.
"""

import re
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction
from hullmark.model.layering import Role

_LONGEST = 16 * 1024
_SHELL = re.compile(
    r"(?:\|\d+ (?:[^ =]{1,200}=\S*\s+){0,50}?)?(?:/\S{1,40}/)?(?:ba|da|a|z|k)?sh (?:-[a-zA-Z]+ (?:pipefail )?){1,3}"
)
_NOP = re.compile(r"/bin/sh -c #\(nop\)\s+")
_LAYERS = frozenset({"RUN", "COPY", "ADD"})
_BETWEEN = re.compile(r"&&|\|\||[;\n|&(){}]")
_BEFORE = re.compile(
    r"(?:(?:sudo|env|exec|command|time|then|do|else|if|!|nice|eatmydata)\s+(?:-\S+\s+)*|[A-Za-z_]\w*=\S*\s+)+"
)
_NEUTRAL = re.compile(
    r"(?:set|export|unset|echo|printf|true|:|rm|mkdir|cd|ln|test|\[|fi|done|for|while|else|if|then|do|chmod|chown|ldconfig|corepack"
    r"|update-ca-certificates|locale-gen|apt-mark|useradd|groupadd|adduser|addgroup|find|touch"
    r"|npm (?:config|cache)|bundle config|yarn (?:cache|config)|pnpm (?:config|store)|conda clean|mamba clean|pip3? (?:cache|config)"
    r"|(?:python\d? -m )?pip[\d.]* install (?:-\S+ )*(?:pip|setuptools|wheel|poetry|uv|pipenv|pdm)\S*(?: (?:pip|setuptools|wheel)\S*)*)(?:\s|\Z)"
)
_SYSTEM = re.compile(
    r"(?:apt-get|apt|aptitude|apk|dnf|yum|microdnf|tdnf|zypper)\s(?:.*\s)?(?:install|in|add|update|upgrade|dist-upgrade|clean|autoclean"
    r"|autoremove|remove|purge|del|makecache|module|refresh|rm|dup)(?:\s|\Z)|pacman\s+-S"
)
_OF_SOURCE = re.compile(
    r"\s(?:-e|--editable)\s|(?<!\s-r)(?<!\s-c)\s\.{1,2}(?:/\S*|\[\S*)?(?=\s|\Z)|\s--find-links[ =]\."
)
_LOCAL_FILE = re.compile(r"\s\.?/?[\w./-]+\.(?:whl|tgz|tar\.gz|deb|rpm|apk|gem|nupkg)(?=\s|\Z)")


class Installer(NamedTuple):
    """A tool that installs dependencies: its command, the files that it needs for that, and the flag without which it asks for the source as well."""

    tool: str
    command: re.Pattern[str]
    needs: tuple[str, ...]
    flag: str = ""


def _installer(tool: str, command: str, needs: str, flag: str = "") -> Installer:
    return Installer(tool, re.compile(command + r"(?=\s|\Z)"), tuple(needs.split()), flag)


INSTALLERS = (
    _installer("npm", r"npm\s(?:.*\s)?(?:ci|install|i|clean-install)", "package.json package-lock.json"),
    _installer("yarn", r"yarn(?:\s+install|(?=\s+--|\Z))", "package.json yarn.lock"),
    _installer("pnpm", r"pnpm\s(?:.*\s)?(?:install|i|fetch)", "package.json pnpm-lock.yaml"),
    _installer("bun", r"bun\s+(?:install|i)", "package.json bun.lock"),
    _installer("pip", r"(?:python[\d.]*\s+-m\s+)?pip[\d.]*\s(?:.*\s)?install", "requirements.txt"),
    _installer(
        "uv",
        r"uv\s(?:.*\s)?(?:sync|pip\s+install|pip\s+sync)",
        "pyproject.toml uv.lock",
        "--no-install-project",
    ),
    _installer("poetry", r"poetry\s(?:.*\s)?install", "pyproject.toml poetry.lock", "--no-root"),
    _installer("pdm", r"pdm\s(?:.*\s)?(?:install|sync)", "pyproject.toml pdm.lock", "--no-self"),
    _installer("pipenv", r"pipenv\s(?:.*\s)?(?:install|sync)", "Pipfile Pipfile.lock"),
    _installer("conda", r"(?:conda|mamba|micromamba)\s(?:.*\s)?(?:create|update|install)", "environment.yml"),
    _installer("bundler", r"bundle(?:r)?\s(?:.*\s)?install", "Gemfile Gemfile.lock"),
    _installer("gem", r"gem\s+install", ""),
    _installer(
        "composer",
        r"composer\s(?:.*\s)?(?:install|i)",
        "composer.json composer.lock",
        "--no-scripts --no-autoloader",
    ),
    _installer("go", r"go\s+mod\s+(?:download|vendor|verify)", "go.mod go.sum"),
    _installer("cargo", r"cargo\s(?:.*\s)?(?:fetch|vendor|chef\s+cook)", "Cargo.toml Cargo.lock"),
    _installer("maven", r"(?:\./)?mvnw?\s(?:.*\s)?dependency:\S+", "pom.xml"),
    _installer(
        "gradle",
        r"(?:\./)?gradlew?\s(?:.*\s)?(?:dependencies|resolveDependencies)",
        "build.gradle settings.gradle",
    ),
    _installer("dotnet", r"dotnet\s+restore", "*.csproj"),
    _installer("mix", r"mix\s(?:.*\s)?deps\.(?:get|compile)", "mix.exs mix.lock"),
    _installer("pub", r"(?:dart|flutter)\s+pub\s+get", "pubspec.yaml pubspec.lock"),
)
_MANIFEST = re.compile(
    r"(?:package(?:-lock|\*)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-(?:lock|workspace)\.yaml|bun\.lockb?|\.npmrc|\.yarnrc(?:\.yml)?"
    r"|requirements[\w.*-]*|[\w-]*requirements\.txt|constraints[\w.-]*\.txt|pyproject\.toml|(?:poetry|uv|pdm)\.lock|Pipfile(?:\.lock|\*)?|setup\.(?:py|cfg)"
    r"|go\.(?:mod|sum|work|\*)|Cargo\.(?:toml|lock|\*)|pom\.xml|mvnw|\.mvn|(?:build|settings)\.gradle(?:\.kts)?|gradle\.properties|gradlew|gradle"
    r"|Gemfile(?:\.lock|\*)?|[\w*-]+\.gemspec|composer\.(?:json|lock|\*)|[\w.*-]+\.(?:cs|fs|vb)proj|[\w.*-]+\.sln|NuGet\.[Cc]onfig|mix\.(?:exs|lock)"
    r"|environment\.ya?ml|pubspec\.(?:yaml|lock|\*))/?"
)
_SETTINGS = (
    "/etc/",
    "/usr/local/bin",
    "/usr/bin",
    "/bin/",
    "/usr/local/share/ca-certificates",
    "/usr/share/keyrings",
)


class Step(Struct, frozen=True, kw_only=True):
    """One instruction that makes a layer. `layer` is that layer's number, `text` the instruction as in a Dockerfile, `line` its line there, else 0.

    `is_whole` copies the whole context. `sources` are what it copies out of that to `target`, `brings` are the names by which a later command would speak of what is copied. `tools` install dependencies;
    `needs_source` tells that they ask for more than lists.
    """

    layer: int
    text: str
    line: int = 0
    role: Role = ""
    is_whole: bool = False
    sources: tuple[str, ...] = ()
    target: str = ""
    brings: tuple[str, ...] = ()
    tools: tuple[Installer, ...] = ()
    needs_source: bool = False


def as_written(created_by: str) -> str:
    """Give an instruction of a history as a Dockerfile has it."""
    text = created_by[:_LONGEST].strip().removesuffix("# buildkit").strip()
    if nop := _NOP.match(text):
        return text[nop.end() :].strip()
    word, _, rest = text.partition(" ")
    if word.upper() in {
        "COPY",
        "ADD",
        "WORKDIR",
        "ENV",
        "CMD",
        "USER",
        "VOLUME",
        "EXPOSE",
        "LABEL",
        "ENTRYPOINT",
        "ARG",
    }:
        return text
    body = rest.strip() if word.upper() == "RUN" else text
    shell = _SHELL.match(body)
    if shell is not None:
        return f"RUN {body[shell.end() :].strip()}"
    return f"RUN {body}" if word.upper() == "RUN" else text


def of_history(created_by: str, layer: int) -> Step:
    """Tell what the instruction is for that made a layer."""
    text = as_written(created_by)
    keyword, _, rest = text.partition(" ")
    keyword = keyword.upper()
    if keyword == "RUN":
        return _run(rest, Step(layer=layer, text=text))
    if keyword in {"COPY", "ADD"}:
        return _of_history_copy(text, rest.strip(), layer)
    return Step(layer=layer, text=text, role="settings" if keyword == "WORKDIR" else "")


def _of_history_copy(text: str, rest: str, layer: int) -> Step:
    step = Step(layer=layer, text=text)
    sources, is_old, target = rest.rpartition(" in ")
    if is_old and re.match(r"(?:dir|file|multi):", sources):
        kind, place = sources.partition(":")[0], target.strip()
        if layer == 0 and kind == "file":
            return _with(step, "copy")  # the root file system of a base image
        if kind == "dir":
            return _copied(step, (".",), place)
        return (
            _copied(step, (place.rstrip("/").rpartition("/")[2],), place)
            if kind == "file"
            else _with(step, "copy")
        )
    words = [word for word in rest.split() if not word.startswith("--")]
    is_from = any(word.startswith("--from") for word in rest.split())
    if len(words) < 2 or is_from or words[0].startswith("["):
        return _with(step, "copy")
    return _copied(step, tuple(words[:-1]), words[-1])


def of_dockerfile(dockerfile: Dockerfile) -> tuple[Step, ...]:
    """Tell what the instructions are for that make layers in the image of a Dockerfile: those of its last stage and of the stages it builds on."""
    stage = dockerfile.last
    chain = []
    while stage is not None:
        chain.append(stage)
        stage = dockerfile.stages[stage.base] if stage.base is not None and stage.base < stage.index else None
    folder = "/"
    found: list[Step] = []
    for instruction in (each for one in reversed(chain) for each in one.instructions):
        if instruction.keyword == "WORKDIR" and instruction.words:
            folder = _joined(folder, instruction.words[0].text)
        elif instruction.keyword in _LAYERS:
            step = _of_instruction(instruction, len(found))
            found.append(replace(step, target=_joined(folder, step.target)) if step.target else step)
    return tuple(found)


def _joined(folder: str, path: str) -> str:
    """Place a path of a Dockerfile; a slash at its end stays, since it says that it is a folder."""
    if not path.startswith("/"):
        path = f"{folder.rstrip('/')}/{path.removeprefix('./')}"
    return path[:-1] if path.endswith("/.") else path


def _of_instruction(instruction: Instruction, number: int) -> Step:
    text = " ".join(f"{instruction.keyword} {instruction.text}"[:_LONGEST].split())
    step = Step(layer=number, text=text, line=instruction.span.line)
    if instruction.keyword == "RUN":
        script = instruction.script.text if instruction.script is not None else ""
        return _run((script or instruction.text)[:_LONGEST], step)
    words = [word.text for word in instruction.words]
    if instruction.flag("from") is not None or instruction.heredocs or len(words) < 2:
        return _with(step, "copy")
    return _copied(step, tuple(words[:-1]), words[-1])


def _with(step: Step, role: Role) -> Step:
    return Step(layer=step.layer, text=step.text, line=step.line, role=role)


def _copied(step: Step, sources: tuple[str, ...], target: str) -> Step:
    """Tell what a copy out of the build context brings."""
    names = tuple(dict.fromkeys(source.rstrip("/").rpartition("/")[2] for source in sources))
    role: Role = "source"
    if any("://" in source or source.startswith(("/", "git@")) for source in sources):
        role = "copy"  # from elsewhere: an address, or another stage
    elif all(_MANIFEST.fullmatch(name) for name in names):
        role = "manifests"
    elif target.startswith(_SETTINGS):
        role = "copy"
    is_whole = role == "source" and any(name in {"", ".", "*"} for name in names)
    # The lists of dependencies stand where the whole context would: to speak of that place is to speak of them.
    spoken = () if is_whole else (*names, target.rstrip("/").rpartition("/")[2])
    brings = tuple(name for name in spoken if len(name) > 2 and name[0] not in "*$")
    return Step(
        layer=step.layer,
        text=step.text,
        line=step.line,
        role=role,
        is_whole=is_whole,
        sources=sources,
        target=target,
        brings=brings,
    )


def _run(script: str, step: Step) -> Step:
    """Tell what a shell script is for: of one of whose commands nothing is known, that it builds."""
    tools: list[Installer] = []
    system = other = needs_source = False
    for command in _commands(script):
        tool = next((each for each in INSTALLERS if each.command.match(command)), None)
        if _NEUTRAL.match(command):
            continue
        if tool is not None:
            tools.append(tool)
            needs_source |= bool(_OF_SOURCE.search(command) or _LOCAL_FILE.search(command))
        elif _SYSTEM.match(command):
            system = True
            needs_source |= bool(_LOCAL_FILE.search(command))
        else:
            other = True
    role: Role = "build"
    if not other and not needs_source:
        role = "dependencies" if tools else "system" if system else "settings"
    return Step(
        layer=step.layer,
        text=step.text,
        line=step.line,
        role=role,
        tools=tuple(dict.fromkeys(tools)),
        needs_source=needs_source or (other and bool(tools)),
    )


def _commands(script: str) -> list[str]:
    """Take a script apart at what joins commands. A quoted joint makes two commands of one, of which the second is not known: the cautious answer."""
    found = []
    for part in _BETWEEN.split(script.replace("\\\n", " ")[:_LONGEST]):
        words = " ".join(part.split())
        if before := _BEFORE.match(words):
            words = words[before.end() :]
        words = (
            words.rpartition("/")[2]
            if words.partition(" ")[0].startswith("/") and "/" not in words.partition(" ")[2]
            else words
        )
        if words and not words.startswith("#"):
            found.append(words)
    return found
