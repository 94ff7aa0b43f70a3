"""What the tests of sources share: an environment with nothing in it, and no waiting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from images.fakes import Daemon, FakeRegistry

_VARIABLES = (
    *(name for kind in ("HTTP", "HTTPS", "ALL", "NO") for name in (f"{kind}_PROXY", f"{kind.lower()}_proxy")),
    *("DOCKER_CONFIG", "DOCKER_HOST", "CONTAINER_HOST", "REGISTRY_AUTH_FILE", "CONTAINERD_NAMESPACE"),
    *("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUEST_METHOD"),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and none of the variables that say how to reach the world."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def registry(home: Path, pauses: list[float]) -> Iterator[FakeRegistry]:  # noqa: ARG001  # they keep it alone
    fake = FakeRegistry()
    yield fake
    fake.close()


@pytest.fixture
def daemon(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    fake = Daemon(home / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{fake.path}")
    yield fake
    fake.close()
