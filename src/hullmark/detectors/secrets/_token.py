r"""How the rules of the packs are made: of what a credential looks like, and of what its owner loses with it.

`token()` is for what tells itself by its form (`ghp_…`), `beside()` for what only a telling name beside it makes a credential
(`DATADOG_API_KEY=…`). Both make examples of the sample: the value in two places where it must be found, and its look-alikes that must
stay silent: the same with `x` in the place of what is random, and one that is far too short.
"""

import re
from collections.abc import Callable

from hullmark.detectors.secrets.rule import CONTROLS, FIRST, LAST, SecretRule, assigned
from hullmark.model.advisory import Severity
from hullmark.model.rule import Confidence, Rule

WORDS = "api|app|key|token|secret|auth|pass|cred|private|access"
"""What a name says beside the name of a service, so that its value is a credential."""

UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

_MARK = re.compile(r"<<([A-Za-z0-9]+):(\d+)>>")


def token(
    name: str,
    who: str,
    what: str,
    form: str,
    sample: str,
    gives: str,
    same: str = "",
    *,
    severity: str = "high",
    confidence: Confidence = "high",
    entropy: float = 3.0,
    valid: Callable[[str], bool] | None = None,
    binary: bool = False,
    plain: bool = False,
    paths: tuple[str, ...] = (),
    allow: str = "",
    searched: str = "",
    generic: bool = False,
    summary: str = "",
    mend: str = "",
    bad: tuple[str, ...] = (),
    good: tuple[str, ...] = (),
) -> SecretRule:
    """Make the rule of a credential that its own form tells; `form` with a group `secret` is the whole pattern.

    `who` and `what` begin '… in plain text', where `summary` does not say it all, and `mend` is what to do first, where that is not to revoke it at `who`.
    `gives` completes 'Whoever reads it can …'. `same` are ids of others, apart by blanks: `+x` is x at gitleaks (or Trivy) and in Kingfisher's
    `betterleaks` pack, `b:x` only the latter, `v:x` x in its `veles` pack, others stand for themselves.
    """
    own = "(?P<secret>" in form
    return SecretRule(
        rule=Rule(
            id=name,
            kind="secret",
            severity=Severity(severity),
            summary=summary or f"{who} {what}".strip() + " in plain text",
            why=f"Whoever reads it can {gives}.",
            fix=f"{mend or f'Revoke it at {who}'}, and give a new one at run time or as a secret mount of the build, never in a file or variable of the image.",
            bad=bad or (f'token: "{sample}"', f"export VALUE={sample}\n"),
            good=(*_look_alikes(sample), *good),
            controls=CONTROLS,
            same_as=_ids(same),
        ),
        pattern=form if own else f"{FIRST}(?P<secret>{form}){LAST}",
        confidence=confidence,
        entropy=entropy,
        valid=valid,
        binary=binary,
        plain=plain,
        paths=paths,
        allow=allow,
        searched=searched,
        generic=generic,
    )


def beside(
    name: str,
    who: str,
    what: str,
    names: str,
    form: str,
    example: str,
    gives: str,
    same: str = "",
    *,
    words: str = WORDS,
    severity: str = "high",
    confidence: Confidence = "medium",
    entropy: float = 3.0,
    valid: Callable[[str], bool] | None = None,
    mend: str = "",
    good: tuple[str, ...] = (),
) -> SecretRule:
    """Make the rule of a value that is a credential where its name has one of `names` and after it one of `words` (none: `""`) in it.

    `example` is `NAME=value`. The value alone, or beside another name, is none.
    """
    variable, _, sample = example.partition("=")
    return token(
        name,
        who,
        what,
        assigned(rf"(?:{names})[\w .-]{{0,20}}(?:{words})" if words else names, form),
        sample,
        gives,
        same,
        severity=severity,
        confidence=confidence,
        entropy=entropy,
        valid=valid,
        mend=mend,
        bad=(f'{variable}="{sample}"', f"  {variable.lower()}: {sample}\n"),
        good=(*(f"{variable}={other}" for other in _look_alikes(sample)), f"sum = {sample}", *good),
    )


def _look_alikes(sample: str) -> tuple[str, ...]:
    """Give the sample as a placeholder, and one that is too short."""
    if not _MARK.search(sample):
        return ()
    return _MARK.sub(lambda found: "x" * int(found[2]), sample), _MARK.sub(
        lambda found: f"<<{found[1]}:{int(found[2]) // 4}>>", sample
    )


def _ids(text: str) -> tuple[str, ...]:
    ids: list[str] = []
    for word in text.split():
        if word[0] == "+":
            ids += [word[1:], f"betterleaks.{word[1:]}"]
        else:
            ids.append(
                word.replace("b:", "betterleaks.", 1)
                if word.startswith("b:")
                else word.replace("v:", "veles.secrets/", 1)
            )
    return tuple(ids)
