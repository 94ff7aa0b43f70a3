"""What may take a finding out of the list."""

from hullmark.findings.suppression import may_suppress
from hullmark.model.report import Finding

ATTACK = Finding(
    id="GHSA-4x49-vf9v-38px",
    kind="malicious",
    component="p0",
    purl="pkg:npm/debug@4.4.2",
    name="debug",
    version="4.4.2",
    aliases=("MAL-2025-46974",),
)
FLAW = Finding(id="CVE-2017-16137", component="p0", purl="pkg:npm/debug@2.6.8", name="debug", version="2.6.8")


def test_a_flaw_may_be_taken_out_by_anything() -> None:
    assert may_suppress(FLAW)
    assert may_suppress(FLAW, ids=["CVE-2017-16137"])


def test_a_malicious_package_only_by_an_id_of_its_own_with_a_reason() -> None:
    assert may_suppress(ATTACK, ["GHSA-4x49-vf9v-38px"], "our own fork, looked at by hand")
    assert may_suppress(ATTACK, ["MAL-2025-46974"], "our own fork, looked at by hand")
    assert not may_suppress(ATTACK)
    assert not may_suppress(ATTACK, ["GHSA-4x49-vf9v-38px"])
    assert not may_suppress(ATTACK, ["GHSA-4x49-vf9v-38px"], " \n")
    assert not may_suppress(ATTACK, ["CVE-2025-59144", "debug"], "a reason")
    assert not may_suppress(ATTACK, (), "a reason")
