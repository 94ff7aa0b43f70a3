"""Histories of all builders, and hostile ones."""

import time
from typing import Any

import pytest

from hullmark.detectors.config.image._commands import commands
from hullmark.detectors.config.image.known import is_known
from hullmark.detectors.config.image.view import Variable, view_of
from hullmark.model.image import Layer


def _steps(*texts: str, layers: int = 0) -> Any:
    found = view_of(
        {"history": [{"created_by": text} for text in texts]},
        layers=[Layer(index=at) for at in range(layers)],
    )
    return [(step.keyword, step.text) for step in found.steps]


@pytest.mark.parametrize(
    ("text", "keyword", "rest"),
    [
        ("/bin/sh -c #(nop) ADD file:abc in / ", "ADD", "file:abc in /"),
        ('/bin/sh -c #(nop)  CMD ["bash"]', "CMD", '["bash"]'),
        ("/bin/sh -c apt-get update", "RUN", "apt-get update"),
        ("RUN /bin/sh -c apt-get update # buildkit", "RUN", "apt-get update"),
        ("RUN /bin/bash -o pipefail -c make # buildkit", "RUN", "make"),
        ("RUN |2 A=1 B=x y /bin/sh -c make # buildkit", "RUN", "make"),
        ("|1 A=1 /bin/sh -c make", "RUN", "make"),
        ("RUN apt-get update", "RUN", "apt-get update"),
        ("/bin/sh -c apk add x|unsetLabel=true|inheritLabels=false|force-mtime=10", "RUN", "apk add x"),
        ("USER 1000", "USER", "1000"),
        ("# debian.sh --arch 'amd64'", "RUN", "# debian.sh --arch 'amd64'"),
        ("", "RUN", ""),
    ],
)
def test_the_forms_of_all_builders(text: str, keyword: str, rest: str) -> None:
    assert _steps(text) == [(keyword, rest)]


def test_arguments_of_the_build_may_have_spaces() -> None:
    (step,) = view_of({"history": [{"created_by": "RUN |2 A=1 B=x y /bin/sh -c C=3 make # buildkit"}]}).steps
    assert step.arguments == (Variable("A", "1"), Variable("B", "x y"))


def test_a_history_that_does_not_fit_the_layers_tells_nothing_of_them() -> None:
    layers = [Layer(index=0, from_base=True)]
    document = {"history": [{"created_by": "a"}, {"created_by": "b"}]}
    assert [(step.layer, step.from_base) for step in view_of(document, layers=layers).steps] == [
        (-1, None),
        (-1, None),
    ]


def test_steps_without_a_layer_are_the_base_images_up_to_its_last_layer() -> None:
    layers = [Layer(index=0, from_base=True), Layer(index=1, from_base=False)]
    history = [{"empty_layer": True}, {}, {"empty_layer": True}, {}, {"empty_layer": True}]
    found = view_of({"history": history}, layers=layers).steps
    assert [(step.layer, step.from_base) for step in found] == [
        (-1, True),
        (0, True),
        (-1, False),
        (1, False),
        (-1, False),
    ]


def test_commands_of_a_script() -> None:
    script = "A=1 sudo -E apt-get install -y 'a b' && (cd /x; curl \"u v\" | /bin/bash -s) || exec make\\ it"
    assert [(found.name, found.words, found.pipeline, found.prefixes) for found in commands(script)] == [
        ("apt-get", ("install", "-y", "a b"), 0, ("sudo",)),
        ("cd", ("/x",), 2, ()),
        ("curl", ("u v",), 3, ()),
        ("bash", ("-s",), 3, ()),
        ("make it", (), 5, ("exec",)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '"' + "\\" * 200_000,
        "'" * 200_001,
        "sh -c " * 50_000,
        "RUN |9999 " + "A=1 " * 100_000,
        "A=" * 100_000,
        "sudo " * 100_000,
        "/" * 200_000,
        " " * 200_000 + "x",
        "ADD " + "https://" * 30_000,
        "ADD " + "." + "tar." * 50_000,
        "RUN curl " + "$(" * 100_000,
        "chmod " + "a+rwx," * 40_000,
        "chmod " + "a" * 200_000,
        "/bin/sh" + " -a" * 60_000,
        "a" * 200_000 + "sh -c #(nop",
    ],
)
def test_a_hostile_history_takes_no_time(text: str) -> None:
    from hullmark.detectors.config.image.checks import checks, problems

    document = {
        "history": [{"created_by": text}],
        "config": {"Env": [text, f"X={text}"], "User": text, "Entrypoint": ["sh", "-c", text]},
    }
    start = time.process_time()
    problems(view_of(document, name=text, layers=[Layer(index=0)]), [check.rule for check in checks()])
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "path",
    [
        "bin/sh",
        "usr/bin/apt-get",
        "usr/local/bin/gdb",
        "app/.git/HEAD",
        ".git/HEAD",
        "srv/Dockerfile",
        "var/lib/apt/lists/deb.example_InRelease",
        "var/cache/apk/APKINDEX.1.tar.gz",
    ],
)
def test_paths_that_checks_ask_for(path: str) -> None:
    assert is_known(path)


@pytest.mark.parametrize(
    "path",
    ["", "app/sh", "app/HEAD", "usr/share/x/Dockerfile", "var/lib/apt/lists/lock", "var/lib/x", "usr/bin/x"],
)
def test_paths_that_no_check_asks_for(path: str) -> None:
    assert not is_known(path)


def test_a_history_beyond_all_measure_is_cut_and_said() -> None:
    view = view_of(
        {"history": [{"created_by": "x" * 200_000}, {"created_by": "y" * 200_000}, {"created_by": "RUN z"}]}
    )
    assert [len(step.text) for step in view.steps] == [200_000, 2**18 - 200_000, 0]
    assert [(each.path, each.kind) for each in view.unread] == [("history", "record")]
    assert not view_of({"history": [{"created_by": "x"}]}).unread
