"""Writes rules.md and other-linters.md from the rules and the lists of others' rules in tests/data: `python docs/reference/_rules.py`."""

import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hullmark.cli.rules import other_names
from hullmark.detectors.secrets import rules as packs
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.model.rule import Rule
from hullmark.modules import names_in
from hullmark.scan.rules import all_rules, rules_named

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "tests" / "data"
_CODE = re.compile(r"(`[^`]*`)")

KINDS = {
    "dockerfile": (
        "Dockerfiles",
        "`hullmark lint` looks for these. `default` rules count by themselves, `pedantic` ones when they are asked for.",
    ),
    "image": (
        "Images",
        "`hullmark scan` looks for these in an image's configuration, history and files. What only the base image brought is one finding.",
    ),
    "pin": (
        "References to images",
        "`hullmark pin --check` looks for these, see [pin images](../howto/pin-images.md).",
    ),
    "layers": (
        "Layers",
        "`hullmark layers` looks for these, see [look at layers](../howto/look-at-layers.md).",
    ),
}
RULES = """# Rules

Made from the code by `python docs/reference/_rules.py`. `hullmark rules NAME` shows all there is of one, with its bad and good examples, which are
its tests.

Wherever a rule is named (`--rules`, `--ignore`, ignore files, comments), each of its names will do, in capital or small letters: ours, and those of
Hadolint (`DL3002`), ShellCheck (`SC2046`), Trivy (`DS-0002`, `AVD-DS-0002`, `DS002`), Dockle (`CIS-DI-0001`), BuildKit (`MaintainerDeprecated`),
gitleaks, and Kingfisher (whose packs are `betterleaks.…` and `veles.…`). A name of others that stands for several of ours stands for all of them. Which rule of others is which of
ours, and why some are none, stands in [other linters](other-linters.md).
"""
SECRETS = """What a credential looks like, or where one stands. Each is replaced where it was given out and handed over at run time or as a secret mount of the build
([what to do](../howto/find-secrets.md)). Gates count finds of `high` confidence alone; a find's confidence is lower than its rule's in
examples, tests and documentation.
"""
OTHERS = """# Other linters

Made from the code by `python docs/reference/_rules.py`. A rule of theirs is accepted by its name wherever a rule is named. Ours are `default`,
unless *(pedantic)* stands behind them: those are silent until `--rules pedantic` or a `.hadolint.yaml` asks.
"""


class Row(NamedTuple):
    """A rule of others: its name, those of ours that do the same, and why there is none or what else is to be said."""

    name: str
    ours: tuple[str, ...]
    reason: str


def rules() -> str:
    """Give the page on our rules."""
    known = all_rules()
    lines = [RULES]
    for kind, (title, about) in KINDS.items():
        of_kind = [rule for rule in known if rule.kind == kind]
        lines += [f"## {title}", "", about, ""]
        lines += table(
            ("rule", "severity", "pack", "what", "why, and what to do", "controls", "other names"),
            (
                (
                    f"`{rule.id}`",
                    rule.severity,
                    rule.pack,
                    text(rule.summary),
                    f"{text(rule.why)} {text(rule.fix)}",
                    "<br>".join(rule.controls),
                    names(rule),
                )
                for rule in of_kind
            ),
        )
        lines.append("")
    lines += [
        "## Secrets",
        "",
        SECRETS,
        f"Controls of all: {', '.join(sorted({one for rule in known if rule.kind == 'secret' for one in rule.controls}))}.",
    ]
    for title, pack in secret_packs():
        lines += ["", f"### {title}", ""]
        lines += table(
            ("rule", "what", "severity", "confidence", "other names"),
            (
                (
                    f"`{each.rule.id}`",
                    text(each.rule.summary),
                    each.rule.severity,
                    each.confidence,
                    names(each.rule),
                )
                for each in pack
            ),
        )
    return "\n".join(lines) + "\n"


def secret_packs() -> Iterator[tuple[str, Sequence[SecretRule]]]:
    """Give each pack of rules for secrets with what it is about, as its module says it."""
    for name in names_in(packs.__path__):
        module = importlib.import_module(f"{packs.__name__}.{name}")
        title = (module.__doc__ or "").partition("\n")[0].partition(": ")[0].strip().rstrip(".")
        yield title, module.RULES


def others() -> str:
    """Give the page on the rules of others."""
    lines = [OTHERS]
    dockle, trivy_image = of_images()
    for title, about, rows in (
        ("Hadolint", "Version 2.15 and its main branch, with the rules of ShellCheck that its documentation lists and a few more.", of_dockerfiles("hadolint")),
        ("Trivy, Dockerfiles", "trivy-checks 1.12. Each of these is also known as `AVD-DS-…`.", of_dockerfiles("trivy_dockerfile")),
        ("Trivy, image configuration", "Its checks of Dockerfiles, which it also puts to an image's history.", trivy_image),
        ("Dockle", DOCKLE, dockle),
    ):  # fmt: skip
        lines += [f"## {title}", "", about, ""]
        lines += table(
            ("theirs", "ours", ""), ((row.name, shown(row.ours), text(row.reason)) for row in rows)
        )
        lines.append("")
    lines += [secrets_said(), ""]
    lines += table(
        ("theirs", "of", "why there is none"),
        ((f"`{row.name}`", ", ".join(row.ours), text(row.reason)) for row in secrets_not_ours()),
    )
    lines += ["", generic_said()]
    return "\n".join(lines) + "\n"


def of_dockerfiles(name: str) -> list[Row]:
    """Read a list of rules for Dockerfiles: id, ours or `-`, reason, apart by tabs. All that go by the name are ours."""
    rows = []
    for line in lines_of(f"config/{name}.txt"):
        theirs, _, reason = line.split("\t")
        ours = [rule.id for rule in rules_named(theirs, all_rules()) if rule.kind != "image"]
        rows.append(Row(theirs, tuple(ours), reason))
    return rows


def of_images() -> tuple[list[Row], list[Row]]:
    """Read the list of checks of images: Dockle's, and Trivy's."""
    dockle, trivy = [], []
    for line in lines_of("config/dockle.txt"):
        theirs, _, rest = line.partition(" ")
        none, _, reason = rest.partition(" ") if rest.startswith("- ") else ("", "", "")
        if theirs.startswith("DS-"):
            trivy.append(Row(theirs, () if none else tuple(rest.split()), reason))
        else:
            dockle.append(Row(theirs, tuple(rule.id for rule in rules_named(theirs, all_rules())), reason))
    return dockle, trivy


DOCKLE = (
    "Version 0.4. A `.dockleignore` in the folder is read by `hullmark scan`: each code in it takes out what the `image-…` rules beside it find. "
    "A line that names none of them is warned of, and suppresses nothing."
)
TOOLS = {"gitleaks": "gitleaks 8.30.1", "kingfisher": "Kingfisher 2.14", "trivy": "Trivy 0.74"}


def secrets_said() -> str:
    """Say how many rules for secrets others have."""
    counts = [f"{len(lines_of(f'secrets/{tool}.txt'))} of {title}" for tool, title in TOOLS.items()]
    return (
        "## Secrets\n\n"
        f"The rules here do what these do: {', '.join(counts[:-1])} and {counts[-1]}; [the table of rules](rules.md#secrets) has their names. "
        "All but the following, which look for what is no credential:"
    )


def generic_said() -> str:
    """Say which rules the generic rule of gitleaks stands for."""
    off = ids_shown(rules_named("generic-api-key", all_rules()))
    return (
        "### generic-api-key\n\n"
        "This one rule of gitleaks, for any value that looks random beside a telling name, stands for several of ours: in `disabledRules` of a `.gitleaks.toml`, in `.gitleaksignore`, or in an "
        f"[ignore file](../howto/suppress-findings.md) it names all of {off}. What tells itself by more than a name is still looked for: tokens of a known form, the files of tools "
        "(`.npmrc`, `.netrc`, kubeconfig …), passwords and keys in URLs, headers and command lines. So is what gitleaks does not find: passwords that may be guessed, "
        "those of XML elements, of lists of names and values, and of `ENV NAME value`. Each of these is turned off by its own name."
    )


def ids_shown(rules: Iterable[Rule]) -> str:
    """Give the ids of rules as a list."""
    return ", ".join(f"`{rule.id}`" for rule in rules)


def secrets_not_ours() -> Iterator[Row]:
    """Give the rules of others for which there is none here: `ours` are the tools that have them."""
    known = {tool: set(lines_of(f"secrets/{tool}.txt")) for tool in TOOLS}
    for line in lines_of("secrets/not_ours.txt"):
        name, _, reason = line.partition(": ")
        yield Row(name, tuple(TOOLS[tool] for tool in TOOLS if name in known[tool]), reason)


def lines_of(name: str) -> list[str]:
    """Give the lines of a list."""
    return [
        line for line in (DATA / name).read_text("utf-8").splitlines() if line and not line.startswith("#")
    ]


def shown(ids: Iterable[str]) -> str:
    """Give our rules, the pedantic ones marked."""
    known = {rule.id: rule for rule in all_rules()}
    return ", ".join(
        f"`{name}`" + (" *(pedantic)*" if known[name].pack == "pedantic" else "") for name in ids
    )


def names(rule: Rule) -> str:
    """Give the names that others have for a rule."""
    return ", ".join(f"`{name}`" for name in other_names(rule))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Give a table."""
    made = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells).rstrip() + " |" for cells in made]


def text(said: str) -> str:
    """Give a sentence as a cell: what stands in backquotes is code, and all else is no markup."""
    parts = _CODE.split(said.replace("|", "\\|"))
    return "".join(part if n % 2 else re.sub(r"([*_\[\]<])", r"\\\1", part) for n, part in enumerate(parts))


PAGES = {"reference/rules.md": rules, "reference/other-linters.md": others}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (HERE.parent / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
