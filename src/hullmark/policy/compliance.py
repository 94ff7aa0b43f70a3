"""A report against the controls of frameworks: policies are asked, and what they, secrets and misconfigurations say is put to each control."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from hullmark.findings.issues import Issue, issue_of, issues
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.compliance import Compliance, Control, Framework, Proof
from hullmark.model.decision import Decision, Reason
from hullmark.model.errors import HullmarkError, UsageError
from hullmark.model.report import Report, Suppression
from hullmark.model.rule import Rule, RuleKind
from hullmark.model.words import stands
from hullmark.policy.catalogue import names, rules
from hullmark.policy.controls import FRAMEWORKS, controls, framework_of, order
from hullmark.policy.deciding import Policies
from hullmark.policy.document import unfiltered
from hullmark.policy.looking import WATCHERS, Looked, of_policies, unlooked

MOST_PROOFS = 20
MOST_EXCEPTIONS = 100
_SETTINGS = (
    "{{pack: {{rule: found | some rule, _ in data.hullmark.rules; found := data.hullmark.lib.settings(pack, rule)}}"
    " | some pack in {packs}}}"
)
_COVERED = "[data.hullmark.lib.covering(violation) | some violation in {violations}]"
_OF_ISSUES = {
    "image-root-user": "root-user",
    "image-no-user": "root-user",
    "image-setuid-file": "setuid",
}
_KINDS: tuple[RuleKind, ...] = ("image", "secret")
_Key = tuple[str, str]
_Proofs = dict[_Key, Proof]


def compliance(
    report: Report, policies: Policies, rules_of_scan: Sequence[Rule], frameworks: Collection[str]
) -> Compliance:
    """Put a report to the controls of these frameworks (`FRAMEWORKS`), in their order. `rules_of_scan` are those that looked at the image.

    Raises `UsageError` for a report that is of no image.
    """
    image = report.image
    if image is None:
        raise UsageError("the report is of no image", hint="hullmark compliance IMAGE")
    report = unfiltered(report)
    decision = policies.decide(report)
    packs = [name for name in names() if f"hullmark.{name}" in policies.packages]
    settings: dict[str, dict[str, dict[str, Any]]] = {}
    error = decision.error
    covered: list[list[dict[str, str]]] = []
    found = [each for each in issues(report) if each.is_sure]
    try:
        if packs:
            settings = policies.ask(_SETTINGS.format(packs=_json(packs)), report) or {}
            asked = [{"rule": _policy_rule(each), "finding": each.rule} for each in found]
            covered = policies.ask(_COVERED.format(violations=_json(asked)), report) or []
    except HullmarkError as problem:
        error = error or str(problem)
    against, excepted = _Against(), _Against()
    _put(decision, against, excepted)
    for number, issue in enumerate(found):
        key, proof = _of_issue(issue)
        if number < len(covered) and covered[number]:
            excepted.add(issue.controls, key, replace(proof, excepted_by="policy", **covered[number][0]))
        else:
            against.add(issue.controls, key, proof)
    _put_suppressed(report, decision, policies, excepted)
    looked = _looked(report, settings, rules_of_scan, decision, error)
    return Compliance(
        as_of=report.as_of,
        image=image.name,
        digest=image.digest,
        platform=str(image.platform),
        policies=policies.packages,
        policy_digest=policies.digest,
        error=error,
        incomplete=report.incomplete,
        frameworks=tuple(
            _framework(name, looked, against, excepted) for name in FRAMEWORKS if name in frameworks
        ),
    )


class _Against:
    """What speaks against each control, each thing once."""

    def __init__(self) -> None:
        self.of: dict[str, _Proofs] = {}

    def add(self, names_of: Collection[str], key: _Key, proof: Proof) -> None:
        for control in names_of:
            known = self.of.setdefault(control, {}).get(key)
            if known is None:
                self.of[control][key] = proof
            else:
                self.of[control][key] = _joined(known, proof)


def _joined(known: Proof, more: Proof) -> Proof:
    """Make one of what two rules say of the same thing; the message is that of the rule which comes first."""
    first = min(known, more, key=lambda each: each.rules)
    filled = {
        name: getattr(first, name) or getattr(known, name) or getattr(more, name)
        for name in ("severity", "place", "fix")
    }
    return replace(first, rules=tuple(sorted({*known.rules, *more.rules})), **filled)


def _put(decision: Decision, against: _Against, excepted: _Against) -> None:
    for reason in decision.reasons:
        if reason.rule not in WATCHERS:
            against.add(reason.controls, _key(reason), _proof(reason))
    for reason in decision.excepted:
        proof = replace(
            _proof(reason),
            excepted_by="policy",
            owner=reason.owner,
            reason=reason.reason,
            expires=reason.expires,
        )
        excepted.add(reason.controls, _key(reason), proof)


def _of_issue(issue: Issue) -> tuple[_Key, Proof]:
    """Give a secret or misconfiguration as a proof, under the key that a policy's reason for it has."""
    place = f"{issue.file}:{issue.line}" if issue.line else issue.file
    message = f"{issue.rule} in {place}" if issue.kind == "secret" else issue.message
    proof = Proof(
        message=message,
        rules=(issue.rule,),
        severity=str(issue.severity),
        finding=issue.rule,
        place=place,
        fix=issue.advice,
    )
    return (issue.rule, message), proof


def _put_suppressed(report: Report, decision: Decision, policies: Policies, excepted: _Against) -> None:
    """Say what would speak against a control, had no ignore file or VEX document taken it out: policies are asked again, with all of it."""
    flaws = [each for each in report.suppressed if 0 <= each.by < len(report.suppressions)]
    silenced = [each for each in report.silenced if 0 <= each.by < len(report.suppressions)]
    if not flaws and not silenced:
        return
    secrets = tuple(each.secret for each in silenced if each.secret is not None)
    config = tuple(each.config for each in silenced if each.config is not None)
    whole = replace(
        report,
        findings=(*report.findings, *(each.finding for each in flaws)),
        secrets=(*report.secrets, *secrets),
        config=(*report.config, *config),
    )
    by: dict[_Key, Suppression] = {
        (each.finding.id, each.finding.purl): report.suppressions[each.by] for each in flaws
    }
    by |= {(each.rule, ""): report.suppressions[each.by] for each in silenced}
    known = set(decision.reasons) | set(decision.excepted)
    for reason in policies.decide(whole).reasons:
        said = by.get((reason.finding, reason.package))
        if reason not in known and said is not None:
            excepted.add(reason.controls, _key(reason), _stated(_proof(reason), said))
    for one in silenced:
        if (issue := one.secret or one.config) is not None and issue_of(issue).is_sure:
            key, proof = _of_issue(issue_of(issue))
            excepted.add(issue.controls, key, _stated(proof, report.suppressions[one.by]))


def _stated(proof: Proof, said: Suppression) -> Proof:
    why = said.reason or said.justification
    return replace(
        proof,
        excepted_by=f"{stands(said)}{f' ({said.status})' if said.status else ''}",
        owner=said.author,
        reason=why,
        expires=said.expires,
    )


def _looked(
    report: Report,
    settings: Mapping[str, Mapping[str, Mapping[str, Any]]],
    rules_of_scan: Sequence[Rule],
    decision: Decision,
    error: str,
) -> dict[str, Looked]:
    found = {control: Looked([], [], []) for control in controls()}
    for control, rule, gaps, why in of_policies(rules(), settings, report):
        found[control].say(rule, gaps, why)
    gaps_of = {kind: unlooked("secret" if kind == "secret" else "config", report) for kind in _KINDS}
    for each in rules_of_scan:
        for control in each.controls:
            found[control].say("" if each.kind == "secret" else each.id, gaps_of[each.kind])
    parts = {part.part for part in report.database.parts}
    for reason in decision.reasons:  # the advisories are older than a policy allows
        if reason.rule == "incomplete-scan" and reason.finding in parts:
            for control in found.keys() & set(reason.controls):
                found[control].gaps.append(reason.message)
    if error:
        for control in {name for rule_of in rules().values() for name in rule_of.controls}:
            found[control].gaps.append(f"the policies could not be evaluated: {error}")
    return found


def _framework(name: str, looked: Mapping[str, Looked], against: _Against, excepted: _Against) -> Framework:
    ids = {control for control in (*looked, *against.of, *excepted.of) if framework_of(control) == name}
    made = tuple(
        _control(each, looked.get(each), against.of.get(each, {}), excepted.of.get(each, {}))
        for each in sorted(ids, key=order)
    )
    return Framework(
        name=name,
        title=FRAMEWORKS[name],
        passed=sum(each.status == "passed" for each in made),
        failed=sum(each.status == "failed" for each in made),
        not_checked=sum(each.status == "not_checked" for each in made),
        controls=made,
    )


def _control(name: str, looked: Looked | None, proofs: _Proofs, excepted: _Proofs) -> Control:
    said = looked or Looked([], [], [])
    gaps = tuple(dict.fromkeys(said.gaps))
    off = tuple(dict.fromkeys(said.off))
    passed = not gaps and bool(said.rules or said.secrets)
    why = gaps or (() if passed else off or ("no rule that runs on an image looks for it by itself",))
    return Control(
        id=name,
        title=controls().get(name, ""),
        status="failed" if proofs else "passed" if passed else "not_checked",
        why=why,
        looked=tuple(sorted(set(said.rules))),
        secret_rules=said.secrets,
        off=off,
        failures=len(proofs),
        proofs=tuple(_sorted(proofs))[:MOST_PROOFS],
        exceptions=len(excepted),
        excepted=tuple(_sorted(excepted))[:MOST_EXCEPTIONS],
    )


def _sorted(proofs: _Proofs) -> Iterator[Proof]:
    ranks = {str(level): rank for level, rank in SEVERITY_RANK.items()}
    least = ranks[str(Severity.UNKNOWN)]
    yield from sorted(
        proofs.values(),
        key=lambda each: (ranks.get(each.severity, least), each.finding, each.package, each.message),
    )


def _key(reason: Reason) -> _Key:
    return (reason.finding, reason.package or reason.message)


def _proof(reason: Reason) -> Proof:
    return Proof(
        message=reason.message,
        rules=(reason.rule,),
        severity=reason.severity,
        finding=reason.finding,
        package=reason.package,
        fix=reason.fix,
    )


def _policy_rule(issue: Issue) -> str:
    """Give the policy's rule that speaks of an issue, as exceptions name it."""
    if issue.kind == "secret":
        return "secret"
    if issue.rule.startswith("image-port-"):
        return "port"
    return _OF_ISSUES.get(issue.rule, "misconfiguration")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
