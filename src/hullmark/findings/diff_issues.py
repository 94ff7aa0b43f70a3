"""Which secrets and misconfigurations are new, gone or unchanged between two reports. Pure."""

from typing import Literal, NamedTuple

from msgspec.structs import replace

from hullmark.findings.caveats import Doubts
from hullmark.findings.issues import Issue, Key, is_keyed, issues, keys, silenced, worst_first
from hullmark.model.diff import ConfigChange, SecretChange
from hullmark.model.report import Misconfiguration, Report, SecretFinding


class _Said(NamedTuple):
    """An issue, and why it is not shown."""

    issue: Issue
    suppressed: str


class IssueChanges:
    """What one has and the other has not, worst first, and numbers of what is shown in either."""

    def __init__(self, before: Report, after: Report, doubts: tuple[Doubts, Doubts]) -> None:
        keyed = is_keyed(before.secrets_key, after.secrets_key)
        old, now = _by_key(before, keyed=keyed), _by_key(after, keyed=keyed)
        self._secrets: list[SecretChange] = []
        self._config: list[ConfigChange] = []
        self.counts = {kind: {"new": 0, "gone": 0, "unchanged": 0} for kind in ("secret", "config")}
        self.unsure = 0
        self.suppressed = 0
        for key, said in now.items():
            if key not in old:
                self._add("new", said, doubts[0].of_issue(said.issue))
            elif said.suppressed and old[key].suppressed:
                self.suppressed += 1
            else:
                self.counts[said.issue.kind]["unchanged"] += 1
        for key, said in old.items():
            if key not in now:
                self._add("gone", said, doubts[1].of_issue(said.issue))

    def _add(self, change: Literal["new", "gone"], said: _Said, unsure: str) -> None:
        whole = said.issue.said
        if said.suppressed:
            self.suppressed += 1
        else:
            self.counts[said.issue.kind][change] += 1
            self.unsure += bool(unsure)
        if isinstance(whole, SecretFinding):
            made = SecretChange(change=change, secret=whole, suppressed=said.suppressed, unsure=unsure)
            self._secrets.append(made)
        elif isinstance(whole, Misconfiguration):
            other = ConfigChange(
                change=change, misconfiguration=whole, suppressed=said.suppressed, unsure=unsure
            )
            self._config.append(other)

    @property
    def secrets(self) -> tuple[SecretChange, ...]:
        """Give what is new and then what is gone, each worst first."""
        return tuple(self._secrets)

    @property
    def config(self) -> tuple[ConfigChange, ...]:
        """Give what is new and then what is gone, each worst first."""
        return tuple(self._config)


def _by_key(report: Report, *, keyed: bool) -> dict[Key, _Said]:
    """Give all issues, shown or not, by what they are the same by, in their order."""
    every = [_Said(issue, "") for issue in issues(report)]
    every += [_Said(issue, each.reason or "suppressed") for issue, each in silenced(report)]
    every.sort(key=lambda said: worst_first(said.issue))
    names = (name for name, _ in keys((said.issue for said in every), keyed=keyed))
    return dict(zip(names, every, strict=True))


def only_new_issues(
    after: Report, secrets: tuple[SecretChange, ...], config: tuple[ConfigChange, ...]
) -> Report:
    """Give a report with those secrets and misconfigurations alone that are new in it."""
    new = {each.secret for each in secrets if each.change == "new"}
    others = {each.misconfiguration for each in config if each.change == "new"}
    return replace(
        after,
        secrets=tuple(each for each in after.secrets if each in new),
        config=tuple(each for each in after.config if each in others),
        silenced=tuple(each for each in after.silenced if each.secret in new or each.config in others),
    )
