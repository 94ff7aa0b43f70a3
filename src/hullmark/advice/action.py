"""What to do about one finding, in words. Whoever shows them escapes them first: the versions are an image's and a publisher's."""

from hullmark.advice.removal import REMOVE, REMOVE_BRIEFLY
from hullmark.model.report import Finding
from hullmark.model.words import STATES, sentence


def fix(finding: Finding, *, brief: bool = False) -> str:
    """Say what to do, or why nothing can be done."""
    if finding.kind == "malicious":
        return REMOVE_BRIEFLY if brief else REMOVE
    if finding.kind == "end_of_life":
        if not finding.fixed_version:
            return "upgrade the release"
        return f"upgrade to {'' if brief else 'release '}{finding.fixed_version}"
    if finding.fixed_version:
        return f"fixed in {finding.fixed_version}"
    if finding.fix_is_malicious:
        return "the version that would fix it is malicious: do not upgrade to it"
    return STATES[finding.state]


def action(finding: Finding) -> str:
    """Give the upgrade, or the removal of what is malicious, as a sentence without its full stop; nothing where neither is known."""
    if finding.fixed_version and finding.kind not in {"malicious", "end_of_life"}:
        return f"Upgrade to {finding.fixed_version}"
    return sentence(fix(finding)) if finding.fixed_version or finding.kind == "malicious" else ""
