"""What the SBOM formats say of a flaw and of a statement on it, where both say the same.

Values with names of our own are listed in docs/reference/sbom.md, as those of `sbom.py`.
"""

import datetime as dt
import re

from hullmark.model.report import Finding, Report, Suppressed, Suppression
from hullmark.model.words import stands

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d+)?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?.*",
    re.DOTALL | re.ASCII,
)


def finding_values(finding: Finding) -> dict[str, str]:
    """Give what is known of a finding and has no field of its own."""
    values = {
        "hullmark:kind": finding.kind,
        "hullmark:state": finding.state,
        "hullmark:severity": str(finding.severity),
    }
    if finding.fixed_version:
        values["hullmark:fixed_version"] = finding.fixed_version
    if finding.severity_source:
        values["hullmark:severity_source"] = finding.severity_source
    if finding.epss is not None:
        values["hullmark:epss:probability"] = str(finding.epss.probability)
        values["hullmark:epss:percentile"] = str(finding.epss.percentile)
    if finding.kev is not None:
        values["hullmark:kev:added"] = finding.kev.added
        values["hullmark:kev:due"] = finding.kev.due
        values["hullmark:kev:ransomware"] = "true" if finding.kev.ransomware else "false"
    if finding.ssvc is not None:
        values["hullmark:ssvc:exploitation"] = finding.ssvc.exploitation
        values["hullmark:ssvc:automatable"] = finding.ssvc.automatable
        values["hullmark:ssvc:technical_impact"] = finding.ssvc.technical_impact
    return values


def statement_values(said: Suppression) -> dict[str, str]:
    """Give where a statement stands, whose it is, in which words it was made and until when it counts."""
    values = {"hullmark:statement:source": stands(said)}
    for name in ("status", "justification", "author", "expires"):
        if text := getattr(said, name):
            values[f"hullmark:statement:{name}"] = text
    return values


def statement_on(report: Report, suppressed: Suppressed) -> Suppression | None:
    """Give the statement that took a finding out, nothing where a mere filter did."""
    told = report.suppressions
    return told[suppressed.by] if 0 <= suppressed.by < len(told) else None


def published_time(text: str) -> str:
    """Give a published time as RFC 3339, nothing for what is none; a time without a zone is UTC."""
    found = _TIME.fullmatch(text)
    if found is None:
        return ""
    day, clock, zone = found.groups()
    try:
        dt.date.fromisoformat(day)
    except ValueError:
        return ""
    if zone is not None and len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{day}T{clock or '00:00:00'}{zone or 'Z'}"
