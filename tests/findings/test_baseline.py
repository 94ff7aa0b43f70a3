"""A baseline takes out the secrets that a team knows of, by their fingerprints."""

import json

import pytest
from msgspec.structs import replace

from hullmark.findings.baseline import read_baseline
from hullmark.findings.narrowing import Narrowing, narrowed
from hullmark.model.errors import UsageError
from hullmark.reports import render
from reports.sample import WHOLE as SAMPLE


def test_a_report_is_a_baseline_and_takes_out_what_it_has() -> None:
    assert SAMPLE.secrets
    baseline = read_baseline("known.json", render("json", SAMPLE))
    after = narrowed(SAMPLE, Narrowing(baseline=baseline))
    marked = [each for each in SAMPLE.secrets if each.fingerprint]
    assert {each.fingerprint for each in after.secrets} == {""} or not after.secrets
    silenced = [each for each in after.silenced if each.reason == "--baseline known.json"]
    assert len(silenced) == len(marked)
    assert after.config == narrowed(SAMPLE, Narrowing()).config


def test_another_key_is_an_error_that_says_so() -> None:
    baseline = read_baseline("known.json", render("json", replace(SAMPLE, secrets_key="another")))
    with pytest.raises(UsageError, match="made with another key"):
        narrowed(SAMPLE, Narrowing(baseline=baseline))


def test_a_short_document_will_do() -> None:
    one = SAMPLE.secrets[0]
    body = {
        "secrets_key": SAMPLE.secrets_key,
        "secrets": [{"rule": one.rule, "fingerprint": one.fingerprint}],
    }
    after = narrowed(SAMPLE, Narrowing(baseline=read_baseline("b", json.dumps(body).encode())))
    assert one not in after.secrets
    assert len(after.secrets) < len(SAMPLE.secrets)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"secrets": 1, "secrets_key": ""}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_baseline_is_said(body: bytes) -> None:
    with pytest.raises(UsageError, match="is no baseline"):
        read_baseline("b", body)
