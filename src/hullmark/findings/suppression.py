"""What may take a finding out of the list: asked by every filter, and by whatever else ever suppresses one."""

from collections.abc import Collection

from hullmark.model.report import Finding


def may_suppress(finding: Finding, ids: Collection[str] = (), reason: str = "") -> bool:
    """Tell whether a finding may be taken out by who names these `ids` and gives this `reason`; a filter has neither.

    A malicious package is taken out by an id of its own with a reason alone: nobody means it who asks for fewer rows.
    """
    if finding.kind != "malicious":
        return True
    return bool(reason.strip()) and not {finding.id, *finding.aliases}.isdisjoint(ids)
