"""What to do about one finding, as a sentence."""

from hullmark.advice.removal import REMOVE
from hullmark.model.report import Finding


def action(finding: Finding) -> str:
    """Give the upgrade, or the removal of what is malicious; nothing where neither is known."""
    if finding.kind == "malicious":
        return f"{REMOVE[0].upper()}{REMOVE[1:]}"
    if not finding.fixed_version:
        return ""
    release = "release " if finding.kind == "end_of_life" else ""
    return f"Upgrade to {release}{finding.fixed_version}"
