from hullmark.advice.action import fix
from hullmark.advice.removal import REMOVE
from hullmark.advice.verdict import (
    Gap,
    Verdict,
    left_out,
    not_checked,
    not_shown,
    shown,
    unread_counts,
    unread_place,
    verdict,
)
from hullmark.model.facts import Unread
from hullmark.model.report import Coverage, Silenced
from reports.hostile import change
from reports.sample import CONFIG, FINDINGS, LINTED, OPENSSL, QS, SAMPLE, SECRETS, WHOLE


def test_the_words_of_an_image_are_in_the_command_alone() -> None:
    said = verdict(SAMPLE)
    assert said.command == "hullmark scan registry.example/team/app:1.2 --fail-on critical"
    assert said.text.endswith(f"1 malicious package: {REMOVE}. This would fail: ")
    assert "registry.example" not in said.text


def test_a_scan_that_checked_nothing_does_not_say_clean() -> None:
    nothing = change(SAMPLE, findings=(), suppressed=())
    assert verdict(change(nothing, coverage=Coverage())) == Verdict(
        "9 packages; no vulnerabilities were looked for"
    )
    blind = change(nothing, packages=(change(QS, coverage="no_feed"),))
    assert verdict(blind).text.startswith("none of 1 package was checked")
    assert verdict(nothing).text == "nothing found in 9 packages, but not all of it could be checked"


def test_gaps() -> None:
    stale = change(SAMPLE, packages=(change(OPENSSL, coverage="feed_stale"), change(QS, coverage="no_feed")))
    assert list(not_checked(stale)) == [
        Gap("npm", "no feed speaks for them", 1),
        Gap("deb", "checked against stale advisories", 1, checked=True),
    ]
    lost = change(stale, packages=(), coverage=change(SAMPLE.coverage, release="feed_missing"))
    assert [str(gap) for gap in not_checked(lost)] == [
        "not checked: whether the release is past its end of life: no end-of-life dates are in the database"
    ]
    assert str(Gap("npm", "no feed", 2)) == "not checked: 2 packages (npm): no feed"


def test_unread() -> None:
    assert unread_counts(SAMPLE) == "1 package database, 1 record"
    assert unread_place(Unread("layer", "gone", layer="sha256:" + "1" * 64)) == "layer sha256:111111111111"
    assert unread_place(Unread("file", "gone")) == "file"


def test_what_to_do_about_one() -> None:
    assert [fix(FINDINGS[number]) for number in (0, 4, 8, 10)] == [
        "fixed in 2.15.0",
        "will not be fixed",
        REMOVE,
        "upgrade to release debian-13",
    ]
    assert fix(FINDINGS[8], brief=True) == "remove, rotate credentials"
    attack = change(FINDINGS[4], fix_is_malicious=True)
    assert fix(attack) == "the version that would fix it is malicious: do not upgrade to it"


def test_packages_that_were_not_asked_for_are_no_gap() -> None:
    asked = change(SAMPLE, coverage=change(SAMPLE.coverage, pkg_types=("os",)))
    assert list(not_checked(asked)) == []
    late = change(
        asked, packages=(change(OPENSSL, coverage="feed_stale"), change(QS, coverage="release_eol"))
    )
    assert [str(gap) for gap in not_checked(late)] == ["1 package (deb): checked against stale advisories"]
    blind = change(asked, findings=(), suppressed=(), packages=(change(OPENSSL, coverage="no_feed"), QS))
    assert verdict(blind).text.startswith("none of 1 package was checked")


def test_counts_of_what_is_not_there() -> None:
    assert (
        not_shown(SAMPLE)
        == "3 findings not shown: 1 by --fixable-only, 1 by .hullmark-ignore.yaml, 1 by app.vex.json"
    )
    assert not_shown(change(SAMPLE, suppressed=())) == ""
    assert list(left_out(SAMPLE)) == [
        "left out of lock files: 4 development packages (--include-dev)",
        "1 file passed over by --skip-path",
    ]
    assert len(shown(SAMPLE, suppressed=False)) == len(FINDINGS)
    assert all(reason for _, reason in shown(SAMPLE, suppressed=True)[len(FINDINGS) :])


def test_secrets_and_misconfigurations_are_part_of_the_verdict_and_of_its_gate() -> None:
    nothing = change(WHOLE, findings=(), suppressed=(), silenced=(), incomplete=False)
    bare = change(nothing, secrets=(), config=())
    assert verdict(change(bare, secrets=SECRETS[1:2])) == Verdict(
        "no vulnerabilities found in 9 packages. 1 high secret. This would fail: ",
        "hullmark scan registry.example/team/app:1.2 --fail-on high",
    )
    assert verdict(change(bare, secrets=SECRETS[2:4])).text == (
        "no vulnerabilities found in 9 packages. 2 uncertain secrets. "
        "No gate of --fail-on critical to low would fail"
    )
    said = verdict(change(bare, config=CONFIG[1:3]))
    assert said.text.startswith(
        "no vulnerabilities found in 9 packages. 2 misconfigurations: 1 medium, 1 low. This"
    )
    assert said.command.endswith("--fail-on medium")
    assert verdict(bare).text == "nothing found in 9 packages"
    assert verdict(change(bare, silenced=WHOLE.silenced[:1])).text == "nothing else found in 9 packages"


def test_a_secret_that_only_severities_hide_counts_for_the_gate() -> None:
    hidden = Silenced("--severity low", "r", "p", gated=True, secret=SECRETS[0])
    bare = change(WHOLE, findings=(), suppressed=(), secrets=(), config=(), silenced=(hidden,))
    assert verdict(bare).command.endswith("--fail-on critical")


def test_secrets_without_vulnerabilities_that_were_looked_for() -> None:
    only = change(WHOLE, findings=(), config=(), suppressed=(), coverage=Coverage(scanners=("secret",)))
    assert verdict(only).text.startswith(
        "9 packages; no vulnerabilities were looked for. 3 secrets: 1 critical, 1 high"
    )
    assert verdict(only).command.endswith("--fail-on critical")
    blind = change(
        WHOLE, findings=(), secrets=(), suppressed=(), silenced=(), packages=(change(QS, coverage="no_feed"),)
    )
    assert verdict(blind).text.startswith("none of 1 package was checked: no feed speaks for them. 5 misconf")


def test_files_have_no_packages_and_no_gate_to_name() -> None:
    assert verdict(LINTED) == Verdict("1 high secret. 3 misconfigurations: 1 high, 2 medium")
    assert verdict(change(LINTED, secrets=(), config=())) == Verdict("nothing found")
