"""Credentials that their place tells: a command's argument, a manifest of Kubernetes, a framework's default."""

from hullmark.detectors.secrets import _valid
from hullmark.detectors.secrets._token import token

_SIGN_IN = "sign in there"


def _no_placeholder(value: str) -> bool:
    return not _valid.placeholder(value)


def _no_basic_placeholder(value: str) -> bool:
    return _valid.basic(value)


def _kubernetes_data(value: str) -> bool:
    """Tell whether it is the base64 of a text that is no placeholder, or of bytes."""
    raw = _valid.decoded(value)
    return len(raw) >= 8 and not (raw.isascii() and _valid.placeholder(raw.decode().strip()))


RULES = (
    token(
        "curl-bearer-token",
        "Token",
        "in a command of curl",
        r"\bcurl\b(?:[^\n]|\\\r?\n){1,300}(?:-H|--header)[= \t]{1,4}[\"']?(?i:authorization:[ \t]{0,4}(?:(?:bearer|token|api-token)[ \t]{1,4})?|x-[a-z-]{0,20}(?:api-?)?(?:key|token):[ \t]{0,4}|api-?key:[ \t]{0,4})"
        r"(?P<secret>[\w=~@.+/-]{12,500})(?:[\"'\s]|$)",
        "",
        _SIGN_IN,
        "+curl-auth-header",
        confidence="medium",
        entropy=3.3,
        valid=_no_placeholder,
        mend="Revoke it at the server that is asked",
        bad=(
            'RUN curl -sSf -H "Authorization: Bearer <<alnum:32>>" https://api.corp/v1',
            "curl https://api.corp/v1 --header 'X-Api-Key: <<hex:32>>'",
        ),
        good=(
            'curl -H "Authorization: Bearer $TOKEN" https://api.corp/v1',
            'curl -H "Authorization: Bearer <your-token>" https://a.b',
            "curl -H 'Authorization: Bearer YOUR_API_TOKEN' https://a.b",
        ),
    ),
    token(
        "curl-basic-header",
        "Password",
        "in a command of curl",
        r"\bcurl\b(?:[^\n]|\\\r?\n){1,300}(?:-H|--header)[= \t]{1,4}[\"']?(?i:authorization:[ \t]{0,4}basic[ \t]{1,4})(?P<secret>[A-Za-z0-9+/]{8,400}={0,2})(?:[\"'\s]|$)",
        "",
        _SIGN_IN,
        "",
        entropy=2.5,
        valid=_no_basic_placeholder,
        mend="Change it at the server that is asked",
        bad=('curl -H "Authorization: Basic <<basic:20>>" https://api.corp/v1',),
        good=(
            'curl -H "Authorization: Basic dXNlcjpwYXNzd29yZA==" https://api.corp/v1',
            'curl -H "Authorization: Basic $AUTH" https://api.corp/v1',
        ),
    ),
    token(
        "curl-user",
        "Password",
        "in a command of curl",
        r"\bcurl\b(?:[^\n]|\\\r?\n){0,300}[ \t](?:-u|--user)[= \t]{0,3}[\"']?[^\s:\"'$<>{}]{0,80}:(?P<secret>[^\s\"'$<>{}()]{6,200})(?:[\"'\s]|$)",
        "",
        _SIGN_IN,
        "+curl-auth-user",
        confidence="medium",
        entropy=2.7,
        valid=_no_placeholder,
        mend="Change it at the server that is asked",
        bad=(
            "RUN curl -fsS -u ci:<<alnum:16>> https://files.corp/a.tgz",
            'curl --user "ci:<<alnum:20>>" https://files.corp/a.tgz',
        ),
        good=(
            "curl -u user:password https://a.b",
            "curl -u ci:$PASSWORD https://a.b",
            "curl -u <user>:<password> https://a.b",
        ),
    ),
    token(
        "kubernetes-secret-manifest",
        "Kubernetes Secret",
        "with its value",
        r"\bkind:[ \t]{0,4}[\"']?Secret[\"']?\s[\s\S]{0,500}?\ndata:[ \t]{0,4}\r?\n[ \t]{1,8}[\w.-]{1,80}:[ \t]{0,4}[\"']?(?P<secret>[A-Za-z0-9+/]{10,1500}={0,2})[\"']?(?:\s|$)",
        "",
        "sign in with what it holds",
        "+kubernetes-secret-yaml",
        confidence="medium",
        entropy=2.5,
        valid=_kubernetes_data,
        mend="Revoke what it holds",
        bad=("apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  password: <<base64:24>>\n",),
        good=(
            "kind: Secret\nmetadata:\n  name: a\ndata:\n  password: {{ .Values.password }}\n",
            "kind: ConfigMap\ndata:\n  a: <<base64:24>>\n",
            "kind: Secret\ndata:\n  password: cGFzc3dvcmQ=\n",
        ),
    ),
    token(
        "kubernetes-secret-data",
        "Kubernetes Secret",
        "with its value",
        r"\bdata:[ \t]{0,4}\r?\n[ \t]{1,8}[\w.-]{1,80}:[ \t]{0,4}[\"']?(?P<secret>[A-Za-z0-9+/]{10,1500}={0,2})[\"']?\r?\n[\s\S]{0,500}?\bkind:[ \t]{0,4}[\"']?Secret\b",
        "",
        "sign in with what it holds",
        "",
        confidence="medium",
        entropy=2.5,
        valid=_kubernetes_data,
        mend="Revoke what it holds",
        bad=("apiVersion: v1\ndata:\n  password: <<base64:24>>\nkind: Secret\nmetadata:\n  name: a\n",),
        good=("data:\n  a: <<base64:24>>\nkind: ConfigMap\n",),
    ),
    token(
        "terraform-password",
        "Password",
        "in Terraform's files",
        r"\b(?i:[\w-]{0,40}password)[ \t]{0,20}=[ \t]{0,4}\"(?P<secret>[^\"\s$<>{}]{8,128})\"",
        "",
        _SIGN_IN,
        "+hashicorp-tf-password",
        confidence="medium",
        entropy=2.5,
        valid=_no_placeholder,
        paths=("**/*.tf", "**/*.tfvars", "**/*.hcl"),
        mend="Change it at the server that it is for",
        bad=('administrator_login_password = "<<alnum:16>>"',),
        good=(
            'administrator_login_password = "${var.password}"',
            'password = "changeme"',
            "password = var.password",
        ),
    ),
    token(
        "symfony-default-secret",
        "Symfony",
        "default secret",
        r"(?P<secret>ThisTokenIsNotSoSecretChangeIt|ThisEzPlatformTokenIsNotSoSecret_PleaseChangeIt)",
        "",
        "make cookies and links that the application trusts, since it is the same everywhere",
        "symfony-default-secret",
        severity="medium",
        summary="Symfony's default secret, which everybody knows",
        mend="Change it in the settings of the application",
        bad=("APP_SECRET=ThisTokenIsNotSoSecretChangeIt\n",),
        good=("APP_SECRET=%env(APP_SECRET)%\n",),
        plain=True,
    ),
)
