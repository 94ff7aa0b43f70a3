"""Whether an instruction brings the same version however often it is run."""

import time

import pytest

from hullmark.advice.instructions import how
from hullmark.model.report import Component


def component(ecosystem: str, name: str, version: str) -> Component:
    return Component(id="p", purl="", ecosystem=ecosystem, name=name, version=version)


@pytest.mark.parametrize(
    ("instruction", "ecosystem", "name", "version"),
    [
        ("RUN pip install Jinja2==2.10 urllib3==1.24.1", "pypi", "urllib3", "1.24.1"),
        ("RUN pip install Jinja2==2.10 urllib3==1.24.1", "pypi", "Jinja2", "2.10"),
        ("RUN /bin/sh -c pip install 'typing-extensions == 4.0' # buildkit", "pypi", "typing_extensions", "4.0"),
        ("RUN pip install requests[socks]~=2.19.1", "pypi", "requests", "2.19.1"),
        ("RUN npm install jquery@3.4.1", "npm", "jquery", "3.4.1"),
        ("RUN npm i @babel/core@7.0.0", "npm", "@babel/core", "7.0.0"),
        ("/bin/sh -c apt-get install -y openssl=3.0.2-0ubuntu1", "deb", "openssl", "3.0.2-0ubuntu1"),
        ("/bin/sh -c apk add busybox=1.30.1-r3", "apk", "busybox", "1.30.1-r3"),
        ("RUN dnf install -y bash-5.1.8-6.el9", "rpm", "bash", "5.1.8-6.el9"),
        ("RUN gem install rack -v 2.0.1", "gem", "rack", "2.0.1"),
        ("RUN gem install rack:2.0.1", "gem", "rack", "2.0.1"),
        ("RUN cargo install ripgrep --version 13.0.0", "cargo", "ripgrep", "13.0.0"),
        ("RUN go install golang.org/x/text@v0.14.0", "golang", "golang.org/x/text", "v0.14.0"),
        ("ADD https://repo/log4j-core-2.14.1.jar /opt/", "maven", "org.apache.logging.log4j:log4j-core", "2.14.1"),
    ],
)  # fmt: skip
def test_an_instruction_names_the_version(instruction: str, ecosystem: str, name: str, version: str) -> None:
    assert how(instruction, component(ecosystem, name, version)) == "names"


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        ("RUN pip install urllib3", "runs"),
        ("RUN pip install urllib3==1.24.10", "runs"),
        ("RUN pip install urllib3==1.24.1.1", "runs"),
        ("RUN pip install my-urllib3==1.24.1", "runs"),
        ("RUN pip install other==1.24.1 urllib3", "runs"),
        ("COPY . /srv", "copies"),
        ("/bin/sh -c #(nop)  ADD file:0a1b in / ", "copies"),
        ("RUN COPYRIGHT=1 make", "runs"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_an_instruction_that_names_none(instruction: str, said: str) -> None:
    assert how(instruction, component("pypi", "urllib3", "1.24.1")) == said


def test_nothing_in_it_is_a_pattern_or_takes_long() -> None:
    assert how("RUN x", component("npm", "(a+)+$[", "*")) == "runs"
    began = time.process_time()
    assert how("RUN " + "a[" * 10**6 + " " * 10**6, component("npm", "a", "1")) == "runs"
    assert how("RUN " + "a-" * 10**6, component("npm", "a" + "-a" * 500, "1")) == "runs"
    assert time.process_time() - began < 2
