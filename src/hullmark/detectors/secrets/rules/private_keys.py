"""Private keys in their forms: PEM, OpenSSH, PGP, PuTTY, age, JSON web keys. Certificates and public keys are none."""

from hullmark.detectors.secrets import _keys, _valid
from hullmark.detectors.secrets._token import token

_IMPERSONATE = "pass themselves off as the one that the key belongs to, and read what was meant for it"
_REPLACE = "Revoke it at the servers and certificates that trust it"
_LABELS = "(?:RSA |EC |DSA |OPENSSH |ANY |SSH2 |SSH2 ENCRYPTED |ENCRYPTED )?"
_BEGIN = rf"-----BEGIN {_LABELS}PRIVATE KEY-----"
# As much as fits into a match; a longer key is told by how it begins.
_MOST = 3900


def _pem(label: str, kind: str, length: int, headers: str = "") -> str:
    return f"-----BEGIN {label}-----\n{headers}<<{kind}:{length}>>\n-----END {label}-----\n"


RULES = (
    token(
        "private-key",
        "Private key",
        "",
        rf"(?P<secret>{_BEGIN}[^-]{{60,{_MOST}}}-)",
        "",
        _IMPERSONATE,
        "+private-key",
        severity="critical",
        entropy=3.5,
        valid=_keys.plain,
        binary=True,
        mend=_REPLACE,
        bad=(
            _pem("RSA PRIVATE KEY", "der", 600),
            _pem("PRIVATE KEY", "der", 140),
            _pem("EC PRIVATE KEY", "der", 118),
            _pem("OPENSSH PRIVATE KEY", "openssh", 320),
            'key: "-----BEGIN PRIVATE KEY-----\\n<<der:140>>\\n-----END PRIVATE KEY-----\\n"',
        ),
        good=(
            _pem("CERTIFICATE", "der", 600),
            _pem("PUBLIC KEY", "der", 140),
            _pem("RSA PUBLIC KEY", "der", 140),
            _pem("ENCRYPTED PRIVATE KEY", "cipher", 600),
            _pem("OPENSSH PRIVATE KEY", "keptssh", 320),
            _pem("RSA PRIVATE KEY", "base64", 600),
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA...\n-----END RSA PRIVATE KEY-----\n",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA<<base64:43>> a@b",
        ),
    ),
    token(
        "long-private-key",
        "Private key of more than 4,096 bits",
        "",
        rf"(?P<secret>{_BEGIN}[^-]{{{_MOST}}})",
        "",
        _IMPERSONATE,
        "",
        severity="critical",
        entropy=3.5,
        valid=_keys.plain,
        binary=True,
        mend=_REPLACE,
        bad=(_pem("RSA PRIVATE KEY", "der", 4700),),
        good=(_pem("RSA PRIVATE KEY", "der", 2400), _pem("CERTIFICATE", "der", 4700)),
    ),
    token(
        "encrypted-private-key",
        "Private key",
        "",
        rf"(?P<secret>{_BEGIN}(?:[^-]{{60,{_MOST}}}-|[\s\\nr]{{1,6}}Proc-Type: 4,ENCRYPTED[\s\\nr]{{1,6}}DEK-Info: [\w-]{{5,20}},[0-9A-F]{{16,32}}[^-]{{60,{_MOST}}}-))",
        "",
        "try passphrases for as long as they like",
        "",
        severity="low",
        confidence="medium",
        entropy=3.5,
        valid=_keys.encrypted,
        summary="Private key that nothing but a passphrase protects",
        mend=_REPLACE,
        bad=(
            _pem("ENCRYPTED PRIVATE KEY", "cipher", 600),
            _pem("OPENSSH PRIVATE KEY", "keptssh", 320),
            _pem(
                "RSA PRIVATE KEY",
                "base64",
                600,
                "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,<<HEX:32>>\n\n",
            ),
        ),
        good=(_pem("RSA PRIVATE KEY", "der", 600), _pem("ENCRYPTED PRIVATE KEY", "base64", 600)),
    ),
    token(
        "private-key-base64",
        "Private key",
        "",
        r"(?P<secret>LS0tLS1CRUdJTi[A-Za-z0-9+/]{100,3900}={0,2})(?:[^\w+/=]|$)",
        "",
        _IMPERSONATE,
        "",
        severity="critical",
        entropy=3.5,
        valid=_keys.plain64,
        binary=True,
        summary="Private key in base64, which hides nothing",
        mend=_REPLACE,
        bad=("client-key-data: <<pem64:300>>\n",),
        good=("certificate-authority-data: <<cert64:300>>\n",),
    ),
    token(
        "pgp-private-key",
        "PGP private key",
        "",
        rf"(?P<secret>-----BEGIN PGP PRIVATE KEY BLOCK-----[^-]{{60,{_MOST}}}-)",
        "",
        "sign in its owner's name, and read what was encrypted for them, unless a passphrase protects it",
        "",
        valid=_keys.pgp,
        binary=True,
        mend="Revoke it at the key servers that have its public key",
        bad=(
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n<<secretkey:600>>\n=<<base64:4>>\n-----END PGP PRIVATE KEY BLOCK-----\n",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n<<secretkey:600>>\n-----END PGP PRIVATE KEY BLOCK-----\n",
        ),
        good=(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n<<publickey:600>>\n-----END PGP PUBLIC KEY BLOCK-----\n",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n<<publickey:600>>\n-----END PGP PRIVATE KEY BLOCK-----\n",
        ),
    ),
    token(
        "putty-private-key",
        "PuTTY private key",
        "",
        r"PuTTY-User-Key-File-[1-3]: [\w@.-]{3,40}\r?\nEncryption: none\r?\nComment: [^\r\n]{0,200}\r?\nPublic-Lines: [0-9]{1,3}\r?\n"
        r"[A-Za-z0-9+/=\r\n]{40,2600}Private-Lines: [0-9]{1,3}\r?\n(?P<secret>[A-Za-z0-9+/]{40,64}={0,2})(?:\r?\n|$)",
        "",
        _IMPERSONATE,
        "",
        severity="critical",
        entropy=3.5,
        binary=True,
        mend=_REPLACE,
        bad=(
            (
                "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: a\nPublic-Lines: 2\nAAAAC3NzaC1lZDI1NTE5AAAAIB<<base64:38>>\n"
                "<<base64:16>>\nPrivate-Lines: 1\n<<base64:47>>=\nPrivate-MAC: <<hex:64>>\n"
            ),
        ),
        good=(
            (
                "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nComment: a\nPublic-Lines: 2\nAAAAC3NzaC1lZDI1NTE5AAAAIB<<base64:38>>\n"
                "<<base64:16>>\nKey-Derivation: Argon2id\nPrivate-Lines: 1\n<<base64:47>>=\n"
            ),
        ),
    ),
    token(
        "age-secret-key",
        "age secret key",
        "",
        "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
        "<<age:52>>",
        "read what was encrypted for it",
        "+age-secret-key",
        valid=_valid.bech32,
        binary=True,
        mend="Encrypt for another key what was encrypted for this one",
        good=(
            "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0JQQQQQQQQQ",
            "age1<<lower:58>>",
        ),
    ),
    token(
        "json-web-private-key",
        "Private JSON web key",
        "",
        r"(?P<secret>\"kty\"\s{0,3}:\s{0,3}\"(?:RSA|EC|OKP)\"[^{}]{1,2500}\"d\"\s{0,3}:\s{0,3}\"[\w-]{43,1400}\"|"
        r"\"d\"\s{0,3}:\s{0,3}\"[\w-]{43,1400}\"[^{}]{1,2500}\"kty\"\s{0,3}:\s{0,3}\"(?:RSA|EC|OKP)\")",
        "",
        "sign tokens in its owner's name",
        "",
        severity="critical",
        entropy=4.0,
        mend="Take it out of the keys that are trusted",
        bad=(
            '{"kty":"EC","crv":"P-256","x":"<<base64url:43>>","y":"<<base64url:43>>","d":"<<base64url:43>>"}',
            '{"d": "<<base64url:43>>", "kty": "OKP", "crv": "Ed25519"}',
        ),
        good=('{"kty":"EC","crv":"P-256","x":"<<base64url:43>>","y":"<<base64url:43>>"}',),
    ),
    token(
        "json-web-secret-key",
        "Symmetric JSON web key",
        "",
        r"\"kty\"\s{0,3}:\s{0,3}\"oct\"[^{}]{1,600}\"k\"\s{0,3}:\s{0,3}\"(?P<secret>[\w-]{22,700})\"",
        "",
        "sign and read tokens in its owner's name",
        "",
        mend="Take it out of the keys that are trusted",
        bad=('{"kty":"oct","alg":"HS256","k":"<<base64url:43>>"}',),
        good=('{"kty":"oct","alg":"HS256"}',),
    ),
)
