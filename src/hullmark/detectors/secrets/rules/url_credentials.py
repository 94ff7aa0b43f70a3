"""Credentials in URLs and in the headers of requests.

Formats: RFC 3986 3.2.1 (user information) and 3.4 (query), RFC 7617 (Basic), RFC 6750 (Bearer).
"""

import base64
import binascii
import re

from hullmark.detectors.secrets._generic import READ, generic
from hullmark.detectors.secrets.values import is_random, reason_it_is_none

_QUERY = (
    r"auth|auth[_-]?(?:key|token|code)|authorization|api[_-]?key|api[_-]?token|access[_-]?(?:key|token)|token|id[_-]?token|refresh[_-]?token|private[_-]?token|job[_-]?token|secret|"
    r"secret[_-]?key|client[_-]?secret|app[_-]?(?:key|secret)|appid|sig|signature|x-amz-signature|x-goog-signature|sas|key|apikey|subscription[_-]?key|license[_-]?key|credentials?|"
    r"session[_-]?(?:id|token)|sid|jwt|hash[_-]?key|code"
)
_QUERY_WORD = r"passw(?:or)?d|pwd|pass|passphrase"
_PLAIN_PART = re.compile(r"[a-z]*[0-9]{0,3}|[A-Z]+[0-9]{0,3}")
_SHORT_HEX = re.compile(r"[0-9]*[a-f][0-9a-f]{11,}|[0-9]*[A-F][0-9A-F]{11,}")


def _is_key(value: str) -> bool:
    return is_random(value) or (
        _SHORT_HEX.fullmatch(value) is not None
        and len(set(value)) >= 6
        and any(sign.isdigit() for sign in value)
    )


def _is_url_password(value: str) -> bool:
    """Tell whether a value is more than a plain word with a number behind it, which is what documentations write: `user:pass123@host`."""
    return (
        len(value) >= 4
        and _PLAIN_PART.fullmatch(value) is None
        and len(set(value)) >= 4
        and value != "x-oauth-basic"
    )


def _is_basic(value: str) -> bool:
    """Base64 of `user:password`, with a password that may be one."""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return False
    user, colon, password = text.partition(":")
    if not (colon and text.isprintable() and len(password) >= 4) or reason_it_is_none(password):
        return False
    return _PLAIN_PART.fullmatch(password) is None and not reason_it_is_none(user, generic=False)


_WHY_URL = "URLs end up in histories, logs and error messages, and everybody who can pull the image can use what this one holds."

RULES = (
    generic(
        "url-password",
        "A URL holds a user's password",
        r"\b(?:[a-z][a-z0-9+.-]{1,24})://[^\s/:@\"'`<>\x00]{0,64}:(?P<secret>[^\s/@\"'`<>\x00]{4,128})@[\w.\[-]{1,253}",
        valid=_is_url_password,
        why=_WHY_URL,
        bad=(
            "DATABASE_URL=postgres://shop:T<<alnum:10>>@db:5432/shop",
            "git clone https://build:s3cr3t-<<lower:4>>@git.shop.test/x.git",
            "redis://:<<alnum:20>>@cache:6379/0",
            "amqp://app:Rab8<<lower:3>>!@mq",
        ),
        good=(
            "postgres://user:password@localhost/db",
            "https://user:pass@host/",
            "mysql://root:${PW}@db/x",
            "http://a:8080/b@c",
            "mongodb://<user>:<password>@host",
            "https://user:pass123@proxy",
            "ssh://git@host:2222/x@1",
            "proxy=http://USER:PASS@proxy:3128",
        ),
        same_as=("kingfisher.uri.1",),
    ),
    generic(
        "url-user-token",
        "A URL holds a token as its user",
        r"\bhttps?://(?P<secret>[A-Za-z0-9_-]{20,128})(?::(?:x-oauth-basic)?)?@[\w.-]{3,253}",
        valid=is_random,
        why=_WHY_URL,
        bad=(
            "git clone https://<<hex:40>>@git.shop.test/x.git",
            "https://<<alnum:36>>:x-oauth-basic@git.shop.test/x",
        ),
        good=(
            "https://some-user-name-of-several-words@host/",
            "https://${TOKEN}@host/x",
            "https://webpack.js.org/x@1",
        ),
    ),
    generic(
        "url-query-secret",
        "A URL holds a key or token among its parameters",
        rf"(?i:[?&](?:amp;)?(?:{_QUERY})=)(?P<secret>[A-Za-z0-9_.~%+/-]{{12,512}}={{0,2}})(?:[\"'`\s;,&<>)\\\]}}#|\x00]|$)",
        valid=_is_key,
        why=_WHY_URL,
        bad=(
            "RUN curl http://my.service/?auth=ABD54F0356FA0054",
            "RUN curl http://my.service/?auth=ABD54F0356FA005432D45D0056AF5400",
            "wget 'https://api.shop.test/v1/x?a=1&api_key=<<hex:32>>'",
            "https://shop.blob.core.windows.net/c?sv=2022-11-02&sig=<<alnum:41>>%2B0%3D",
            "https://shop.test/?token=<<alnum:24>>&x=1",
        ),
        good=(
            "curl http://my.service/?auth=$AUTH",
            "https://shop.test/?token=YOUR_TOKEN_GOES_HERE",
            "https://shop.test/?key=some-article-name",
            "https://shop.test/?auth=true&sort=name",
            "https://shop.test/?api_key={api_key}",
            "https://shop.test/?code=200&sig=verification",
        ),
    ),
    generic(
        "url-query-password",
        "A URL holds a password among its parameters",
        rf"(?i:[?&](?:amp;)?(?:{_QUERY_WORD})=)(?P<secret>[^\s\"'`&<>;,#\\)\x00]{{6,128}})",
        valid=lambda value: _is_url_password(value) and any(sign.isdigit() for sign in value),
        why=_WHY_URL,
        bad=(
            "jdbc:mysql://db/shop?user=app&password=T<<alnum:11>>",
            "http://shop.test/login?pwd=s3<<lower:6>>9x",
        ),
        good=(
            "jdbc:mysql://db/shop?user=app&password=${PW}",
            "http://shop.test/?password=secret",
            "http://shop.test/?pass=%s",
        ),
    ),
    generic(
        "authorization-basic",
        "A request's header holds a user's password",
        r"(?i:authorization[\"'`]?[ \t]{0,4}[:=,][ \t]{0,4}[\"'`]?basic[ \t]{1,4})(?P<secret>[A-Za-z0-9+/]{12,512}={0,2})(?:[\"'`\s;,&<)\\\]}\x00]|$)",
        valid=_is_basic,
        bad=(
            'curl -H "Authorization: Basic YXBwOlI3eFFhOTJiTHo="',
            "'Authorization': 'Basic YnVpbGQ6VHIwdWI0ZG9yJjM='",
        ),
        good=(
            "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "Authorization: Basic dXNlcjpwYXNzd29yZA==",
            "Authorization: Basic $CREDENTIALS",
        ),
        same_as=("curl-auth-header",),
    ),
    generic(
        "authorization-token",
        "A request's header holds a token",
        r"(?i:authorization[\"'`]?[ \t]{0,4}[:=,][ \t]{0,4}[\"'`]?(?:bearer|token|apikey|key|splunk|genie[_-]?key|sso-key|api-key)[ \t]{1,4})(?P<secret>[\w.~+/-]{16,1024}={0,2})(?:[\"'`\s;,&<)\\\]}\x00]|$)",
        valid=is_random,
        bad=('curl -H "Authorization: Bearer <<alnum:40>>"', "Authorization: Token <<hex:40>>"),
        good=(
            "Authorization: Bearer $TOKEN",
            'headers["Authorization"] = "Bearer your-access-token-here"',
            "Authorization: Bearer mF_9.B5f-4.1JqM",
        ),
        same_as=("curl-auth-header",),
    ),
    generic(
        "key-header",
        "A request's header holds a key",
        r"(?i:\b(?:x-[a-z-]{0,24}(?:key|token|secret|auth)|private-token|deploy-token|job-token|[a-z-]{0,24}api-key|auth-token)[\"'`]?[ \t]{0,4}:[ \t]{0,4}[\"'`]?)(?P<secret>[\w.~+/-]{16,512}={0,2})(?:[\"'`\s;,&<)\\\]}\x00]|$)",
        valid=is_random,
        why=READ,
        bad=(
            "curl -H 'X-Api-Key: <<hex:32>>' https://api.shop.test",
            'wget --header="PRIVATE-TOKEN: <<alnum:26>>"',
        ),
        good=(
            "curl -H 'X-Api-Key: $KEY' https://api.shop.test",
            "X-Auth-Token: the-token-of-the-session",
            "x-csrf-token: <<alnum:32>>",
        ),
        same_as=("curl-auth-header",),
    ),
)
