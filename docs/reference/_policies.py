"""Writes policies.md from the packs' data: `python docs/reference/_policies.py`."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hullmark.policy.catalogue import about, names, rules, settings

HEAD = """# Policies

Made from the code by `python docs/reference/_policies.py`. `hullmark policy explain RULE` shows one rule on a terminal.

`--policy PACK` of `hullmark scan`, `hullmark convert` and `hullmark policy eval` asks a pack; it may be repeated, and beside packs there may be
[policies of your own](../howto/write-policies.md). The packs are Rego, and decide the same in any OPA
(`hullmark policy build production` writes the bundle).
"""
LEVELS = """## Rules

What each pack makes of each rule: `deny` refuses the image, `warn` lets it pass with a word, `off` is not asked. A rule whose list is empty in a pack
(`registry`, `base-image`, `blocked-package`) says nothing until you fill it.
"""
SETTINGS = """In a JSON or YAML file beside your policies, a setting is `hullmark.settings.PACK.RULE.NAME`; in the place of PACK `every` stands for all packs, and
what is said for one pack is over that. `level` is a setting of every rule. [An example](../howto/write-policies.md#settings-over-the-packs).
"""
_CODE = re.compile(r"(`[^`]*`)")


def page() -> str:
    """Give the page."""
    packs = {name: settings(name) for name in names()}
    known = rules()
    lines = [HEAD, "## Packs", ""]
    lines += table(("pack", "for"), ((f"`{name}`", text(about(name))) for name in packs))
    lines += ["", LEVELS]
    lines += table(
        ("rule", *packs, "what"),
        (
            (f"[`{name}`](#{name})", *(str(packs[pack][name]["level"]) for pack in packs), text(rule.title))
            for name, rule in known.items()
        ),
    )
    lines += ["", SETTINGS]
    for name, rule in known.items():
        controls = ", ".join(rule.controls)
        lines += [f"### {name}", "", f"{text(rule.why)} {text(rule.fix)}", "", f"Controls: {controls}.", ""]
        if not rule.settings:
            continue
        asked = [pack for pack in packs if packs[pack][name]["level"] != "off"]
        lines += table(
            ("setting", "what", "default", *asked),
            (
                (
                    f"`{key}`",
                    text(meaning),
                    value(rule.defaults[key]),
                    *(value(packs[pack][name][key]) for pack in asked),
                )
                for key, meaning in rule.settings.items()
            ),
        )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def value(given: Any) -> str:
    """Give a value as a cell."""
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, dict):
        return ", ".join(f"{key} {each}" for key, each in given.items()) or "none"
    if isinstance(given, list):
        return ", ".join(f"`{each}`" for each in given) or "none"
    return f"{given:g}" if isinstance(given, float) else str(given)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Give a table."""
    made = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells).rstrip() + " |" for cells in made]


def text(said: str) -> str:
    """Give a sentence as a cell: what stands in backquotes is code, and all else is no markup."""
    parts = _CODE.split(said.replace("|", "\\|"))
    return "".join(part if n % 2 else re.sub(r"([*_\[\]<])", r"\\\1", part) for n, part in enumerate(parts))


PAGES = {"reference/policies.md": page}


def main() -> None:
    """Write the page."""
    for name, make in PAGES.items():
        (Path(__file__).parents[1] / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
