"""One variable, one finding: where the search for secrets and the checks of the configuration both tell of what it holds.

The one that a gate counts is told: the secret where it is sure and no milder, else the misconfiguration. A secret that stands for a misconfiguration goes by
the names of both, so that who accepts it under any of them is not told of it under another.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from hullmark.model.advisory import SEVERITY_RANK
from hullmark.model.report import Misconfiguration, SecretFinding

IN_IMAGE = "image-secret-in-env"
IN_DOCKERFILE = "secret-in-environment"


def told_once(
    secrets: Sequence[SecretFinding], config: Sequence[Misconfiguration]
) -> tuple[tuple[SecretFinding, ...], tuple[Misconfiguration, ...]]:
    """Give the secrets and the misconfigurations of an image, those of its environment once."""
    by_field = {one.file: one for one in config if one.rule == IN_IMAGE and one.count == 1}
    twins = {
        at: by_field[one.path]
        for at, one in enumerate(secrets)
        if one.source == "environment" and one.path in by_field
    }
    return without_twins(secrets, config, twins)


def without_twins(
    secrets: Sequence[SecretFinding],
    config: Sequence[Misconfiguration],
    twins: Mapping[int, Misconfiguration],
) -> tuple[tuple[SecretFinding, ...], tuple[Misconfiguration, ...]]:
    """Give what is left where the secrets at these places of their list are told by misconfigurations as well."""
    surer = {at for at, twin in twins.items() if _is_surer(secrets[at], twin)}
    spoken_for = [twins[at] for at in surer]
    kept = [one for one in config if one not in spoken_for]
    found = []
    for at, one in enumerate(secrets):
        twin = twins.get(at)
        if twin is None:
            found.append(one)
        elif at in surer:
            names = dict.fromkeys((*one.same_as, twin.rule, *twin.same_as))
            found.append(replace(one, same_as=tuple(names), from_base=twin.from_base))
        elif twin in spoken_for:  # by another secret of the same variable
            found.append(one)
    return tuple(found), tuple(kept)


def _is_surer(secret: SecretFinding, twin: Misconfiguration) -> bool:
    return secret.confidence == "high" and SEVERITY_RANK[secret.severity] <= SEVERITY_RANK[twin.severity]
