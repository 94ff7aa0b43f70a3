"""What instructions are for, in histories and in Dockerfiles."""

import time

import pytest

from hullmark.advice.steps import as_written, of_dockerfile, of_history
from hullmark.detectors.config.dockerfile.parser import parse


@pytest.mark.parametrize(
    ("created_by", "text"),
    [
        ("COPY . /app # buildkit", "COPY . /app"),
        ("RUN /bin/sh -c npm ci # buildkit", "RUN npm ci"),
        ("RUN |2 A=1 B= /bin/sh -c make # buildkit", "RUN make"),
        ("|1 A=1 /bin/sh -c make", "RUN make"),
        ("RUN /bin/bash -o pipefail -c make", "RUN make"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("/bin/sh -c #(nop) COPY dir:0123 in /app ", "COPY dir:0123 in /app"),
        ('/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'),
        ("WORKDIR /app", "WORKDIR /app"),
        ("bazel build ...", "bazel build ..."),
        ("", ""),
    ],
)
def test_an_instruction_as_a_dockerfile_has_it(created_by: str, text: str) -> None:
    assert as_written(created_by) == text


@pytest.mark.parametrize(
    ("instruction", "role"),
    [
        ("COPY . .", "source"),
        ("COPY src/ /app/src/", "source"),
        ("COPY main.py .", "source"),
        ("COPY package.json package-lock.json ./", "manifests"),
        ("COPY package*.json ./", "manifests"),
        ("COPY requirements.txt /tmp/", "manifests"),
        ("COPY go.mod go.sum ./", "manifests"),
        (
            "COPY /out/app /usr/bin/app",
            "copy",
        ),  # an absolute path: another stage, as BuildKit's history has it
        ("COPY nginx.conf /etc/nginx/nginx.conf", "copy"),
        ("COPY docker-entrypoint.sh /usr/local/bin/", "copy"),
        ("ADD https://example.com/x.tar.gz /opt/", "copy"),
        ("/bin/sh -c #(nop) COPY dir:0123456789 in /app ", "source"),
        ("/bin/sh -c #(nop) COPY file:0123456789 in /app/requirements.txt ", "manifests"),
        ("/bin/sh -c #(nop) COPY multi:0123456789 in /app/ ", "copy"),
        ("RUN npm ci", "dependencies"),
        ("RUN npm ci --omit=dev && npm cache clean --force", "dependencies"),
        ("RUN yarn", "dependencies"),
        ("RUN yarn install --frozen-lockfile", "dependencies"),
        ("RUN pip install --no-cache-dir -r requirements.txt", "dependencies"),
        ("RUN pip install -r ./requirements.txt", "dependencies"),
        ("RUN python3 -m pip install --upgrade pip && pip3 install flask==3.0.0", "dependencies"),
        ("RUN go mod download", "dependencies"),
        ("RUN bundle config set without test && bundle install", "dependencies"),
        ("RUN poetry install --only main --no-root", "dependencies"),
        ("RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*", "system"),
        ("RUN set -eux; apk add --no-cache curl", "system"),
        ("RUN DEBIAN_FRONTEND=noninteractive apt-get install -y tzdata", "system"),
        ("RUN apt-get update && apt-get install -y git && pip install flask", "dependencies"),
        # what asks for the source, or may
        ("RUN pip install .", "build"),
        ("RUN pip install -e .[dev]", "build"),
        ("RUN npm ci && npm run build", "build"),
        ("RUN apt-get install -y ./app.deb", "build"),
        ("RUN apt-get install -y $(cat packages.txt)", "build"),
        ("RUN xargs apt-get install -y < packages.txt", "build"),
        ("RUN make", "build"),
        ("RUN mkdir -p /data && chown app /data", "settings"),
        ("WORKDIR /app", "settings"),
        ("bazel build ...", ""),
        ("", ""),
    ],
)
def test_what_an_instruction_is_for(instruction: str, role: str) -> None:
    assert of_history(instruction, 3).role == role


def test_a_dockerfile_counts_the_stages_that_the_last_one_builds_on() -> None:
    body = (
        "FROM node:22 AS base\nWORKDIR /app\nCOPY package.json ./\nFROM golang AS other\nRUN make\n"
        "FROM base\nCOPY --from=other /out /out\nRUN <<EOF\napt-get update\napt-get install -y curl\nEOF\nCOPY . .\n"
    )
    steps = of_dockerfile(parse(body, "Dockerfile"))
    assert [(step.line, step.role) for step in steps] == [
        (3, "manifests"),
        (7, "copy"),
        (8, "system"),
        (12, "source"),
    ]
    assert [step.target for step in steps] == ["/app/", "", "", "/app/"]


@pytest.mark.parametrize(
    "text",
    [
        "RUN " + "npm " * 100_000 + "x",
        "RUN |9 " + "A=1 " * 50_000 + "/bin/sh",
        "RUN pip install " + "-r . " * 50_000,
        "RUN " + "sudo " * 50_000,
        "RUN apt-get " + "-y " * 100_000,
        "COPY " + "a " * 100_000,
    ],
)
def test_no_instruction_takes_long(text: str) -> None:
    start = time.process_time()
    of_history(text, 0)
    assert time.process_time() - start < 1
