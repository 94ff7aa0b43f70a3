"""Files as they are found in images, written by hand: each credential is found, and nothing that looks like one is believed."""

from pathlib import Path

import pytest

from hullmark.detectors.secrets.engine import Engine
from hullmark.detectors.secrets.registry import secret_rules
from hullmark.detectors.secrets.samples import corpus

FOLDER = Path(__file__).parents[2] / "data" / "secrets" / "corpus"
ENGINE = Engine(secret_rules, b"key")
POSITIVES = corpus((FOLDER / "positives.txt").read_text())
LOOKALIKES = corpus((FOLDER / "lookalikes.txt").read_text())


def test_the_corpus_is_large() -> None:
    assert len(POSITIVES) >= 170
    assert len(LOOKALIKES) >= 100


@pytest.mark.parametrize("path", sorted(POSITIVES))
def test_a_credential_is_found(path: str) -> None:
    found, _more = ENGINE.search(path, POSITIVES[path].encode())
    assert found


@pytest.mark.parametrize("path", sorted(LOOKALIKES))
def test_what_only_looks_like_a_credential_is_not_believed(path: str) -> None:
    found, _more = ENGINE.search(path, LOOKALIKES[path].encode())
    assert [secret for secret in found if secret.confidence == "high"] == []
