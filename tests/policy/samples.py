"""Reports for policies, with nothing in them but what a test is about."""

import json
from pathlib import Path
from typing import Any

import msgspec

from hullmark.model.report import Report

AS_OF = "2026-06-15T12:00:00+00:00"
_BARE = {
    "tool": {"name": "hullmark", "version": "1", "detectors": {}},
    "as_of": AS_OF,
    "database": {"parts": []},
    "image": {
        "name": "registry.example/shop/app:1.0",
        "source": "registry",
        "digest": f"sha256:{'a' * 64}",
        "config": {"created": "2026-06-01T00:00:00Z", "config": {"Labels": {"team": "shop"}}},
    },
    "coverage": {"scanners": ["vuln", "secret", "config"]},
    "summary": {"packages": 0},
}


def report(**changes: Any) -> Report:
    """Give a report without findings, with these fields as in JSON."""
    return msgspec.convert(_BARE | changes, Report)


def finding(**changes: Any) -> dict[str, Any]:
    """Give a flaw as in JSON: mild, of today, without a fix."""
    bare = {
        "id": "CVE-2026-0001",
        "component": "p0",
        "purl": "pkg:deb/debian/zlib1g@1.2",
        "name": "zlib1g",
        "version": "1.2",
        "severity": "low",
        "published": "2026-06-15T00:00:00Z",
    }
    return bare | changes


def package(**changes: Any) -> dict[str, Any]:
    """Give a package as in JSON."""
    bare = {
        "id": "p0",
        "purl": "pkg:deb/debian/zlib1g@1.2",
        "ecosystem": "deb",
        "name": "zlib1g",
        "version": "1.2",
    }
    return bare | changes


def secret(**changes: Any) -> dict[str, Any]:
    """Give a secret as in JSON."""
    bare = {
        "rule": "aws-secret-key",
        "severity": "critical",
        "confidence": "high",
        "message": "an AWS key",
        "source": "file",
        "path": "root/.aws/credentials",
        "line": 3,
    }
    return bare | changes


def fault(rule: str, **changes: Any) -> dict[str, Any]:
    """Give a misconfiguration as in JSON."""
    return {"rule": rule, "severity": "medium", "message": f"{rule} is so"} | changes


def policy(folder: Path, text: str, **data: Any) -> Path:
    """Write a policy, and data beside it."""
    (folder / "policy.rego").write_text(f"package mine\n\n{text}\n")
    if data:
        (folder / "data.json").write_text(json.dumps(data))
    return folder
