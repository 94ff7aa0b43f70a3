"""What is wrong with an image's configuration and file system: the checks, given what a scan knows."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from hullmark.model.facts import Account, FileFacts, FileMode, LayerShape
from hullmark.model.image import Layer
from hullmark.model.report import Misconfiguration
from hullmark.scan.noting import NOTED, known_links, visible_folders
from hullmark.scan.overlay import Merged
from hullmark.scan.packages import Found

ACCOUNTS = "accounts"


def misconfigurations(
    config: dict[str, Any],
    name: str,
    merged: Merged,
    shapes: Sequence[LayerShape],
    folders: Sequence[Iterable[FileFacts]],
    packages: Iterable[Found],
    layers: Sequence[Layer],
    rules: Sequence[str] = (),
    told: Collection[str] = (),
) -> list[Misconfiguration]:
    """Run the checks; `rules` are names of rules beside those of the default set, or `pedantic`.

    `told` are the files of which a credential is told already: that they look as if they had one need not be said.
    """
    from hullmark.detectors._formats.credential_files import known_file
    from hullmark.detectors.config.image.checks import problems
    from hullmark.detectors.config.image.known import is_known
    from hullmark.detectors.config.image.view import AccountAt, ModeAt, PackageAt, PathAt, view_of

    modes = list(visible_folders(shapes, folders))
    paths = list(known_links(shapes))
    accounts: list[AccountAt] = []
    has_accounts = False
    for (detector, _), seen in merged.files.items():
        if detector == NOTED:
            modes += [
                ModeAt(seen.path, seen.layer, fact) for fact in seen.facts if isinstance(fact, FileMode)
            ]
            if is_known(seen.path) or (seen.path not in told and known_file(seen.path) is not None):
                paths.append(PathAt(seen.path, seen.layer))
        elif detector == ACCOUNTS:
            has_accounts = True
            accounts += [
                AccountAt(seen.path, seen.layer, fact) for fact in seen.facts if isinstance(fact, Account)
            ]
    view = view_of(
        config,
        name=name,
        layers=layers,
        modes=modes,
        paths=paths,
        packages=[
            PackageAt(
                found.package.ecosystem, found.package.name, found.places[0].layer if found.places else -1
            )
            for found in packages
        ],
        accounts=accounts if has_accounts else None,
    )
    return problems(view, selected(rules))


def selected(names: Sequence[str]) -> Any:
    """Give the rules of the default set and those that go by these names; None where only the default ones are asked for."""
    if not names:
        return None
    from hullmark.detectors.config.image.checks import rules
    from hullmark.model.rule import normal
    from hullmark.scan.rules import names_of

    every = rules()
    known = names_of(every)
    wanted = {rule.id for rule in every if rule.pack == "default" or "pedantic" in names}
    for name in names:
        wanted |= known.get(normal(name), frozenset())
    return [rule for rule in every if rule.id in wanted]
