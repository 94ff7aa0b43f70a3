"""The one registry client: signing in, manifests, blobs.

Formats: the OCI distribution specification 1.1 (pull) and Docker's token authentication (distribution,
`spec/auth/token.md` and `oauth.md`). What pushes or asks for referrers sends its requests through
`Registry.send` as the pull side here does.
"""

import base64
import contextlib
import re
import threading
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from hullmark.images import _oci, wire
from hullmark.images.credentials import Credentials, Search, find
from hullmark.images.reference import Reference
from hullmark.images.source import SourceOptions
from hullmark.images.transport import UnreachableError, is_insecure, is_loopback, origin_of
from hullmark.model.errors import ImageError
from hullmark.model.image import DIGEST
from hullmark.model.printable import cleaned

if TYPE_CHECKING:
    import httpx2

_TOKEN_BYTES = 1024 * 1024
_ERROR_BYTES = 64 * 1024
_RESUMES = 6
PUSH = "pull,push"
_PIECE_BYTES = 8 * 1024 * 1024
_PROGRESS_BYTES = 4 * 1024 * 1024
_SIGNED = "application/vnd.docker.distribution.manifest.v1"
_CHALLENGE = re.compile(
    r'[\s,]*([A-Za-z0-9!#$&^_.+-]{1,40})(?:\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s,"]*)))?'
)


# ── signing in ──────────────────────────────────────────────────────────────────────────────────────────


class Challenge(NamedTuple):
    """One way to authenticate that a server offers in `WWW-Authenticate` (RFC 9110, 11.6.1)."""

    scheme: str
    parameters: dict[str, str]


def challenges(header: str) -> list[Challenge]:
    """Read the challenges of one or more joined `WWW-Authenticate` headers; stops at what it cannot read."""
    found: list[Challenge] = []
    at = 0
    header = header[:16_384]
    while match := _CHALLENGE.match(header, at):
        at = match.end()
        word, quoted, plain = match.groups()
        if quoted is None and plain is None:
            found.append(Challenge(word.lower(), {}))
        elif found:
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1].parameters.setdefault(word.lower(), value)
    return found


class _Token(Struct):
    token: str = ""
    access_token: str = ""


class _Problem(Struct):
    code: str = ""
    message: str = ""


class _Problems(Struct):
    errors: list[_Problem] = []


class Document(NamedTuple):
    """A manifest or index as the registry gave it, its digest computed from its bytes."""

    body: bytes
    digest: str
    media_type: str


class Readable(Protocol):
    """What gives the bytes of a blob in order."""

    def read(self, size: int, /) -> bytes:
        """Give so many, fewer only at the end."""
        ...


# ── the client ──────────────────────────────────────────────────────────────────────────────────────────


class Registry:
    """Talks to one registry; safe to use from several threads. Raises `ImageError` for all that goes wrong."""

    def __init__(self, reference: Reference, options: SourceOptions) -> None:
        self.host = reference.host
        self.address = reference.address
        self.options = options
        self.wire = wire.Wire(options)
        self._base = ""
        self._challenge: Challenge | None = None
        self._tokens: dict[tuple[str, str], str] = {}
        self._searches: dict[str, Search] = {}
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close every connection."""
        self.wire.close()

    @property
    def base(self) -> str:
        """The URL that the registry was reached at; empty before."""
        return self._base

    # what is there

    def manifest(self, reference: Reference, digest: str = "") -> Document:
        """Fetch the manifest or index that a reference, or a digest in its repository, names; checked."""
        wanted = digest or reference.wanted
        limit = self.options.limits.document_bytes
        with self._got(reference, "GET", f"manifests/{wanted}", {"Accept": ", ".join(_oci.ACCEPT)}) as answer:
            if answer.status_code == 404:
                raise self._missing(reference, wanted, answer)
            self.check(reference, answer)
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            stated = answer.headers.get("docker-content-digest", "")
            body = self.body(reference, answer, limit)
        if kind.startswith(_SIGNED):
            raise ImageError(
                "Docker's image manifest version 1 is not supported",
                where=reference.text,
                hint="push it again",
            )
        for claim in (stated, wanted if DIGEST.fullmatch(wanted) else ""):
            if claim:
                _oci.verified(body, _oci.Descriptor(digest=claim), reference.text)
        actual = wanted if DIGEST.fullmatch(wanted) else _oci.digest_of(body)
        return Document(body, actual, kind)

    def resolve(self, reference: Reference, *, actions: str = "pull") -> str:
        """Give the digest that a tag points to now, as the registry says it; empty where there is no such tag.

        Who is going to write asks with `PUSH`: some registries deny that there is anything to read in a repository that is not there yet.
        """
        headers = {"Accept": ", ".join(_oci.ACCEPT)}
        path = f"manifests/{reference.wanted}"
        with contextlib.closing(
            self.send("HEAD", path, reference, actions=actions, headers=headers)
        ) as answer:
            if answer.status_code == 404:
                return ""
            self.check(reference, answer)
            digest = str(answer.headers.get("docker-content-digest", ""))
        return digest if DIGEST.fullmatch(digest) else self.manifest(reference).digest

    def document(self, reference: Reference, descriptor: _oci.Descriptor) -> bytes:
        """Fetch a small blob whole (a configuration); its digest is the caller's to check."""
        limit = self.options.limits.document_bytes
        parts, size = [], 0
        for part in self.blob(reference, descriptor):
            size += len(part)
            if size > limit:
                raise ImageError(f"{descriptor.digest} is larger than {limit} bytes", where=reference.text)
            parts.append(part)
        return b"".join(parts)

    def blob(self, reference: Reference, descriptor: _oci.Descriptor) -> Iterator[bytes]:
        """Stream a blob as it is stored. A connection that breaks is taken up again where it broke.

        Never gives more bytes than the descriptor says; the digest is the reader's to check.
        """
        import httpx2

        size, offset, broken, mark = descriptor.size, 0, 0, 0
        while True:
            lost: httpx2.TransportError | None = None
            with self._blob_from(reference, descriptor, offset) as (answer, parts):
                try:
                    for part in parts:
                        offset += len(part)
                        if 0 <= size < offset:
                            raise ImageError(
                                f"{descriptor.digest} has more than its {size} bytes", where=reference.text
                            )
                        yield part
                except httpx2.TransportError as problem:
                    lost = problem
                if offset == size or (lost is None and size < 0):
                    return
                broken = 1 if offset - mark >= _PROGRESS_BYTES else broken + 1
                mark = offset
                if lost is None and (broken > _RESUMES or not _is_open_ended(answer)):
                    raise ImageError(
                        f"{descriptor.digest} has {offset} bytes, not {size}", where=reference.text
                    )
                if lost is not None and (broken > _RESUMES or isinstance(lost, httpx2.TimeoutException)):
                    raise self._unreachable(reference, answer, lost) from lost
            wire.pause(wire.backoff_s(broken))

    @contextlib.contextmanager
    def _blob_from(
        self, reference: Reference, descriptor: _oci.Descriptor, offset: int
    ) -> Iterator[tuple["httpx2.Response", Iterator[bytes]]]:
        """Ask for a blob from an offset on; where a server cannot do that, step over what is known."""
        if not DIGEST.fullmatch(descriptor.digest):
            raise ImageError(f"{descriptor.digest[:80]!r} is no digest", where=reference.text)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._got(reference, "GET", f"blobs/{descriptor.digest}", headers) as answer:
            if answer.status_code == 404:
                reason = "its bytes are elsewhere (a foreign layer)" if descriptor.urls else "no such blob"
                raise ImageError(f"{descriptor.digest}: {reason}", where=reference.text)
            self.check(reference, answer)
            parts = wire.received(answer, self.options)
            if answer.status_code == 206:
                if not wire.starts_at(answer, offset):
                    raise ImageError(
                        f"{self.address} answers another range than was asked for", where=reference.text
                    )
                yield answer, parts
            else:
                yield answer, _without_start(parts, offset)

    # what is put there

    def holds(self, reference: Reference, digest: str) -> bool:
        """Tell whether a repository that is written to has a blob already."""
        with contextlib.closing(self.send("HEAD", f"blobs/{digest}", reference, actions=PUSH)) as answer:
            return bool(answer.status_code == 200)

    def mount(self, reference: Reference, digest: str, repository: str) -> str | None:
        """Ask for a blob to be taken from another repository of the registry; None says that it was.

        Else gives where an upload was begun instead, empty where none was.
        """
        path = f"blobs/uploads/?{urlencode({'mount': digest, 'from': repository})}"
        actions = f"{PUSH} repository:{repository}:pull"
        with contextlib.closing(self.send("POST", path, reference, actions=actions, content=b"")) as answer:
            if answer.status_code == 201:
                return None
            return self._place(answer.headers) if answer.status_code == 202 else ""

    def upload(self, reference: Reference, digest: str, size: int, file: IO[bytes]) -> None:
        """Put a blob there in pieces, unless it is there already. The registry checks its digest."""
        if not self.holds(reference, digest):
            self.put_blob(reference, digest, size, file)

    def put_blob(self, reference: Reference, digest: str, size: int, file: Readable, place: str = "") -> None:
        """Put a blob there in pieces, into the upload at `place` where one was begun. The registry checks its digest."""
        place = place or self._place(self._put(reference, "POST", "blobs/uploads/", b"", {}))
        sent = 0
        while sent < size:
            piece = file.read(min(_PIECE_BYTES, size - sent))
            if not piece:
                raise ImageError(f"{digest} has {sent} bytes, not {size}", where=reference.text)
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"{sent}-{sent + len(piece) - 1}",
            }
            place = self._place(self._put(reference, "PATCH", place, piece, headers))
            sent += len(piece)
            del piece  # the next one is made while it would still be held
        joint = "&" if "?" in place else "?"
        self._put(reference, "PUT", f"{place}{joint}digest={quote(digest)}", b"", {})

    def publish(self, reference: Reference, tag: str, body: bytes, media_type: str) -> str:
        """Put a manifest there under a tag or its digest, when all that it names is there.

        Gives the digest that the registry will list it as a referrer of (`OCI-Subject`), empty where it lists none.
        """
        said = self._put(reference, "PUT", f"manifests/{tag}", body, {"Content-Type": media_type})
        return str(said.get("oci-subject", ""))

    def _put(
        self, reference: Reference, method: str, path: str, content: bytes, headers: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Send what is to be stored, or a part of it; give the headers of the answer."""
        answer = self.send(method, path, reference, actions=PUSH, headers=headers, content=content)
        with contextlib.closing(answer):
            if answer.status_code not in {201, 202, 204}:
                self.check(reference, answer)
                raise ImageError(f"{self.address} answers {answer.status_code}", where=reference.text)
            return answer.headers

    def _place(self, said: Mapping[str, str]) -> str:
        """Give where the next part of an upload goes."""
        place = str(said.get("location", ""))
        return f"{self._base}{place}" if place.startswith("/") else place

    # how it is asked

    def send(
        self,
        method: str,
        path: str,
        reference: Reference,
        *,
        actions: str = "pull",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> "httpx2.Response":
        """Send a request below `/v2/REPOSITORY/` and give the answer, whatever it is, its body not read yet.

        `path` may be a whole URL, as upload locations are. Signs in when asked to, and once more when a token has
        run out; `actions` is what the token must allow (`pull`, `pull,push`), with further scopes behind it.
        """
        used = self._authorization(reference, actions)
        answer = self._call(method, path, reference, used, headers, content)
        if answer.status_code != 401:
            return answer
        offered = challenges(", ".join(answer.headers.get_list("www-authenticate")))
        with contextlib.closing(answer):
            said = self._said(answer)
        with self._lock:
            self._learn(reference, actions, offered, used, said)
            again = self._authorization(reference, actions)
        answer = self._call(method, path, reference, again, headers, content)
        if answer.status_code == 401:
            with contextlib.closing(answer):
                raise self._denied(reference, self._said(answer) or said)
        return answer

    @contextlib.contextmanager
    def _got(
        self, reference: Reference, method: str, path: str, headers: Mapping[str, str]
    ) -> Iterator["httpx2.Response"]:
        answer = self.send(method, path, reference, headers=headers)
        try:
            yield answer
        finally:
            answer.close()

    def _call(
        self,
        method: str,
        path: str,
        reference: Reference,
        authorization: str,
        headers: Mapping[str, str] | None,
        content: bytes | None,
    ) -> "httpx2.Response":
        private = {"Authorization": authorization} if authorization else {}
        bases = [self._base] if self._base else self._bases()
        for base in bases:
            url = path if "://" in path else f"{base}/v2/{reference.repository}/{path}"
            known = origin_of(url) == origin_of(base)
            last = base == bases[-1]
            try:
                answer = self.wire.send(
                    method,
                    url,
                    headers=headers,
                    private=private if known else {},
                    content=content,
                    tries=wire.TRIES if last else 1,
                    connect_s=None if last else wire.FIRST_CONTACT_S,
                )
            except UnreachableError as problem:
                if last or not problem.refused_tls:
                    raise ImageError(problem.what, where=reference.text, hint=problem.hint) from problem
                continue
            self._base = base
            return answer
        raise AssertionError("there is always one base")

    def _bases(self) -> list[str]:
        """Give where the registry may be: TLS, and plain HTTP only where that was allowed or on this machine.

        What answers plainly on this machine is not asked for TLS first: that would load the system's certificates.
        """
        secure, plain = f"https://{self.address}", f"http://{self.address}"
        if is_loopback(origin_of(secure).host):
            return [plain] if self._answers_plainly(f"{plain}/v2/") else [secure, plain]
        return [secure, plain] if is_insecure(origin_of(secure), self.options) else [secure]

    def _answers_plainly(self, url: str) -> bool:
        """Tell whether plain HTTP is spoken there; a 400 that is no registry's document comes of a server with TLS."""
        with self.wire.asked_once("HEAD", url, wire.FIRST_CONTACT_S) as answer:
            return answer is not None and (
                answer.status_code != 400 or "json" in answer.headers.get("content-type", "")
            )

    # signing in

    def _authorization(self, reference: Reference, actions: str) -> str:
        """Give the header for a request as far as one is known to be needed."""
        with self._lock:
            if self._challenge is None:
                return ""
            if self._challenge.scheme == "basic":
                return self._basic(self._credentials(reference))
            token = self._tokens.get((reference.repository, actions))
            if token is None:
                scope = f"repository:{reference.repository}:{actions}"
                token = self._fetched(reference, self._challenge, scope)
                self._tokens[reference.repository, actions] = token
            return f"Bearer {token}"

    def _learn(
        self, reference: Reference, actions: str, offered: list[Challenge], used: str, said: str
    ) -> None:
        """Take in what a 401 asks for; raises when there is nothing that could be done better."""
        bearer = [each for each in offered if each.scheme == "bearer" and each.parameters.get("realm")]
        basic = [each for each in offered if each.scheme == "basic"]
        if not bearer and not basic:
            kinds = ", ".join(cleaned(each.scheme, 40) for each in offered[:5]) or "no known kind"
            raise ImageError(
                f"{self.address} wants authentication of {kinds}, which is not supported",
                where=reference.text,
            )
        key = (reference.repository, actions)
        if bearer:
            self._challenge = bearer[0]
            if used and used != f"Bearer {self._tokens.get(key, '')}":
                return  # another thread has fetched a new one meanwhile
            scope = bearer[0].parameters.get("scope") or f"repository:{reference.repository}:{actions}"
            self._tokens[key] = self._fetched(reference, bearer[0], scope)
        else:
            if used or not self._basic(self._credentials(reference)):
                raise self._denied(reference, said)
            self._challenge = basic[0]

    def _credentials(self, reference: Reference) -> Credentials | None:
        options = self.options
        if options.username or options.password:
            return Credentials(username=options.username, password=options.password, origin="the options")
        if reference.repository not in self._searches:
            self._searches[reference.repository] = find(self.host, reference.repository)
        return self._searches[reference.repository].found

    def _basic(self, credentials: Credentials | None) -> str:
        if credentials is None or not (credentials.username or credentials.password):
            return ""
        pair = f"{credentials.username}:{credentials.password}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _fetched(self, reference: Reference, challenge: Challenge, scope: str) -> str:
        """Fetch a token (spec/auth/token.md; oauth.md where there is an identity token)."""
        credentials = self._credentials(reference)
        if credentials is not None and credentials.registry_token:
            if not _is_token(credentials.registry_token):
                raise ImageError(f"the token from {credentials.origin} is none", where=reference.text)
            return credentials.registry_token
        try:
            origin = origin_of(challenge.parameters["realm"])
            answer = self._ask_for_token(challenge, credentials, scope)
        except UnreachableError as problem:
            raise ImageError(
                f"no token could be had: {problem.what}", where=reference.text, hint=problem.hint
            ) from problem
        with contextlib.closing(answer):
            if answer.status_code in {400, 401, 403}:
                raise self._denied(reference, self._said(answer))
            if answer.status_code != 200:
                raise ImageError(
                    f"no token could be had: {origin.address} answers {answer.status_code}",
                    where=reference.text,
                )
            body = self.body(reference, answer, _TOKEN_BYTES)
        try:
            token = msgspec.json.decode(body, type=_Token)
        except (msgspec.DecodeError, RecursionError) as problem:
            raise ImageError(
                f"the answer of {origin.address} is no token: {cleaned(str(problem))}", where=reference.text
            ) from problem
        text = token.token or token.access_token
        if not _is_token(text):
            raise ImageError(f"the answer of {origin.address} holds no token", where=reference.text)
        return text

    def _ask_for_token(
        self, challenge: Challenge, credentials: Credentials | None, scope: str
    ) -> "httpx2.Response":
        realm = challenge.parameters["realm"]
        origin = origin_of(realm)
        is_local = is_loopback(origin.host) and self._base.startswith("http:")
        if origin.scheme != "https" and not is_local and not is_insecure(origin, self.options):
            raise UnreachableError(f"it asks for credentials at {origin.address} without TLS")
        service = challenge.parameters.get("service", "")
        asked = [("service", service)] if service else []
        if credentials is not None and credentials.identity_token:
            form = {
                "grant_type": "refresh_token",
                "client_id": "hullmark",
                "refresh_token": credentials.identity_token,
            }
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            body = urlencode([*form.items(), *asked, ("scope", scope)])
            return self.wire.send("POST", realm, headers=kind, content=body.encode())
        basic = self._basic(credentials)
        joint = "&" if "?" in realm else "?"
        asked += [("scope", each) for each in scope.split()]  # one each, where OAuth 2 has all in one
        url = f"{realm}{joint}{urlencode(asked, quote_via=quote)}"
        return self.wire.send("GET", url, private={"Authorization": basic} if basic else {})

    # what went wrong

    def check(self, reference: Reference, answer: "httpx2.Response") -> None:
        """Raise what an answer other than success means."""
        status = answer.status_code
        if status in {200, 206}:
            return
        said = self._said(answer)
        if status in {401, 403}:
            raise self._denied(reference, said)
        words = f": {said}" if said else ""
        hint = ""
        if status == 429:
            hint = f"try again later; docker login {self.host} may raise the limit"
        raise ImageError(f"{self.address} answers {status}{words}", where=reference.text, hint=hint)

    def _missing(self, reference: Reference, wanted: str, answer: "httpx2.Response") -> ImageError:
        kind = "digest" if DIGEST.fullmatch(wanted) else "tag"
        said = self._said(answer)
        hint = f"{self.address} says: {said}" if said else ""
        return ImageError(
            f"{self.host}/{reference.repository} has no {kind} {wanted}", where=reference.text, hint=hint
        )

    def _denied(self, reference: Reference, said: str) -> ImageError:
        words = f": {said}" if said else ""
        credentials = self._credentials(reference)
        if credentials is not None:
            who = f" of {cleaned(credentials.username, 80)}" if credentials.username else ""
            return ImageError(
                f"{self.host} refuses the credentials{who} from {credentials.origin}{words}",
                where=reference.text,
                hint="they may have run out, or may not read this repository, or there is no such repository",
            )
        looked = " or ".join(self._searches[reference.repository].looked) or "any file"
        return ImageError(
            f"access denied, and there are no credentials for {self.host} in {looked}{words}",
            where=reference.text,
            hint=f"docker login {self.host}; or there is no such repository",
        )

    def _unreachable(self, reference: Reference, answer: "httpx2.Response", problem: Exception) -> ImageError:
        shown = wire.explained(problem, origin_of(str(answer.request.url)), self.options)
        return ImageError(shown.what, where=reference.text, hint=shown.hint)

    def _said(self, answer: "httpx2.Response") -> str:
        """Give the first message of a registry's error document, fit to be shown."""
        import httpx2

        body = b""
        with contextlib.suppress(httpx2.TransportError):
            for part in wire.received(answer, self.options):
                body += part
                if len(body) > _ERROR_BYTES:
                    return ""
        try:
            problems = msgspec.json.decode(body, type=_Problems).errors
        except (msgspec.DecodeError, RecursionError):
            return ""
        return cleaned(problems[0].message or problems[0].code) if problems else ""

    def body(self, reference: Reference, answer: "httpx2.Response", limit: int) -> bytes:
        """Read a document whole, within a bound."""
        import httpx2

        parts, size = [], 0
        try:
            for part in wire.received(answer, self.options):
                size += len(part)
                if size > limit:
                    raise ImageError(
                        f"{self.address} answers with more than {limit} bytes", where=reference.text
                    )
                parts.append(part)
        except httpx2.TransportError as problem:
            raise self._unreachable(reference, answer, problem) from problem
        return b"".join(parts)


def _is_token(text: str) -> bool:
    """Tell whether a text may stand in a header."""
    return bool(text) and text.isascii() and text.isprintable()


def _is_open_ended(answer: "httpx2.Response") -> bool:
    """Tell whether the end of an answer's body looks the same as a connection that broke (RFC 9112, 6.3)."""
    return "content-length" not in answer.headers and "transfer-encoding" not in answer.headers


def _without_start(parts: Iterator[bytes], count: int) -> Iterator[bytes]:
    for part in parts:
        if count < len(part):
            yield part[count:]
        count = max(0, count - len(part))
