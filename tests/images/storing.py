"""A registry in this process that is pushed to as well, with the referrers API or without."""

import json
import re
from typing import Any
from urllib.parse import quote

from images.fakes import INDEX, Answer, Asked, FakeRegistry, digest_of

_SPACE = re.compile(r"/v2/(.+?)/(manifests|blobs|referrers)/(.+)")


class StoringRegistry(FakeRegistry):
    """Takes what a repository can hold, and refuses a manifest before its parts are there, as real ones do."""

    def __init__(self, *, lists: bool = True, page: int = 100, mounts: bool = True) -> None:
        self.lists = lists
        self.page = page
        self.mounts = mounts
        self.stored: dict[tuple[str, str], bytes] = {}
        self.uploads: dict[str, bytes] = {}
        super().__init__()

    def has(self, repository: str) -> bool:
        return any(name == repository for name, _ in (*self.manifests, *self.stored))

    def writes(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.asked if each.method not in {"GET", "HEAD"}]

    def _answer(self, asked: Asked) -> Answer:
        for each in self.before:
            if (answer := each(asked)) is not None:
                return answer
        match = _SPACE.fullmatch(asked.path)
        assert match is not None, asked.path
        repository, kind, rest = match.groups()
        if kind == "referrers":
            return self._referrers(repository, rest, asked)
        if kind == "blobs":
            return self._blobs(repository, rest, asked)
        if asked.method == "PUT":
            return self._put_manifest(repository, rest, asked)
        found = self.manifests.get((repository, rest))
        if found is None:
            return Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        return Answer(200, found[0], {"Content-Type": found[1], "Docker-Content-Digest": digest_of(found[0])})

    def guard(self, user: str, password: str) -> None:
        """Let nobody else in from now on."""
        self.user = (user, password)
        refusal = Answer(401, headers={"WWW-Authenticate": 'Basic realm="fake"'})
        self.before.append(
            lambda asked: None if asked.headers.get("authorization") == self._basic() else refusal
        )

    def _blobs(self, repository: str, rest: str, asked: Asked) -> Answer:
        if not rest.startswith("uploads/"):
            body = self.stored.get((repository, rest))
            return Answer(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}') if body is None else Answer(200, body)
        if asked.method == "POST":
            mounted = self.stored.get((asked.query.get("from", ""), asked.query.get("mount", "")))
            if self.mounts and mounted is not None:
                self.stored[repository, asked.query["mount"]] = mounted
                return Answer(201)
            place = f"/v2/{repository}/blobs/uploads/{len(self.uploads)}"
            self.uploads[place] = b""
            return Answer(202, headers={"Location": place})
        self.uploads[asked.path] += asked.body
        if asked.method == "PATCH":
            return Answer(202, headers={"Location": asked.path})
        body = self.uploads[asked.path]
        if digest_of(body) != asked.query["digest"]:
            return Answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"other content"}]}')
        self.stored[repository, asked.query["digest"]] = body
        return Answer(201)

    def _put_manifest(self, repository: str, name: str, asked: Asked) -> Answer:
        manifest: dict[str, Any] = json.loads(asked.body)
        blobs = [*manifest.get("layers", ()), *([manifest["config"]] if "config" in manifest else [])]
        lacks = [
            part for part in blobs if (repository, part["digest"]) not in self.stored and not part.get("urls")
        ]
        lacks += [
            part
            for part in manifest.get("manifests", ())
            if (repository, part["digest"]) not in self.manifests
        ]
        if lacks:
            return Answer(400, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"a part is missing"}]}')
        digest = digest_of(asked.body)
        for each in {name, digest}:
            self.manifests[repository, each] = (asked.body, asked.headers["content-type"])
        subject = manifest.get("subject")
        return Answer(201, headers={"OCI-Subject": subject["digest"]} if subject and self.lists else {})

    def _referrers(self, repository: str, digest: str, asked: Asked) -> Answer:
        if not self.lists:
            return Answer(404, b"404 page not found\n", {"Content-Type": "text/plain"})
        found = []
        for (name, stored), (body, media_type) in sorted(self.manifests.items()):
            manifest = json.loads(body)
            if (name, manifest.get("subject", {}).get("digest")) != (repository, digest) or ":" not in stored:
                continue
            found.append({"mediaType": media_type, "digest": stored, "size": len(body)})
            for key in ("artifactType", "annotations"):
                if key in manifest:
                    found[-1][key] = manifest[key]
        start = int(asked.query.get("start", "0"))
        headers = {"Content-Type": INDEX}
        if start + self.page < len(found):
            kind = quote(asked.query.get("artifactType", ""))
            headers["Link"] = f'<{asked.path}?start={start + self.page}&artifactType={kind}>; rel="next"'
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found[start : start + self.page]}
        return Answer(200, json.dumps(index).encode(), headers)
