"""What the checks of an image are given: its configuration taken apart, its history, and what is visible in its file system.

Format: the OCI image specification, config.md. The document is the image's own and as hostile: whatever has another type than the specification
gives it counts as not there.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from hullmark.detectors.config.image._words import words
from hullmark.model.facts import Account, FileMode, Unread
from hullmark.model.image import Layer

_NO_OPERATION = re.compile(r"\S*/?sh -c #\(nop\)\s*")
_SHELL = re.compile(r"(?:^|\s)(?:/(?:[\w.-]+/){0,8})?(?:ba|da|a|z|k)?sh(?:\s+-[\w]+|\s+-o\s+\w+)*?\s+-\w*c\s")
_BUILDKIT = "# buildkit"
_HISTORY = 256 * 1024
"""So many letters of all steps together are looked at; real histories have some ten thousand."""
_BUILDAH = re.compile(r"\|(?:unsetLabel|inheritLabels|force-mtime)=.*", re.DOTALL)
_ARGUMENTS = re.compile(r"\|(\d{1,4})\s")
_ASSIGNMENT = re.compile(r"(?:^|(?<=\s))([A-Za-z_]\w*)=")
_PORT = re.compile(r"(\d{1,9})(?:/(\w{1,8}))?")
_KEYWORDS = words(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR"
)


class Port(NamedTuple):
    """An exposed port: its number, `tcp` or the like, and how it is written."""

    number: int
    protocol: str
    text: str


class Variable(NamedTuple):
    """A variable of the environment, or an argument of the build."""

    name: str
    value: str


class ModeAt(NamedTuple):
    """Permissions of a visible file or folder, and the index of the layer that gave them."""

    path: str
    layer: int
    mode: FileMode


class PathAt(NamedTuple):
    """A visible path, and the index of the layer that brought it."""

    path: str
    layer: int


class PackageAt(NamedTuple):
    """A package: the ecosystem as in its purl, its name, and the index of the layer that brought it."""

    ecosystem: str
    name: str
    layer: int


class AccountAt(NamedTuple):
    """A user or a group, the visible file that says so (`etc/passwd`, `etc/shadow`, `etc/group`), and the layer of that."""

    path: str
    layer: int
    account: Account


class Settings(Struct, frozen=True, kw_only=True):
    """The `config` part of the document. `healthcheck` is None where there is none."""

    user: str = ""
    working_dir: str = ""
    ports: tuple[Port, ...] = ()
    environment: tuple[Variable, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] | None = None
    volumes: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    triggers: tuple[str, ...] = ()


class Step(Struct, frozen=True, kw_only=True):
    """One entry of the history, whichever builder wrote it.

    `text` is what follows `keyword`; of `RUN` the script alone, without the shell in front, and `arguments` are those of the build that it was given.
    `layer` is the index of the layer that it made, -1 for none. `from_base` is None where the base image is not known.
    """

    index: int
    keyword: str
    text: str
    arguments: tuple[Variable, ...] = ()
    layer: int = -1
    from_base: bool | None = None


class ImageView(Struct, frozen=True, kw_only=True):
    """An image as the checks see it.

    `paths` are those of `known.is_known`, `accounts` is None where no file that tells users was read. `unread` is what of
    the configuration was not looked at.
    """

    name: str = ""
    os: str = "linux"
    author: str = ""
    settings: Settings = Settings()
    steps: tuple[Step, ...] = ()
    layers: tuple[Layer, ...] = ()
    modes: tuple[ModeAt, ...] = ()
    paths: tuple[PathAt, ...] = ()
    packages: tuple[PackageAt, ...] = ()
    accounts: tuple[AccountAt, ...] | None = None
    unread: tuple[Unread, ...] = ()

    def from_base(self, layer: int) -> bool | None:
        """Tell whether a layer came with the base image; None where nobody knows."""
        return self.layers[layer].from_base if 0 <= layer < len(self.layers) else None

    def origin(self, keyword: str, word: str) -> bool | None:
        """Tell whether the base image alone set something, by who has an instruction with that word."""
        pattern = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w-])")
        setters = [
            step.from_base for step in self.steps if step.keyword == keyword and pattern.search(step.text)
        ]
        return setters[-1] if setters else None


def view_of(
    document: Mapping[str, Any],
    *,
    name: str = "",
    layers: Sequence[Layer] = (),
    modes: Iterable[ModeAt] = (),
    paths: Iterable[PathAt] = (),
    packages: Iterable[PackageAt] = (),
    accounts: Iterable[AccountAt] | None = None,
) -> ImageView:
    """Put together what the checks look at: the image's own configuration document, unmasked, and the visible facts of its layers."""
    steps, cut = _steps(document.get("history"), layers)
    return ImageView(
        name=name,
        os=_text(document.get("os")) or "linux",
        author=_text(document.get("author")),
        settings=_settings(document.get("config")),
        steps=steps,
        layers=tuple(layers),
        modes=tuple(sorted(modes, key=lambda each: (each.path, each.layer))),
        paths=tuple(sorted(paths)),
        packages=tuple(sorted(packages)),
        accounts=None if accounts is None else tuple(accounts),
        unread=(Unread(kind="record", path="history", reason=f"steps of more than {_HISTORY} letters"),)
        if cut
        else (),
    )


def _settings(found: Any) -> Settings:
    config = found if isinstance(found, dict) else {}
    check = config.get("Healthcheck")
    test = check.get("Test") if isinstance(check, dict) else None
    return Settings(
        user=_text(config.get("User")).strip(),
        working_dir=_text(config.get("WorkingDir")),
        ports=tuple(port for text in _names(config.get("ExposedPorts")) for port in _ports(text)),
        environment=tuple(_variable(text) for text in _texts(config.get("Env"))),
        entrypoint=_texts(config.get("Entrypoint")),
        command=_texts(config.get("Cmd")),
        healthcheck=_texts(test) if isinstance(check, dict) else None,
        volumes=_names(config.get("Volumes")),
        labels=_labels(config.get("Labels")),
        triggers=_texts(config.get("OnBuild")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _names(value: Any) -> tuple[str, ...]:
    """Give the keys of what is a set in Go, and so an object with empty values in JSON."""
    return tuple(sorted(key for key in value if isinstance(key, str))) if isinstance(value, dict) else ()


def _labels(value: Any) -> dict[str, str]:
    labels = value if isinstance(value, dict) else {}
    return {name: text for name, text in labels.items() if isinstance(name, str) and isinstance(text, str)}


def _ports(text: str) -> Iterable[Port]:
    found = _PORT.fullmatch(text.strip())
    if found:
        yield Port(int(found[1]), (found[2] or "tcp").lower(), text.strip())


def _variable(text: str) -> Variable:
    name, _, value = text.partition("=")
    return Variable(name, value)


def _steps(found: Any, layers: Sequence[Layer]) -> tuple[tuple[Step, ...], bool]:
    """Give the steps, and whether some are cut off."""
    entries = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    made = [each.get("empty_layer") is not True for each in entries]
    told = sum(made) == len(layers)  # a squashed image's history says nothing of its layers
    steps = []
    layer = 0
    room = _HISTORY
    for index, (entry, makes) in enumerate(zip(entries, made, strict=True)):
        place = min(layer, len(layers) - 1)
        text = _text(entry.get("created_by"))
        room -= len(text)
        steps.append(
            _step(
                index,
                text[: max(room + len(text), 0)],
                layer if told and makes else -1,
                from_base=layers[place].from_base if told and layers else None,
            )
        )
        layer += makes
    return tuple(steps), room < 0


def _step(index: int, text: str, layer: int, *, from_base: bool | None) -> Step:
    text = text.strip().removesuffix(_BUILDKIT).strip()
    text = _BUILDAH.sub("", text)
    quiet = _NO_OPERATION.match(text)
    if quiet:
        text = text[quiet.end() :]
    keyword, _, rest = text.partition(" ")
    if not quiet and keyword not in _KEYWORDS:  # the classic builder's form of RUN
        keyword, rest = "RUN", text
    arguments: tuple[Variable, ...] = ()
    if keyword == "RUN":
        arguments, rest = _script(rest.strip())
    return Step(
        index=index, keyword=keyword, text=rest.strip(), arguments=arguments, layer=layer, from_base=from_base
    )


def _script(text: str) -> tuple[tuple[Variable, ...], str]:
    """Take the arguments of the build and the shell off a script: `|1 A=b /bin/sh -c make`."""
    counted = _ARGUMENTS.match(text)
    shell = _SHELL.search(text)
    if counted is None:
        return (), text[shell.end() :] if shell and shell.start() == 0 else text
    end = shell.start() if shell else len(text)
    return tuple(assignments(text[counted.end() : end], int(counted[1]))), text[
        shell.end() if shell else end :
    ]


def assignments(text: str, most: int = 1000) -> Iterable[Variable]:
    """Give the variables of `A=1 B=2`, where a value that was not quoted may have spaces in it: it ends before the next name."""
    found = list(itertools.islice(_ASSIGNMENT.finditer(text), most))
    ends = [*(each.start() for each in found[1:]), len(text)]
    for name, end in zip(found, ends, strict=False):
        yield Variable(name[1], text[name.end() : end].strip())
