"""Where a secret stands, and what that says of it: test data, documentation, comments, source code, an image's environment.

A place never makes a secret surer, it only lowers the confidence, and says why. What is skipped altogether are places where
what looks like a secret is known to be none.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.secrets.rule import SecretRule
from hullmark.model.rule import Confidence

_TESTS = re.compile(
    r"(?:\A|/)(?:tests?|testing|testdata|testutils?|test[_-]data|test[_-]?suites?|testsuite|test[_-]?(?:certs?|keys?|pki|tls|ssl)|__tests__|__mocks__|specs?|fixtures?|mocks?|e2e|examples?|samples?|demos?|snippets|playground|cassettes|golden|"
    r"integration[_-]tests?|unit[_-]?tests?|sandbox|benchmarks?|stories|templates?|skel|test_\w+|\w+_tests?|tests?-\w+|\w+-tests?)/|"
    r"(?:\A|/)(?:conftest|test_[^/]*|tests?|example[^/]*|sample[^/]*|mock[^/]*|fixtures?[^/]*)\.[^/]*\Z|[._-](?:tests?|spec|examples?|samples?|mocks?|fixtures?|dist|template|tmpl|default|stories|e2e)(?:\.\w{1,10}){0,2}\Z|"
    r"(?:Tests?|TestCase|Spec|Mock|Example)\.(?:java|kt|scala|cs|groovy|php|swift)\Z",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"(?:config\.(?:Env|Labels|Cmd|Entrypoint)|history)(?:\.[^/]*)?\Z")
_DOCUMENTS = re.compile(
    r"(?:\A|/)(?:docs?|documentation|man|info|licen[cs]es|help|tutorials?|guides?|gtk-doc|javadoc|website|changelogs?|swagger|openapi)/|"
    r"(?:\A|/)(?:README|CHANGE(?:S|LOG)|HISTORY|NEWS|INSTALL|CONTRIBUTING|LICEN[CS]E|COPYING|NOTICE|AUTHORS|FAQ|HACKING|UPGRAD\w+)(?:[._-][^/]*)?\Z|(?:swagger|openapi)[^/]*\.(?:json|ya?ml)\Z|"
    r"\.(?:md|mdx|rst|adoc|asciidoc|textile|html?|xhtml|tex|texi|pod|[1-8](?:\.gz)?|ipynb|org|svg|d\.ts|pot?|xlf|xliff|arb|resx|strings|lang|dtd|xsd|rng)\Z",
    re.IGNORECASE,
)
_LOCALES = re.compile(
    r"(?:\A|/)(?:locales?|i18n|l10n|lang|langs|languages?|translations?|messages|nls|[a-z]{2}_[A-Z]{2})/|messages?[._][^/]*\Z|\b(?:lang|locale)[._-][^/]*\.(?:json|ya?ml|php|js|properties)\Z"
)
_PACKAGED = re.compile(
    r"(?:\A|/)(?:node_modules|site-packages|dist-packages|vendor|bower_components|third[_-]party|gems|perl5|\.cargo/registry|pkg/mod|jspm_packages|usr/include|usr/share(?!/nginx/html)|usr/lib|usr/libexec|usr/local/go)/"
)
_CACHED = re.compile(r"(?:\A|/)(?:pkg/mod|\.?cargo/registry)/")
_SOURCE = re.compile(
    r"\.(?:py[iwx]?|pyx|js|jsx|mjs|cjs|ts|tsx|vue|svelte|go|rs|rb|rake|gemspec|java|kt|kts|scala|groovy|clj[cs]?|cs|vb|fs|c|cc|cpp|cxx|h|hh|hpp|hxx|m|mm|swift|php\d?|phtml|inc|pl|pm|t|lua|r|jl|ex|exs|erl|"
    r"hs|ml|mli|dart|elm|nim|zig|d|f90|tcl|el|lisp|scm|vim|proto|thrift|graphql|css|scss|less|rego|jinja2?|j2|tmpl|tpl|erb|ejs|hbs|mustache|gotmpl|in|am|ac|m4|cmake|pyc|class|ps)\Z",
    re.IGNORECASE,
)
_SAYS_EXAMPLE = re.compile(
    r"(?i)\b(?:e\.g\.|examples?(?!\.(?:com|org|net|test)\b)|sample|dummy|fake|placeholder|mock(?:ed)?|for (?:testing|tests?)|test[_-]?(?:key|token|secret|password|only|data|vector)|insecure|looks? something like|not[_ -](?:a[_ -])?(?:real|secret)|do[_ -]not[_ -]use)\b|noqa: ?S10|nosec|# ?no ?secret"
)
_COMMENT = re.compile(
    r"\A[ \t]*(?:#(?!!)|//|/\*|\*[ /]|<!--|--[ \t]|;|\"\"\"|'''|rem |%%|\.\. |>>>|\$ )", re.IGNORECASE
)

_SILENT = re.compile(
    r"(?:\A|/)(?:etc/ssl/certs|usr/share/ca-certificates|etc/pki/(?:ca-trust|tls/certs|nssdb|rpm-gpg)|usr/share/(?:keyrings|gnupg|hunspell|myspell|hyphen|mythes|dict|zoneinfo|i18n|X11|fonts|mime|unicode|perl/[\d.]+/unicore|distro-info)|"
    r"etc/apt/(?:trusted\.gpg\.d|keyrings)|etc/apk/keys|usr/share/apk/keys|var/lib/(?:apt/lists|dpkg/info|rpm)|usr/lib/sysimage|lib/apk/db|var/lib/apt|proc|sys)/"
)
_SILENT_GENERIC = re.compile(
    r"(?:[.-]min\.(?:js|mjs|cjs|css)|\.(?:js|css|mjs|cjs|ts)\.map|\.map|[.-]bundle\.js|\.chunk\.js|\.bundle\.js|(?:-lock|\.lock|\.lock\.hcl|\.sum|_lock)(?:\.json|\.ya?ml)?|npm-shrinkwrap\.json|packages\.lock\.json|\.(?:dic|aff|hyp|dict|svg|po|pot|mo|ttf|woff2?|asc|sig|gpg|pub|crt|cer|csr|crl|"
    r"pyc|whl|pem\.txt|sha\d+|md5|sums?|deps\.json|tlog|symbols|list|md5sums|sbom|spdx|cdx\.json|bcmap|wasm))\Z|/\.git/(?:objects|index|packed-refs|logs)|"
    r"(?:\A|/)(?:SHA\d*SUMS?|MD5SUMS?|CHECKSUMS?|RECORD|SHASUMS\d*(?:\.txt)?|CMakeFiles|\.yarn|\.pnp\.[cm]?js|\.package-lock\.json|InRelease|Release|Packages)\Z|"
    r"(?:\A|/)(?:hyphenation|hyph-[^/]*|spell|cspell[^/]*|wordlists?|dictionar(?:y|ies)|unicode|emoji|icons?|iana|public_suffix[^/]*)(?:/|\Z)",
    re.IGNORECASE,
)

_HARMLESS_NAME = re.compile(
    r"(?:GPG|PGP)|(?:\A|_)(?:SHA\d*|SHA\d*SUM|MD5|CHECKSUMS?|SUM|DIGEST|HASH|FINGERPRINTS?|INTEGRITY|KEY_?IDS?|KEYRING|PUBLIC_KEY|PUBKEY|URLS?|URI|ENDPOINT|VERSION|COMMIT|REVISION|REV|REF|TAG|BRANCH|PATH|FILE|DIR|HOME|HOST|"
    r"PORT|NAME|USER|USERNAME|TYPE|TTL|EXPIRY|LENGTH|ALGORITHM|PREFIX|HEADER|ENABLED?|DISABLED?|REQUIRED|POLICY|ISSUER|AUDIENCE|RELEASE|BUILD|DATE|LEVEL|MODE|DEPS)\Z|DOWNLOAD_SHA|_SHA\d+_|_SHA\d+\Z|"
    r"\A(?:PATH|LANG|LC_\w+|TZ|HOME|TERM|HOSTNAME|DEBIAN_FRONTEND|SHELL|PWD|OLDPWD|(?:MYSQL|MARIADB)_(?:RANDOM_ROOT|ALLOW_EMPTY)_\w*|ALLOW_EMPTY_PASSWORD)\Z",
    re.IGNORECASE,
)
_FINGERPRINTS = re.compile(
    r"(?:0x)?[0-9A-F]{40}(?:[\s,;]+(?:0x)?[0-9A-F]{40})*|(?:[0-9A-Fa-f]{4}\s{1,2}){9}[0-9A-Fa-f]{4}"
)
_CREDENTIALS = re.compile(r"://[^\s/@]*:[^\s/@]+@|[?&][\w-]{2,30}=")


def judged(path: str, line: str, rule: SecretRule, value: str = "") -> tuple[Confidence, str]:
    """Give the confidence that a place leaves to a rule's find, and why it is lowered.

    `line` is what stands around the value (`value` itself included), on its line.
    """
    if _IMAGE.match(path):
        return rule.confidence, ""
    return next(_doubts(path, line, rule, value), (rule.confidence, ""))


def _doubts(path: str, line: str, rule: SecretRule, value: str) -> Iterator[tuple[Confidence, str]]:
    """Give what speaks against a find, the gravest first."""
    if (found := _TESTS.search(path)) is not None:
        yield "low", f"among tests, examples or templates ({found[0].strip('/')})"
    if _DOCUMENTS.search(path):
        yield "low", "in a documentation or a text for people"
    if _SAYS_EXAMPLE.search(line.replace(value, "") if value else line):
        yield "low", "its line says that it is an example or for tests"
    if (rule.generic or rule.binary) and _PACKAGED.search("/" + path):
        yield "low", "in a package's own files, which are the same everywhere"
    if rule.confidence == "high" and _CACHED.search(path):
        yield "medium", "in the sources of others, as a registry gives them to everybody"
    if not rule.generic:
        return
    if _LOCALES.search(path):
        yield "low", "among translations"
    if _COMMENT.match(line):
        yield "low", "in a comment"
    if not rule.paths and rule.confidence == "high" and _SOURCE.search(path):
        yield "medium", "in source code, by its name alone"


def skipped(path: str, rule: SecretRule) -> bool:
    """Tell whether what a rule finds at a path is known to be none.

    Certificates that everybody trusts, package managers' keys and lists, data about languages; for rules without a known form also what is made by machines:
    lock files, checksums, minified and bundled scripts.
    """
    return _SILENT.search(path) is not None or (rule.generic and _SILENT_GENERIC.search(path) is not None)


def environment_is_harmless(name: str, value: str) -> bool:
    """Tell whether a variable of an image's environment is no secret by its name: a key's fingerprint, a checksum, an address, a version.

    An address with credentials or parameters in it is none of these.
    """
    if _FINGERPRINTS.fullmatch(value.strip()) and "KEY" in name.upper():
        return True
    return _HARMLESS_NAME.search(name) is not None and not _CREDENTIALS.search(value)
