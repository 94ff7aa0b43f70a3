"""Where a secret stands, and what that says of it."""

from hullmark.detectors.secrets.rule import SecretRule
from hullmark.model.rule import Confidence


def judged(path: str, line: str, rule: SecretRule) -> tuple[Confidence, str]:  # noqa: ARG001
    """Give the confidence that a place leaves to a rule, and why it is lowered."""
    return rule.confidence, ""


def skipped(path: str, rule: SecretRule) -> bool:  # noqa: ARG001
    """Tell whether a rule has nothing to look for at a path."""
    return False
