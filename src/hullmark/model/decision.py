"""What a policy makes of a report: whether the image may sail, and why."""

from typing import Literal

from msgspec import Struct

SCHEMA_VERSION = "1.0"

Verdict = Literal["allow", "warn", "deny"]


class Reason(Struct, frozen=True, kw_only=True):
    """One thing that speaks against an image.

    `policy` is the package that says so, `rule` its rule, `finding` the id of a flaw or the rule of a secret or misconfiguration, `package` what
    it is of (a package URL), `fix` what to do, `controls` those of the frameworks that ask for it. `owner`, `reason` and `expires` are those of the exception that
    covers it.
    """

    level: Literal["deny", "warn"]
    policy: str
    message: str
    rule: str = ""
    severity: str = ""
    finding: str = ""
    package: str = ""
    fix: str = ""
    controls: tuple[str, ...] = ()
    owner: str = ""
    reason: str = ""
    expires: str = ""


class Decision(Struct, frozen=True, kw_only=True):
    """What some policies together say: `deny` where one reason does, else `warn`, else `allow`.

    `policies` are the packages that were asked, `digest` is that of their text and data. `excepted` is what an exception covers. `error` says why they
    could not be evaluated; then `on_error` is the verdict.
    """

    verdict: Verdict
    policies: tuple[str, ...] = ()
    digest: str = ""
    reasons: tuple[Reason, ...] = ()
    excepted: tuple[Reason, ...] = ()
    on_error: Literal["deny", "warn"] = "deny"
    error: str = ""
