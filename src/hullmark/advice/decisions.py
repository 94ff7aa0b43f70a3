"""What policies decided, in words for people. Pure."""

from collections.abc import Iterable

from hullmark.model.decision import Decision, Reason
from hullmark.model.words import amount

_HEADLINES = {"deny": "Denied", "warn": "Allowed with warnings", "allow": "Allowed"}
_PACK = "hullmark."


def headline(decision: Decision) -> str:
    """Give the verdict, and by whom."""
    by = ", ".join(package.removeprefix(_PACK) for package in decision.policies)
    return f"{_HEADLINES[decision.verdict]} by {by}"


def numbers(decision: Decision) -> str:
    """Say how many reasons there are of each kind, and what was excepted; nothing where there is none."""
    denying = sum(reason.level == "deny" for reason in decision.reasons)
    said = [f"{amount(denying, 'reason')} to deny"] if denying else []
    if warning := len(decision.reasons) - denying:
        said.append(amount(warning, "warning"))
    if decision.excepted:
        said.append(f"{len(decision.excepted):,} excepted")
    return ", ".join(said)


def failure(decision: Decision) -> str:
    """Say that the policies could not be evaluated, and what that counts as; nothing where they could."""
    if not decision.error:
        return ""
    closed = "fails closed" if decision.on_error == "deny" else "fails open, with a warning"
    return f"{decision.error} ({closed}: --policy-on-error)"


def exception(reason: Reason) -> str:
    """Say who excepted it, until when and why."""
    until = f"until {reason.expires}" if reason.expires else ""
    return ", ".join(word for word in (reason.owner, until, reason.reason) if word)


def shown(reasons: Iterable[Reason], most: int) -> tuple[list[Reason], int]:
    """Give the first so many, and how many more there are."""
    every = list(reasons)
    return every[:most], max(len(every) - most, 0)
