"""Values that may be secrets are not in a report, wherever an image's configuration has them."""

import json
import string
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2e.program import AS_OF, dpkg_status
from hullmark.reports import formats, render
from hullmark.scan.masking import masked_config, masked_instruction
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from images.fakes import MadeImage, digest_of, made_image, tar_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # environments and arguments, as builders write them
        ("ENV PATH=/usr/local/bin:/usr/bin", "ENV PATH=/usr/local/bin:/usr/bin"),
        ("/bin/sh -c #(nop)  ENV LANG=C.UTF-8", "/bin/sh -c #(nop)  ENV LANG=C.UTF-8"),
        ("/bin/sh -c #(nop) ENV A=x y PYTHON_VERSION=3.11.2", "/bin/sh -c #(nop) ENV A=*** PYTHON_VERSION=3.11.2"),
        ("ENV MOTTO=correct horse battery", "ENV MOTTO=***"),
        ("ENV TOKEN abc def=1", "ENV TOKEN *** def=***"),
        ("ENV TOKEN abc", "ENV TOKEN ***"),
        ("ENV EMPTY=", "ENV EMPTY="),
        ("ENV SECRET_VERSION=1.0", "ENV SECRET_VERSION=***"),
        ("ENV GO_VERSION=https://u:p@h/go", "ENV GO_VERSION=***"),
        ('ENV PATH="/a:/b"', 'ENV PATH="/a:/b"'),
        ("ARG KEY", "ARG KEY"),
        ("ARG APP=hunter2", "ARG APP=***"),
        (
            "RUN |2 TOKEN=abc /def VERSION=1.2 /bin/sh -c make all # buildkit",
            "RUN |2 TOKEN=*** VERSION=1.2 /bin/sh -c make all # buildkit",
        ),
        ("|1 A=b c /usr/bin/bash -o pipefail -c make", "|1 A=*** /usr/bin/bash -o pipefail -c make"),
        ("|1 A=b cmd /S /C make", "|1 A=***"),
        # commands
        (
            "RUN /bin/sh -c apt-get update && apt-get install -y git # buildkit",
            "RUN /bin/sh -c apt-get update && apt-get install -y git # buildkit",
        ),
        ("RUN curl http://my.service/?auth=ABD54F0356FA0054", "RUN curl http://my.service/?auth=***"),
        ("RUN curl 'https://h/?a=1&api_key=abc&b=2'", "RUN curl 'https://h/?a=1&api_key=***&b=2'"),
        ("RUN git clone https://me:ghp_x@h/r.git", "RUN git clone https://***@h/r.git"),
        ("RUN git clone https://ghp_x@h/r.git", "RUN git clone https://***@h/r.git"),
        ("RUN psql postgres://u:p@ss@db/x", "RUN psql postgres://***@db/x"),
        ("RUN npm i https://cdn.h/npm/vue@3.2", "RUN npm i https://cdn.h/npm/vue@3.2"),
        ('RUN DB_PASSWORD="a \\" b" make; ls', "RUN DB_PASSWORD=*** make; ls"),
        ("RUN DB_PASS='a b'\"c\"d\\e make", "RUN DB_PASS=*** make"),
        ("RUN MYSQL_PWD=a,b make", "RUN MYSQL_PWD=*** make"),
        ("RUN login --password a\\&b --user me", "RUN login --password ***&b --user me"),
        ("RUN login --password=-x -q", "RUN login --password=*** -q"),
        ("RUN login --password-stdin -q", "RUN login --password-stdin -q"),
        ("RUN curl -u me:pw https://h", "RUN curl -u *** https://h"),
        ("RUN chown --user 10:10 x", "RUN chown --user 10:10 x"),
        ("RUN curl -H 'Authorization: Bearer abc.def' h", "RUN curl -H 'Authorization: ***' h"),
        ('RUN ["sh","-c","echo {\\"password\\": \\"a b\\", \\"n\\": 1}"]', 'RUN ["sh","-c","echo {\\"password\\": ***, \\"n\\": 1}"]'),
        ("RUN echo //registry.h/:_authToken=npm_x > .npmrc", "RUN echo //registry.h/:_authToken=*** > .npmrc"),
        ("RUN --mount=type=secret,id=pip make", "RUN --mount=type=secret,id=pip make"),
        ("RUN TOKENIZERS_PARALLELISM=false compat=1 path=x author=me monkey=1 make", None),
        ("RUN gpg --recv-keys ABC --keyserver hkp://keys.example.org", None),
        ('CMD ["/bin/bash"]', None),
        ("ADD file:2a7f in /", None),
        ("RUN password='never closed and more", "RUN password=***"),
        ("RUN password=\\", "RUN password=***"),
    ],
)  # fmt: skip
def test_instructions(text: str, expected: str | None) -> None:
    assert masked_instruction(text) == (text if expected is None else expected)
    assert masked_instruction(masked_instruction(text)) == masked_instruction(text)


CONFIG: dict[str, Any] = {
    "User": "app",
    "ExposedPorts": {"8080/tcp": {}},
    "Env": ["PATH=/bin", "SETTINGS=hunter2", "DB_URL=postgres://u:hunter2@db", "LONE", "API_TOKEN="],
    "Cmd": ["serve", "--token", "hunter2", "--port", "80", "--password=hunter2"],
    "Labels": {
        "password": "hunter2",
        "org.opencontainers.image.authors": "me",
        "url": "https://u:hunter2@h/x",
    },
    "Healthcheck": {"Test": ["CMD-SHELL", "curl 'http://h/?auth=hunter2'"], "Interval": 30},
    "OnBuild": ["ENV X=hunter2"],
    "StopSignal": "SIGTERM",
}


def test_a_configuration() -> None:
    assert masked_config(CONFIG) == {
        "User": "app",
        "ExposedPorts": {"8080/tcp": {}},
        "Env": ["PATH=/bin", "SETTINGS=***", "DB_URL=***", "LONE", "API_TOKEN="],
        "Cmd": ["serve", "--token", "***", "--port", "80", "--password=***"],
        "Labels": {"password": "***", "org.opencontainers.image.authors": "me", "url": "https://***@h/x"},
        "Healthcheck": {"Test": ["CMD-SHELL", "curl 'http://h/?auth=***'"], "Interval": 30},
        "OnBuild": ["ENV X=***"],
        "StopSignal": "SIGTERM",
    }


def test_a_configuration_that_nests_without_end() -> None:
    deep: Any = "hunter2"
    for _level in range(100_000):
        deep = [deep]
    assert "hunter2" not in json.dumps(masked_config({"a": deep}))


def with_config(made: MadeImage, **more: Any) -> MadeImage:
    body = json.dumps({**json.loads(made.blobs.pop(made.config_digest)), **more}).encode()
    made.config_digest = digest_of(body)
    made.blobs[made.config_digest] = body
    manifest = json.loads(made.manifest)
    manifest["config"] |= {"digest": made.config_digest, "size": len(body)}
    manifest["annotations"] = {"build.args": "--build-arg PASSWORD=hunter2", "deploy.secret": "hunter2"}
    made.manifest = json.dumps(manifest).encode()
    made.digest = digest_of(made.manifest)
    return made


def test_no_report_shows_the_value_of_a_secret(tmp_path: Path) -> None:
    status = tar_of({"var/lib/dpkg/status": dpkg_status(("base-files", "12"))})
    history = [
        {"created_by": "RUN |1 ANY=hunter2 /bin/sh -c make"},
        {"created_by": "ENV ANY=hunter2", "empty_layer": True, "comment": "password: hunter2"},
        {"created_by": "RUN git clone https://me:hunter2@h/x"},
    ]
    old = {"Env": CONFIG["Env"], "Cmd": ["/bin/sh", "-c", "#(nop) ", "ENV ANY=hunter2"]}
    made = with_config(
        made_image(status, tar_of({"a": b"1"})), config=CONFIG, history=history, container_config=old
    )
    report = run(
        ScanRequest(reference=f"oci:{made.layout(tmp_path / 'image')}", as_of=AS_OF, cache=tmp_path / "cache")
    )
    assert report.layers[0].created_by == "RUN |1 ANY=*** /bin/sh -c make"
    assert report.packages[0].locations[0].created_by == "RUN |1 ANY=*** /bin/sh -c make"
    assert report.image is not None
    assert report.image.config["config"]["User"] == "app"
    assert report.image.annotations["deploy.secret"] == "***"
    for form in formats():
        assert b"hunter2" not in render(form, report), form


@given(st.text(string.ascii_letters + " =:-\"'\\|&;@/\n", max_size=200))
def test_any_text_keeps_no_password(text: str) -> None:
    for before in ("ENV A=1 DB_PASSWORD=", "RUN make --password=", "RUN PASSWORD='"):
        assert "Hunter2x7" not in masked_instruction(f"{text} {before}Hunter2x7")
    masked_instruction(text)
    masked_config({"Env": [text], "Cmd": [text, text], "Labels": {text: text}})


@pytest.mark.parametrize(
    "part", ["a", "-", "--", "secret", "secret=", 'password="', "password='", '\\"', "://", "://a@", "ENV ", "|1 A=", "-key ", " -u a:", "A=", "_", "key ", " /a", "auth: "]
)  # fmt: skip
def test_long_texts_take_no_time(part: str) -> None:
    started = time.process_time()
    for head in ("", "RUN ", "ENV ", "RUN |1 ", "RUN password="):
        masked_instruction(head + part * (100_000 // len(part)))
    assert time.process_time() - started < 20  # one that is quadratic takes hours
