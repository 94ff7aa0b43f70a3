"""The image of the requirements: root, a port for SSH, a password in ENV, keys in a file that a later layer deletes, a new SUID file."""

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.program import run
from hullmark.detectors.secrets.samples import expanded
from toys.saved import packed, save

KEYS = expanded(
    "[default]\naws_access_key_id = AKIA<<base32:16>>\naws_secret_access_key = <<base64:40>>\n"
).encode()
PASSWORD = expanded("DB_PASSWORD=Rv7<<alnum:14>>")


def setuid(name: str) -> bytes:
    return packed({name: b"\x7fELF" + b"\0" * 60}, mode=0o4755)


def deleted(name: str) -> bytes:
    folder, _, base = name.rpartition("/")
    return packed({f"{folder}/.wh.{base}": b""})


def scanned(tmp_path: Path, layers: list[bytes], **config: Any) -> dict[str, Any]:
    image = save(tmp_path / "image.tar", "shop/app:1.0", layers, config=config)
    done = run(
        tmp_path / "cache", "scan", str(image), "--scanners", "secret,config", "--format", "json", "--quiet"
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_all_five_are_found(tmp_path: Path) -> None:
    report = scanned(
        tmp_path,
        [
            packed({"etc/os-release": b"ID=debian\nVERSION_ID=12\n"}),
            packed({"root/.aws/credentials": KEYS}),
            deleted("root/.aws/credentials"),
            setuid("usr/local/bin/helper"),
        ],
        User="root",
        ExposedPorts={"22/tcp": {}, "80/tcp": {}},
        Env=["PATH=/usr/bin", PASSWORD],
    )
    config = {(each["rule"], each["resource"] or each["file"]) for each in report["config"]}
    assert any(rule == "image-root-user" for rule, _ in config)
    assert [rule for rule, resource in config if "22" in resource] == ["image-port-ssh"]
    assert not any("80" in resource for _, resource in config)
    assert any(
        rule == "image-setuid-file" and "usr/local/bin/helper" in resource for rule, resource in config
    )
    secrets = {(each["source"], each["path"], each["layer"]) for each in report["secrets"]}
    assert ("deleted_file", "root/.aws/credentials", 1) in secrets
    assert ("environment", "config.Env.DB_PASSWORD", -1) in secrets
    keys = [each for each in report["secrets"] if each["source"] == "deleted_file"]
    assert {each["line"] for each in keys} == {2, 3}
    text = json.dumps(report)
    assert PASSWORD.partition("=")[2] not in text
    assert not any(word in text for word in KEYS.decode().split() if len(word) > 19)


def test_the_report_says_how_many_files_only_the_rules_for_binary_ones_searched(tmp_path: Path) -> None:
    layers = [
        packed({"opt/app": b"\x7fELF" + b"\0" * 60, "opt/a.txt": b"a"}),
        packed({"opt/app": b"\0", "opt/data.bin": b"a" * 8000 + b"\0", "opt/late.bin": b"a" * 8192 + b"\0"}),
    ]
    cache, line = (
        tmp_path / "cache",
        b"\n3 binary files searched only for private keys and for tokens of unmistakable form\n",
    )
    report = scanned(tmp_path, layers)
    assert report["coverage"]["binary_files"] == 3
    assert scanned(tmp_path, layers)["coverage"]["binary_files"] == 3  # as it is remembered
    image = str(tmp_path / "image.tar")
    assert line in run(cache, "scan", image, "--scanners", "secret", "--quiet").stdout
    assert b"binary" not in run(cache, "scan", image, "--scanners", "config", "--quiet").stdout
    folder = tmp_path / "tree"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.bin").write_bytes(b"\0")
    assert line in run(cache, "scan", f"dir:{folder}", "--scanners", "secret", "--quiet").stdout


def test_a_name_alone_is_no_more_than_a_hint(tmp_path: Path) -> None:
    layers = [
        packed(
            {
                "root/.aws/credentials": KEYS,
                "root/.netrc": b"# none yet\n",
                "srv/.env": b"PORT=80\n",
                "srv/node_modules/a/.npmrc": b"save-exact=true\n",
            }
        ),
        packed({"srv/identity.p12": b"\x30\x82\x00" * 40}),
        deleted("srv/.env"),
    ]
    report = scanned(tmp_path, layers, User="1000")
    told = [each for each in report["config"] if each["rule"] == "image-credential-file"]
    assert [(each["file"], each["layer"], each["severity"]) for each in told] == [
        ("root/.netrc", 0, "negligible"),
        ("srv/identity.p12", 1, "negligible"),
    ]
    assert {each["path"] for each in report["secrets"]} == {"root/.aws/credentials"}
    again = scanned(tmp_path, layers, User="1000")  # as it is remembered
    assert again["config"] == report["config"]
    gate = ["--scanners", "secret,config", "--fail-on", "config:low", "--quiet"]
    assert run(tmp_path / "cache", "scan", str(tmp_path / "image.tar"), *gate).returncode == 0


@pytest.mark.parametrize("key", ["ABD54F0356FA0054", "ABD54F0356FA005432D45D0056AF5400"])
def test_a_key_in_a_url_is_found_in_the_history_and_in_a_script(tmp_path: Path, key: str) -> None:
    command = f"RUN /bin/sh -c curl http://my.service/?auth={key} # buildkit"
    image = save(
        tmp_path / "image.tar",
        "shop/app:1.0",
        [packed({"opt/run.sh": f"#!/bin/sh\ncurl http://my.service/?auth={key}\n".encode()})],
        history=[{"created_by": command}],
    )
    done = run(tmp_path / "cache", "scan", str(image), "--scanners", "secret", "--format", "json", "--quiet")
    report = json.loads(done.stdout)
    found = {(each["source"], each["path"], each["line"], each["confidence"]) for each in report["secrets"]}
    assert found == {("history", "history.0", 0, "high"), ("file", "opt/run.sh", 2, "high")}
    assert key.encode() not in done.stdout
