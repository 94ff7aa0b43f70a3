"""JSON web tokens (RFC 7519)."""

from hullmark.detectors.secrets import _valid
from hullmark.detectors.secrets._token import token

_EXAMPLE = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"

RULES = (
    token(
        "json-web-token",
        "JSON web token",
        "",
        r"ey[JI][\w-]{15,800}\.ey[JI][\w-]{10,2400}\.[\w-]{20,700}",
        "",
        "act as its subject until the token ends, if it has not yet",
        "+jwt jwt-token",
        severity="medium",
        confidence="medium",
        valid=_valid.jwt,
        mend="Have it revoked by whoever issued it",
        bad=("Authorization: Bearer <<jwt:10>>", "TOKEN=<<jwt:20>>\n"),
        good=(_EXAMPLE, "eyJ<<base64url:30>>.eyJ<<base64url:40>>.<<base64url:43>>"),
    ),
    token(
        "json-web-token-base64",
        "JSON web token",
        "",
        r"(?P<secret>ZX[lk][JK][A-Za-z0-9+/]{60,3900}={0,2})(?:[^\w+/=]|$)",
        "",
        "act as its subject until the token ends, if it has not yet",
        "+jwt-base64",
        severity="medium",
        confidence="medium",
        valid=_valid.jwt64,
        summary="JSON web token in base64, which hides nothing",
        mend="Have it revoked by whoever issued it",
        bad=("token: <<jwt64:10>>\n",),
        good=("token: ZXlK<<base64:120>>\n",),
    ),
    token(
        "temporal-cloud-api-key",
        "Temporal Cloud",
        "API key",
        r"eyJ[\w-]{10,200}\.[\w-]{0,400}Y2NvdW50X2lk[\w-]{0,400}InRlbXBvcmFsLmlv[\w-]{20,600}\.[\w-]{20,200}",
        "eyJhbGciOiJFUzI1NiJ9.eyJhY2NvdW50X2lkIjoi<<base64url:10>>InRlbXBvcmFsLmlv<<base64url:60>>.<<base64url:86>>",
        "start and read workflows",
        "b:temporal-cloud-api-key.1",
        good=("eyJhbGciOiJFUzI1NiJ9.eyJ<<base64url:60>>.<<base64url:86>>",),
    ),
)
