"""Whom the image runs as, and which accounts and groups are one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from hullmark.detectors.config.check import Check, Problem, Span
from hullmark.detectors.config.image._gathering import configured, listed
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity
from hullmark.model.facts import Account
from hullmark.model.rule import Rule

_CONTROLS = ("CIS-Docker 4.1", "NIST-800-190 4.1.2", "NIST-800-53 AC-6", "PCI-DSS 7.2.5")
_ROOT_NAMES = frozenset({"root", "containeradministrator"})
_USERS = "etc/passwd"
_GROUPS = "etc/group"

ROOT = Rule(
    id="image-root-user",
    kind="image",
    severity=Severity.HIGH,
    summary="the image runs as root",
    why="Who breaks into the application is root in the container, and one flaw of the kernel or one mounted folder away from root on the host.",
    fix="Create a user in the Dockerfile and end with USER and its name or, better for Kubernetes, its number.",
    bad=(
        '{"config": {"User": "root"}}',
        '{"config": {"User": "0:0"}}',
        '{"config": {"User": "00"}}',
        '{"config": {"User": "admin"}, "accounts": ["root:x:0:0", "admin:x:0:0"]}',
    ),
    good=('{"config": {"User": "1000"}}', '{"config": {"User": "app:root"}, "accounts": ["app:x:10001:0"]}'),
    controls=_CONTROLS,
    same_as=("CIS-DI-0001", "DS-0002", "AVD-DS-0002", "DS002", "DL3002"),
)
MISSING = Rule(
    id="image-no-user",
    kind="image",
    severity=Severity.MEDIUM,
    summary="no USER is set, so the image runs as root",
    why="Without a USER the application runs as root, with all that a break-in gains from that.",
    fix="Create a user in the Dockerfile and end with USER and its name or, better for Kubernetes, its number.",
    bad=('{"config": {"Cmd": ["/main"]}}', '{"config": {"User": ""}}'),
    good=('{"config": {"User": "nobody"}}', '{"os": "windows", "config": {}}'),
    controls=_CONTROLS,
    same_as=("CIS-DI-0001", "DS-0002", "AVD-DS-0002", "DS002"),
)
UNKNOWN = Rule(
    id="image-unknown-user",
    kind="image",
    severity=Severity.LOW,
    summary="USER names a user that the image does not have",
    why="A container of it does not start, and who then overrides the user often takes root.",
    fix="Create the user before USER, or set its number, which needs no entry.",
    bad=('{"config": {"User": "app"}, "accounts": ["root:x:0:0"]}',),
    good=(
        '{"config": {"User": "app"}, "accounts": ["root:x:0:0", "app:x:10001:10001"]}',
        '{"config": {"User": "10001"}, "accounts": ["root:x:0:0"]}',
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.1", "NIST-800-190 4.1.2", "NIST-800-53 AC-6"),
)
SECOND_ROOT = Rule(
    id="image-second-root",
    kind="image",
    severity=Severity.HIGH,
    summary="another account has root's user id",
    why="An account with the id 0 is root by another name: a classic back door that no look at who may become root shows.",
    fix="Give the account an id of its own, or delete it.",
    bad=('{"config": {"User": "1"}, "accounts": ["root:x:0:0", "toor:x:0:0"]}',),
    good=('{"config": {"User": "1"}, "accounts": ["root:x:0:0", "sync:x:5:0"]}',),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 AC-6", "NIST-800-53 IA-4", "PCI-DSS 8.2.1"),
    same_as=("DKL-LI-0002",),
)
SHARED = Rule(
    id="image-shared-user-id",
    kind="image",
    severity=Severity.LOW,
    summary="several accounts share one user id",
    why="What belongs to one of them belongs to the other, and no log tells them apart.",
    fix="Give each account an id of its own.",
    bad=('{"config": {"User": "1"}, "accounts": ["root:x:0:0", "a:x:1000:1000", "b:x:1000:1000"]}',),
    good=('{"config": {"User": "1"}, "accounts": ["root:x:0:0", "a:x:1000:1000", "b:x:1001:1000"]}',),
    pack="pedantic",
    controls=("NIST-800-190 4.1.2", "NIST-800-53 IA-4", "PCI-DSS 8.2.1"),
    same_as=("DKL-LI-0002",),
)
SHARED_GROUP = Rule(
    id="image-shared-group-id",
    kind="image",
    severity=Severity.LOW,
    summary="several groups share one group id",
    why="Who is in one of them may do what the other may, and no look at the members of that one shows it.",
    fix="Give each group an id of its own.",
    bad=(
        '{"config": {"User": "1"}, "groups": ["root:x:0:", "a:x:1000:", "b:x:1000:app"]}',
        '{"config": {"User": "1"}, "groups": ["root:x:0:", "wheel:x:0:app"]}',
    ),
    good=(
        '{"config": {"User": "1"}, "groups": ["root:x:0:", "a:x:1000:", "b:x:1001:", "a:x:1000:"]}',
        '{"config": {"User": "1"}, "accounts": ["a:x:1000:1000", "b:x:1001:1000"]}',
    ),
    pack="pedantic",
    controls=("NIST-800-190 4.1.2", "NIST-800-53 AC-6", "NIST-800-53 IA-4"),
    same_as=("DKL-LI-0002",),
)


def _users(view: ImageView) -> list[Account]:
    """Give the accounts of `passwd`; the first of a name counts."""
    return [each.account for each in view.accounts or () if each.path == _USERS]


def _runs_as_root(view: ImageView) -> Iterator[Problem]:
    user = view.settings.user.partition(":")[0]
    ids = {account.name: account.uid for account in reversed(_users(view))}
    number = ids.get(user, int(user) if user.isascii() and user.isdigit() and len(user) <= 10 else None)
    origin = view.origin("USER", user)
    if user.lower() in _ROOT_NAMES or user.strip("0") == "" != user:
        yield configured(ROOT, "config.User", f"the image runs as root: its user is {user}", from_base=origin)
    elif number == 0:
        yield configured(
            ROOT, "config.User", f"the image runs as root: {user} has the user id 0", from_base=origin
        )


def _no_user(view: ImageView) -> Iterator[Problem]:
    if not view.settings.user.partition(":")[0] and view.os != "windows":
        yield configured(MISSING, "config.User", "the image sets no user, so it runs as root")


def _unknown_user(view: ImageView) -> Iterator[Problem]:
    user = view.settings.user.partition(":")[0]
    users = _users(view)
    if user and users and not user.isdigit() and all(account.name != user for account in users):
        yield configured(UNKNOWN, "config.User", f"the user {user} is not in /etc/passwd")


def _by_id(accounts: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for number, name in accounts:
        if name not in found[number]:
            found[number].append(name)
    return found


def _users_by_id(view: ImageView) -> dict[int, list[str]]:
    return _by_id((account.uid, account.name) for account in _users(view))


def _groups_by_id(view: ImageView) -> dict[int, list[str]]:
    return _by_id(
        (each.account.gid, each.account.name) for each in view.accounts or () if each.path == _GROUPS
    )


def _layer(view: ImageView, file: str) -> int:
    return next((each.layer for each in view.accounts or () if each.path == file), -1)


def _second_root(view: ImageView) -> Iterator[Problem]:
    layer = _layer(view, _USERS)
    for name in _users_by_id(view).get(0, []):
        if name != "root":
            message = f"the account {name} has root's user id 0"
            yield Problem(
                SECOND_ROOT,
                Span(),
                message,
                resource=name,
                file=_USERS,
                layer=layer,
                from_base=view.from_base(layer),
            )


def _shared_id(view: ImageView) -> Iterator[Problem]:
    of_others = {number: names for number, names in _users_by_id(view).items() if number}
    return _shared(view, SHARED, of_others, _USERS, "user")


def _shared_group_id(view: ImageView) -> Iterator[Problem]:
    return _shared(view, SHARED_GROUP, _groups_by_id(view), _GROUPS, "group")


def _shared(
    view: ImageView, rule: Rule, by_id: Mapping[int, list[str]], file: str, what: str
) -> Iterator[Problem]:
    layer = _layer(view, file)
    for number, names in sorted(by_id.items()):
        if len(names) > 1:
            yield Problem(
                rule,
                Span(),
                f"{listed(names)} share the {what} id {number}",
                resource=str(number),
                file=file,
                layer=layer,
                number=len(names),
                from_base=view.from_base(layer),
            )


CHECKS: tuple[Check[ImageView], ...] = (
    Check(ROOT, _runs_as_root),
    Check(MISSING, _no_user),
    Check(UNKNOWN, _unknown_user),
    Check(SECOND_ROOT, _second_root),
    Check(SHARED, _shared_id),
    Check(SHARED_GROUP, _shared_group_id),
)
