"""What an image's scan says of the controls of frameworks: which it speaks against, which it found nothing against, which nobody looked at."""

from typing import Literal

from msgspec import Struct

SCHEMA_VERSION = "1.0"

Status = Literal["passed", "failed", "not_checked"]


class Proof(Struct, frozen=True, kw_only=True):
    """One thing that speaks against a control; the same flaw in the same package is one, however many rules say so.

    `rules` are those of policies and those of secrets and misconfigurations, `finding` the id of a flaw or the rule of an issue, `package` what it
    is of (a package URL), `place` a file or a field of the image's configuration. `owner`, `reason` and `expires` are those of whoever excepts it: an exception of a policy, or a statement
    of an ignore file or VEX document, which `excepted_by` names.
    """

    message: str
    rules: tuple[str, ...] = ()
    severity: str = ""
    finding: str = ""
    package: str = ""
    place: str = ""
    fix: str = ""
    excepted_by: str = ""
    owner: str = ""
    reason: str = ""
    expires: str = ""


class Control(Struct, frozen=True, kw_only=True):
    """A control: `failed` where something speaks against it, `passed` where all its rules looked and found nothing, else `not_checked`, and `why`.

    `looked` are the rules of policies and of the image's configuration that looked, `secret_rules` the number of those for secrets. `off` are rules that would
    speak for it and that the policies leave out. `failures` and `exceptions` count; `proofs` and `excepted` are the first of them, the worst first.
    """

    id: str
    title: str
    status: Status
    why: tuple[str, ...] = ()
    looked: tuple[str, ...] = ()
    secret_rules: int = 0
    off: tuple[str, ...] = ()
    failures: int = 0
    proofs: tuple[Proof, ...] = ()
    exceptions: int = 0
    excepted: tuple[Proof, ...] = ()


class Framework(Struct, frozen=True, kw_only=True):
    """The controls of one framework that a scan of an image can speak of, and how many there are of each status."""

    name: str
    title: str
    passed: int
    failed: int
    not_checked: int
    controls: tuple[Control, ...]


class Compliance(Struct, frozen=True, kw_only=True):
    """One image against frameworks. `policies` are the packages that were asked and `policy_digest` that of their text and data, `error` why they could not be."""

    schema_version: str = SCHEMA_VERSION
    as_of: str
    image: str
    digest: str
    platform: str
    policies: tuple[str, ...]
    policy_digest: str
    error: str = ""
    incomplete: bool = False
    frameworks: tuple[Framework, ...] = ()
