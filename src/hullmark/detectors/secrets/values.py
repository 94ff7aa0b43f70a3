"""Whether a value that stands where a secret may stand is one: entropy, placeholders, references, and what only looks like it.

Everything here is about the value and the name before it; what the file and the line tell is in `context`. All
patterns take time in proportion to the value, which is bounded (`rule.WINDOW`).
"""

import math
import re
from collections import Counter

_DOCUMENTED = (
    # AWS and many others end theirs with EXAMPLE or EXAMPLEKEY; these are of documentations and emulators whose keys are the same everywhere.
    "eyJzdWIiOiIxMjM0NTY3ODkwI",  # jwt.io: {"sub":"1234567890"
    "4eC39HqLyjWDarjtT1zdp7dc",  # Stripe
    "BQokikJOvBiI2HlWgH4olfQ2",  # Stripe
    "TYooMQauvdEDq54NiTphI7jx",  # Stripe
    "16C7e42F292c6912E7710c838347Ae178B4a",  # GitHub
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1",  # Azurite, the emulator of Azure Storage
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEH",  # the emulator of Cosmos DB
    "QWxhZGRpbjpvcGVuIHNlc2FtZ",  # RFC 7617: Aladdin
    "QWxhZGRpbjpPcGVuU2VzYW1l",  # the same in MDN
    "dXNlcm5hbWU6cGFzc3dvcmQ",  # username:password
    "dXNlcjpwYXNz",  # user:pass, user:password
    "mF_9.B5f-4.1JqM",  # RFC 6750
    "2YotnFZFEjr1zCsicMWpAA",  # RFC 6749
    "tGzv3JOkF0XG5Qx2TlKWIA",  # RFC 6749
    "SlAV32hkKG",  # OpenID Connect Core
    "7Fjfp0ZBr1KtDRbnfVdmIw",  # RFC 6749
    "gX1fBat3bV",  # RFC 6749
)
_NEVER = re.compile(
    r"(?i:example|place[_-]?holder|change[_-]?(?:me|it|this)|replace[_-]?(?:me|with|this)|redacted|dummy|insert[_-]?your|your[_-]?(?:api|token|key|secret|pass|access|"
    r"auth|client|app|own|private|user|account|project)|lorem|n[o0]t[_-]?a?[_-]?(?:real|secret|valid)|goes[_-]?here|[_-]here\b|x{5}|\*{3}|\.{3}|…|•|12345678|"
    r"01234567|87654321|abcdefg|deadbeef|cafebabe|c0ffee|qwertyui)"
)
_FILLER = re.compile(r"_{5}|-{5}|#{4}|\?{3}")
_SAME = re.compile(r"(.)\1{7}|\A(.{1,4}?)\2{3,}\Z", re.DOTALL)
_REFERENCE = re.compile(
    r"\$\{|\$\(|\$\[|\{\{|\}\}|\{%|<%|%>|#\{|\A\$\w+\Z|\A\$\$?[A-Za-z_]\w*|\A%\w+%|\A@@?\w+@|\A__\w+__|%\(\w+\)|%\d?\$?[sdvq]\b|\A<[^>]*>?|\A\[[^\]]*\]?\Z|\A\{[^}]*\}?\Z|\{[\w.]*\}"
    r"|\A&[a-z]+;|`|\A\*\w+\Z|\A!|\A@\w+[:/]|\A(?:env|file|vault|secret|ssm|op|keyring|awskms|gcpkms|azurekms|sops|ref|config|sm|param|aws-sm|pass|cmd|exec|base64|hex|prompt|fd|stdin"
    r"|java:comp|os|process|self|this|settings|options|opts|args|params|request|req|data|values?|credentials|input|local|var|module|each|props|state|ctx|context|builder|event):?[:./(]"
)
_ENCRYPTED = re.compile(r"\A(?:ENC[(\[]|\{cipher\}|\$ANSIBLE_VAULT|!vault|AES:|\{AES|\{DES|\{AES256)")
_HASHED = re.compile(
    r"\A(?:\$(?:1|2[abxy]?|5|6|y|7|apr1|argon2\w{0,2}|pbkdf2[\w-]*|scrypt|P|H|S)\$|\{(?:S?SHA|SMD5|MD5|CRYPT|BCRYPT|PBKDF2|NOOP)\d*\}|(?:pbkdf2|bcrypt|sha\d+|md5|argon2)[_$:-])",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[(){}\[\]]|->|::|=>|==\w|&&|\|\||\A[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z|\A[\\^/(]|\\[dwsbnrtux]|[;,]\Z|\A[,:;=+|&]|\+\Z|\A-{1,2}[a-z]|\A\.{1,2}/|\A~/"
)
_PLAIN = re.compile(
    r"\A(?:v?\d+(?:\.\d+){1,4}(?:[-+.]?(?:alpha|beta|rc|dev|post|a|b)?\.?\d*)?|\d{4}-\d\d-\d\d(?:[T ][\d:.Z+-]*)?|\d\d?[:/.]\d\d?(?:[:/.]\d{2,4})?|[+-]?\d{1,9}(?:\.\d+)?"
    r"|\d{1,6}(?:ms|s|m|h|d|px|em|rem|%|[kmg]i?b?)|#[0-9a-fA-F]{3,8}|0x[0-9a-fA-F]{1,8}|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\Z"
)
_PUBLIC = re.compile(
    r"\A(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2|AAAA[BEC]3Nza|-----BEGIN (?:PUBLIC|RSA PUBLIC|CERT|PGP PUBLIC)|MII[A-Z][A-Za-z0-9]{3}ANBgkqhkiG9w0BAQEFAAOC|MFkwEwYHKoZI|data:|iVBORw0KGgo|/9j/4|R0lGODlh|PHN2Zy|d09GM|arn:|sha(?:1|256|384|512)[-:])"
)
_ADDRESS = re.compile(r"\A[a-z][a-z0-9+.-]{1,30}:/{1,3}(?![^/\s]*:[^/\s]+@)", re.IGNORECASE)
_PATH = re.compile(
    r"\A(?:[A-Za-z]:\\|\.{0,2}/|[\w.-]+(?:/[\w.-]+)+\.[a-z]{2,5}\Z)|\.(?:pem|key|crt|cer|p12|pfx|jks|txt|json|ya?ml|php|html?|js|ts|py|rb|go|java|conf|cfg|ini|properties|png|svg|css)\Z"
)

# Words of which placeholders, defaults and texts about secrets are made. What is left without them is the value's own part.
_WORDS = re.compile(
    r"(?:password|passwd|passphrase|passwort|passord|wachtwoord|contrasena|contraseña|senha|passcode|authorization|authentication|credentials?|development|production|"
    r"administrator|placeholder|undefined|required|optional|disabled|enabled|localhost|anonymous|database|postgres|username|register|encrypted|encryption|decrypt|"
    r"private|account|session|replace|default|invalid|missing|unknown|nothing|confirm|current|example|service|refresh|generate|secrets?|tokens?|mysql|mariadb|redis|"
    r"mongo|rabbit|guest|client|access|master|update|remove|delete|change|insert|sample|string|object|number|verify|forgot|random|public|bearer|basic|digest|"
    r"signin|signup|signing|login|logon|local|value|valid|wrong|right|empty|hello|world|super|admin|apikey|reset|enter|please|input|field|label|hidden|shared|"
    r"false|dummy|tests?|testing|users?|names?|passes|pass|keys?|auth|root|null|none|true|todo|fixme|fake|mock|temp|type|text|here|this|that|your|mine|some|with|"
    r"from|must|have|will|need|when|what|only|same|long|good|best|demo|stub|foo|bar|baz|qux|api|app|new|old|the|and|for|not|pwd|tbd|xyz|abc|asdf|qwerty|str|int|"
    r"bool|obj|url|uri|id|my|is|to|of|in|on|me|it|db|an?|no|yes|ok)",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[\W_]+")
_LITTLE = re.compile(r"[a-zA-Z]?\d{0,4}[a-zA-Z]?")
_HUMP = re.compile(r"[A-Z][a-z]{3,}|[a-z]{4,}|[A-Z]{4,}")
_CHANGE = re.compile(r"(?=[A-Z][a-z0-9]|[a-z][A-Z0-9]|[0-9][A-Za-z])")
_PAIR = re.compile(r"(?=[A-Za-z0-9]{2})")
_VOWELS = frozenset("aeiouy")
# The 231 commonest pairs of letters in 9,303 words that occur in identifiers of Python's and Go's standard libraries: a letter and those that follow it.
_NEIGHBOURS = frozenset(
    group[0] + second
    for group in (
        "abcdgiklmnprstuvy",
        "baeilorsu",
        "cacehiklorstu",
        "dadeilorsu",
        "eacdefglmnprstvwx",
        "faefiloru",
        "gaehinorsu",
        "haeiort",
        "iabcdefglmnoprstvz",
        "keis",
        "ladeilostuy",
        "mabeimopsu",
        "nacdefgiklnostuv",
        "obcdfgilmnoprstuvw",
        "paeiloprstuy",
        "qu",
        "racdegiklmnorstuy",
        "sacehilopstuy",
        "tacehiloprstuy",
        "uabceilmnprst",
        "vaei",
        "waei",
        "xpt",
        "yps",
        "ze",
    )
    for second in group[1:]
)
_HEX = re.compile(r"\A(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)\Z")
_BASE64 = re.compile(r"\A[A-Za-z0-9+/_-]+={0,2}\Z")
_UUID = re.compile(r"\A[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_IDENTIFIER = re.compile(r"\A[^\W\d_]+(?:[-_.: /+]+[^\W\d_]+)*[-_.]?[0-9]{0,4}\Z")

_PUBLIC_NAME = re.compile(
    r"(?i:check[_-]?sum|digest|fingerprint|thumb[_-]?print|integrity|e[_-]?tag|sha[_-]?\d{1,3}\b|md5|public[_-]?key|pub[_-]?key|gpg[_-]|pgp[_-]|csrf[_-]?token|xsrf|page[_-]?token|next[_-]?token|"
    r"continuation|cursor|token[_-]?(?:type|url|uri|name)|site[_-]?key|cache[_-]?key|sort[_-]?key|primary[_-]?key|foreign|storage[_-]?key|idempotency|translation|i18n|"
    r"placeholder|label|title|error|message|pattern|regex|format|invalid|no[_-]?pass|without|request[_-]?token|change[_-]?token|::)[\w.-]{0,40}[\"'\]]{0,2}[ \t]{0,4}(?:=|:|=>|:=|,|>)?[ \t\"'`>]{0,8}\Z"
)


def entropy(text: str) -> float:
    """Give the Shannon entropy of a text in bits a sign: 0 for one sign repeated, 4 at most for hex digits, 6 for base64."""
    size = len(text)
    return sum(count / size * math.log2(size / count) for count in Counter(text).values()) + 0.0


def reason_it_is_none(value: str, *, generic: bool = True, before: str = "") -> str:
    """Say why a value is no secret: "" where it may be one.

    A value of a known form (not `generic`) is none only where it is a documented example or an obvious filler. One that was found by the name before
    it (`before` is the line up to the value) may be anything else: a reference to where the secret is kept, a word, a date, code.
    """
    reason = _known(value)
    if reason or not generic:
        return reason
    if _PUBLIC_NAME.search(before[-200:]):
        return "its name says that it is public"
    if len(_SIGNS.sub("", _WORDS.sub("", value))) < 2:
        return "a placeholder"
    return next((reason for pattern, reason in _REASONS if pattern.search(value)), "")


def _known(value: str) -> str:
    if not value.strip():
        return "empty"
    if any(known in value for known in _DOCUMENTED):
        return "a value from a documentation, the same for everybody"
    return "a placeholder" if _NEVER.search(value) or _SAME.search(value) else ""


_REASONS = (
    (_FILLER, "a placeholder"),
    (_ENCRYPTED, "encrypted"),
    (_HASHED, "a hash of a password"),
    (_PUBLIC, "public by its form"),
    (_REFERENCE, "a reference to where the value is kept"),
    (_ADDRESS, "an address without credentials"),
    (_PLAIN, "a number, date, version, address or name of a constant"),
    (_PATH, "a path"),
)


def _own_part(value: str) -> str:
    """Give what is left of a value without common words, signs between them and up to four digits behind them."""
    rest = _SIGNS.sub("", _WORDS.sub("", value))
    return "" if _LITTLE.fullmatch(rest) else rest


def is_code(value: str) -> bool:
    """Tell whether a value that stands without quotes is an expression of a programming language rather than a text."""
    return _CODE.search(value) is not None


def is_name(value: str) -> bool:
    """Tell whether a value is one or several words (an identifier, a key of a translation, a sentence), with two digits behind it at most."""
    return _IDENTIFIER.match(value) is not None and _wordy(value)


def is_random(value: str) -> bool:
    """Tell whether a value of at least 12 signs was drawn by a machine: hex or base64, hardly any part of which can be pronounced."""
    if len(value) < 12 or (is_code(value) and not _BASE64.match(value)):
        return False
    if _UUID.match(value):
        return len(set(value)) > 8
    if _HEX.match(value):
        return len(value) >= 16 and len(set(value)) >= 6 and not value.isdecimal() and not value.isalpha()
    kinds = _kinds(value)
    if kinds["digit"] == 0 and not (
        _restless(value) or (len(value) >= 24 and kinds["upper"] and kinds["lower"])
    ):
        return False
    letters = kinds["upper"] + kinds["lower"]
    return (
        letters >= 2
        and (_restless(value) or not _wordy(value))
        and entropy(value) >= 0.6 * math.log2(len(value)) + 0.3
    )


def is_strong_password(value: str) -> bool:
    """Tell whether a value leaves no doubt that it is meant as a password: random, or of three kinds of signs and not common words."""
    if is_random(value):
        return True
    if len(value) < 8 or is_code(value) or len(set(value)) < 6:
        return False
    kinds = _kinds(value)
    return (
        sum(count > 0 for count in kinds.values()) >= 3 and len(_own_part(value)) >= 5 and not is_name(value)
    )


def is_password(value: str) -> bool:
    """Tell whether a value may be a password that a person chose: no code, and not just words."""
    one_word = value.isalpha() and value[1:].islower()
    return len(value) >= 6 and len(set(value)) >= 4 and not (one_word or is_code(value) or is_name(value))


def _kinds(value: str) -> dict[str, int]:
    """Count the signs of a value by kind."""
    kinds = {"upper": 0, "lower": 0, "digit": 0, "other": 0}
    for sign in value:
        kinds[
            "upper"
            if sign.isupper()
            else "lower"
            if sign.islower()
            else "digit"
            if sign.isdigit()
            else "other"
        ] += 1
    return kinds


def _restless(value: str) -> bool:
    """Tell whether capitals, small letters and digits change as often as in what is drawn: at two of five neighbours, in a camelCase name at one of four."""
    return len(_CHANGE.findall(value)) >= 0.42 * max(len(_PAIR.findall(value)), 1)


def _wordy(value: str) -> bool:
    """Tell whether most letters of a value stand in parts that can be pronounced, as those of identifiers do."""
    letters = sum(sign.isalpha() for sign in value)
    spoken = sum(len(part) for part in _HUMP.findall(value) if _spoken(part) or _WORDS.fullmatch(part))
    return letters == 0 or spoken >= 0.6 * letters


def _spoken(part: str) -> bool:
    """Tell whether four of five neighbours in a part of letters are often neighbours in words."""
    lower = part.lower()
    common = sum(pair in _NEIGHBOURS for pair in map(str.__add__, lower, lower[1:]))
    return common >= 0.8 * (len(lower) - 1) and not _VOWELS.isdisjoint(lower)
