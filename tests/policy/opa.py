"""The real OPA, where there is one: `tests/install-tools.sh` builds it where there is Go."""

import os
import shutil
from pathlib import Path

import pytest

_BUILT = Path(os.environ.get("GOBIN") or Path(os.environ.get("GOPATH") or Path.home() / "go") / "bin") / "opa"
OPA = shutil.which("opa") or (str(_BUILT) if _BUILT.is_file() else "")
needs_opa = pytest.mark.skipif(not OPA, reason="no OPA here (tests/install-tools.sh)")
