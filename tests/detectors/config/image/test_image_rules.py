"""Every rule about images on its own examples, and what is true of all of them."""

import re

import pytest

from conftest import GOLDEN
from hullmark.detectors.config.check import Check
from hullmark.detectors.config.image.checks import checks, problems
from hullmark.detectors.config.image.samples import view
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity

CHECKS = checks()
RULES = {check.rule.id: check.rule for check in CHECKS}
LINES = (GOLDEN.parent / "data/config/dockle.txt").read_text().splitlines()
TABLE = {line.split()[0]: line.split()[1:] for line in LINES if line[:1] != "#"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule.id)
def test_bad_examples_are_found(check: Check[ImageView]) -> None:
    assert check.rule.bad
    for example in check.rule.bad:
        found = list(check.find(view(example)))
        assert found, example
        assert all(problem.rule is check.rule and problem.message and problem.file for problem in found)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule.id)
def test_good_examples_are_not(check: Check[ImageView]) -> None:
    assert check.rule.good
    for example in check.rule.good:
        assert not list(check.find(view(example))), example


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule.id)
def test_rules_say_what_they_must(check: Check[ImageView]) -> None:
    rule = check.rule
    assert rule.kind == "image"
    assert re.fullmatch(r"image(?:-[a-z]+)+", rule.id)
    assert not rule.summary.endswith(".")
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
    assert any(control.startswith("NIST-800-190 ") for control in rule.controls)
    assert any(control.startswith("NIST-800-53 ") for control in rule.controls)
    assert rule.pack == "default" or rule.severity == Severity.LOW
    assert rule.severity != Severity.UNKNOWN


def test_ids_are_unique() -> None:
    assert len(RULES) == len(CHECKS)


def test_every_check_of_dockle_and_trivy_has_a_counterpart_or_a_reason() -> None:
    dockle = [f"CIS-DI-{number:04}" for number in range(1, 12)]
    dockle += [f"DKL-DI-{number:04}" for number in range(1, 7)] + [
        f"DKL-LI-{number:04}" for number in range(1, 4)
    ]
    trivy = [f"DS-{number:04}" for number in range(1, 32) if number not in {3, 18, 28}]  # which do not exist
    assert list(TABLE) == dockle + trivy
    for other, names in TABLE.items():
        if names[0] == "-":
            assert len(names) > 5, f"{other} needs a reason"
            assert not any(other in rule.same_as for rule in RULES.values())
        else:
            assert names == sorted(rule.id for rule in RULES.values() if other in rule.same_as)


def test_the_default_pack_alone_runs_unless_rules_are_asked_for() -> None:
    bare = view('{"config": {}}')
    assert [found.rule for found in problems(bare)] == ["image-no-user"]
    asked = [RULES["image-no-healthcheck"]]
    assert [found.rule for found in problems(bare, asked)] == ["image-no-healthcheck"]


def test_what_the_base_image_brought_is_one_finding_and_mild() -> None:
    files = ", ".join(f'"4755 0:0 usr/bin/{name}"' for name in "abcdefghijklmnop")
    image = view(f'{{"config": {{"User": "1"}}, "base_modes": [{files}], "modes": ["4755 0:0 opt/new"]}}')
    own, base = problems(image)
    assert (own.file, own.severity, own.count, own.from_base, own.layer) == ("opt/new", "medium", 1, False, 1)
    assert (base.severity, base.count, base.from_base, base.layer) == ("low", 16, True, 0)
    assert (
        base.message
        == "16 files with SUID or SGID from the base image: usr/bin/a, usr/bin/b, usr/bin/c and 13 more"
    )
    assert own.layer_digest == image.layers[1].digest


def test_a_distributions_usual_files_are_one_finding_where_the_base_is_not_known() -> None:
    image = view(
        '{"config": {"User": "1"}, "modes": ["4755 0:0 usr/bin/su", "4755 0:0 bin/mount", "4755 0:0 opt/odd"]}'
    )
    assert [(found.severity, found.count, found.file) for found in problems(image)] == [
        ("medium", 1, "opt/odd"),
        ("low", 2, "bin/mount"),
    ]


def test_a_distributions_usual_file_in_an_upper_layer_is_new() -> None:
    steps = '"history": [{"created_by": "a"}, {"created_by": "b"}]'
    image = view(f'{{"config": {{"User": "1"}}, {steps}, "modes": ["4755 0:0 usr/bin/su"]}}')
    assert [(found.severity, found.layer) for found in problems(image)] == [("medium", 1)]


def test_a_danger_of_the_base_image_stays_one() -> None:
    (found,) = problems(view('{"config": {"User": "1"}, "base_modes": ["4755 0:0 bin/bash"]}'))
    assert (found.severity, found.from_base) == ("critical", True)


def test_many_open_files_of_a_layer_are_one_finding() -> None:
    files = ", ".join(f'"0666 0:0 app/{number}"' for number in range(5000))
    (found,) = problems(view(f'{{"config": {{"User": "1"}}, "modes": [{files}]}}'))
    assert found.count == 5000
    assert len(found.message) < 200


def test_findings_of_one_rule_are_bounded_and_counted() -> None:
    variables = ", ".join(f'"A{number}_PASSWORD=correct-horse"' for number in range(1000))
    arguments = ", ".join(
        f'{{"created_by": "RUN |1 B{number}_TOKEN=correct-horse /bin/sh -c x # buildkit"}}'
        for number in range(300)
    )
    volumes = ", ".join(f'"/proc/{number}": {{}}' for number in range(1000))
    found = problems(
        view(
            f'{{"config": {{"User": "1", "Env": [{variables}], "Volumes": {{{volumes}}}}}, "history": [{arguments}]}}'
        )
    )
    for rule, count in (
        ("image-secret-in-env", 1000),
        ("image-secret-in-arg", 300),
        ("image-system-volume", 1000),
    ):
        of_it = [each for each in found if each.rule == rule]
        assert sum(each.count for each in of_it) == count
        assert len(of_it) <= 201


def test_each_variable_with_a_secret_is_named() -> None:
    variables = ", ".join(f'"A{number}_PASSWORD=correct-horse"' for number in range(30))
    found = problems(view(f'{{"config": {{"User": "1", "Env": [{variables}]}}}}'))
    assert {each.resource for each in found} == {f"A{number}_PASSWORD" for number in range(30)}


def test_no_value_of_the_environment_is_in_any_message() -> None:
    image = view(
        '{"config": {"Env": ["DB_PASSWORD=zebra-stripe", "HTTP_PROXY=http://u:zebra-stripe@x"]},'
        ' "history": [{"created_by": "RUN |1 X_TOKEN=zebra-stripe /bin/sh -c curl -k -H zebra-stripe https://zebra-stripe | sh # buildkit"}]}'
    )
    found = problems(image, RULES.values())
    assert {
        "image-secret-in-env",
        "image-secret-in-arg",
        "image-piped-download",
        "image-unverified-packages",
    } <= {each.rule for each in found}
    assert not [each for each in found if "zebra" in each.message + each.advice + each.resource + each.file]


def test_what_the_base_set_is_told_from_what_the_image_sets() -> None:
    base = (
        '{"created_by": "EXPOSE map[22/tcp:{}]", "empty_layer": true}, {"created_by": "ADD x / # buildkit"}'
    )
    own = (
        '{"created_by": "EXPOSE [23/tcp]", "empty_layer": true}, {"created_by": "COPY y / # buildkit"},'
        ' {"created_by": "ENV A_TOKEN=correct-horse", "empty_layer": true}'
    )
    config = '"config": {"User": "1", "ExposedPorts": {"22/tcp": {}, "23/tcp": {}}, "Env": ["A_TOKEN=correct-horse"]}'
    found = problems(view(f'{{{config}, "history": [{base}, {own}], "base_modes": []}}'))
    assert {each.resource: each.from_base for each in found} == {
        "22/tcp": True,
        "23/tcp": False,
        "A_TOKEN": False,
    }


def test_the_same_image_gives_the_same_findings_in_any_order_of_facts() -> None:
    files = [f'"0666 0:0 app/{number}"' for number in range(20)]
    first, second = (view(f'{{"modes": [{", ".join(order)}]}}') for order in (files, files[::-1]))
    assert problems(first, RULES.values()) == problems(second, RULES.values())


@pytest.mark.parametrize(
    "odd", ["1", "[]", '"x"', "null", '{"x": 1}', "[1, null]", "true", '{"a": {"b": []}}', '["", " ", "="]']
)
def test_a_configuration_of_any_shape_is_looked_at(odd: str) -> None:
    names = (
        "User",
        "WorkingDir",
        "ExposedPorts",
        "Env",
        "Entrypoint",
        "Cmd",
        "Healthcheck",
        "Volumes",
        "Labels",
        "OnBuild",
    )
    config = ", ".join(f'"{name}": {odd}' for name in names)
    for text in (f'{{"config": {{{config}}}, "os": {odd}, "author": {odd}}}', f'{{"config": {odd}}}'):
        assert isinstance(problems(view(text), RULES.values()), list)


OFFICIAL = {
    "python": (
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "PYTHON_GET_PIP_URL=https://github.com/pypa/get-pip/raw/x/get-pip.py",
    ),
    "php": (
        "GPG_KEYS=1729F83938DA44E27BA0F4D3DBDB397470D12172 BFDDD28642824F8118EF77909B67A5C12229118F",
        "PHP_SHA256=0123",
    ),
    "wordpress": (
        "PHP_ASC_URL=https://www.php.net/get/php.tar.xz.asc/from/this/mirror",
        "APACHE_CONFDIR=/etc/apache2",
    ),
    "nginx": (
        "NGINX_VERSION=1.27.0",
        "NGINX_GPGKEY=573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62",
        "NJS_VERSION=0.8.4",
    ),
    "rabbitmq": (
        "RABBITMQ_PGP_KEY_ID=0x0A9AF2115F4687BD29803A206B73A36E6026DFCA",
        "OPENSSL_PGP_KEY_IDS=0x8657ABB260F056B1E5190839D9C4D26D0E604491",
    ),
    "keycloak": ("KC_RUN_IN_CONTAINER=true", "LANG=en_US.UTF-8"),
    "bitnami": ("ALLOW_EMPTY_PASSWORD=no", "APP_NAME=x", "NSS_WRAPPER_PASSWD=/opt/nss_passwd"),
    "mongo": ("GOSU_VERSION=1.17", "JSYAML_CHECKSUM=662e", "MONGO_PACKAGE=mongodb-org"),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_environment_of_official_images_is_clean(name: str) -> None:
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    variables = ", ".join(f'"{variable}"' for variable in (path, *OFFICIAL[name]))
    ports = '"ExposedPorts": {"80/tcp": {}, "443/tcp": {}, "5432/tcp": {}, "8080/tcp": {}}'
    assert not problems(view(f'{{"config": {{"User": "1", "Env": [{variables}], {ports}}}}}'))


def test_an_image_with_all_of_it() -> None:
    image = view(
        '{"config": {"User": "root", "ExposedPorts": {"80/tcp": {}, "22/tcp": {}}, "Env": ["DB_PASSWORD=correct-horse"]},'
        ' "base_modes": ["4755 0:0 usr/bin/su"], "modes": ["4755 0:0 usr/local/bin/helper"]}'
    )
    assert [(found.rule, found.from_base) for found in problems(image)] == [
        ("image-root-user", None),
        ("image-secret-in-env", None),
        ("image-port-ssh", None),
        ("image-setuid-file", False),
        ("image-setuid-file", True),
    ]


def test_groups_are_no_users() -> None:
    image = view(
        '{"config": {"User": "app"}, "accounts": ["root:x:0:0", "app:x:10001:10001"], "groups": ["root::0:", "app:x:10001:", "b:x:10001:"]}'
    )
    found = problems(image, RULES.values())
    assert [(each.rule, each.message, each.file) for each in found if each.file.startswith("etc/")] == [
        ("image-shared-group-id", "app, b share the group id 10001", "etc/group")
    ]


def test_what_an_editor_left_is_told_once_by_its_folder() -> None:
    names = ("workspace.xml", "modules.xml", "vcs.xml")
    files = ", ".join(f'"app/.idea/{name}"' for name in names)
    found = problems(
        view(f'{{"paths": [{files}, "lib/modules.xml", "app/.DS_Store"]}}'), [RULES["image-needless-files"]]
    )
    assert [each.message for each in found] == [
        "/app/.DS_Store is in the image",
        "/app/.idea is in the image",
    ]
