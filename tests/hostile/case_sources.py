"""Images whose manifests, configurations, indexes and archives lie, lack something or never end."""

import hashlib
import json
import os
from pathlib import Path

from hostile.images import (
    CONFIG,
    FOREIGN_LAYER,
    GIB,
    INDEX,
    KIB,
    MANIFEST,
    OS_RELEASE,
    STATUS,
    ZSTD_LAYER,
    Layer,
    Layout,
    Told,
    case,
    digest_of,
    entry,
    gz,
    header,
    hostile,
    layout,
    saved,
    sound,
    status,
    tar,
)

SMALL = tar(entry("srv/data", b"x" * 100))


def planted() -> Layer:
    """A layer without packages that claims to be the sound one."""
    return Layer(gz(SMALL), digest=sound().claimed, size=len(gz(SMALL)))


@case(Told("layer", "its bytes have the digest sha256:"))
def digest_that_does_not_fit(scratch: Path) -> str:
    """Another content under a layer's digest: what is in it counts as seen, the layer as unread."""
    lying = hostile(SMALL)
    lying.digest = digest_of(b"something else")
    return layout(scratch, sound(), lying)


@case(
    Told("layer", "its bytes have the digest sha256:"),
    packages=(),
    least=0,
    before=lambda scratch: layout(scratch, sound()),
    after=lambda scratch: layout(scratch, sound()),
)
def digest_borrowed_from_the_cache(scratch: Path) -> str:
    """The true layer is remembered; one that only claims its digest must not borrow its facts."""
    return layout(scratch, planted())


@case(
    Told("layer", "its bytes have the digest sha256:"),
    packages=(),
    least=0,
    after=lambda scratch: layout(scratch, sound()),
)
def digest_planted_in_the_cache(scratch: Path) -> str:
    """A layer that claims the digest of another one must not leave its facts under it."""
    return layout(scratch, planted())


@case(after=lambda scratch: saved(scratch, sound_plain()))
def diff_id_planted_in_the_cache(scratch: Path) -> str:
    """A configuration that gives an empty layer the diff id of the sound one, both packed."""
    other = Layer(gz(SMALL), diff_id=sound().diff_id)
    return saved(scratch, sound(), other)


@case(
    Told("layer", "its bytes have the digest sha256:"),
    after=lambda scratch: saved(scratch, sound_plain()),
)
def plain_diff_id_planted_in_the_cache(scratch: Path) -> str:
    """The same with plain layers, where the diff id is the digest of what is read."""
    return saved(scratch, sound(), Layer(SMALL, diff_id=sound().diff_id))


def sound_plain() -> Layer:
    from hostile.images import sound_tar

    return Layer(sound_tar())


@case(Told("layer", "bytes, not "))
def size_that_does_not_fit(scratch: Path) -> str:
    lying = hostile(SMALL)
    lying.size = len(lying.body) + 1
    return layout(scratch, sound(), lying)


@case(Told("layer", "bytes, not "))
def size_of_eight_exbibytes(scratch: Path) -> str:
    lying = hostile(SMALL)
    lying.size = (1 << 63) - 1
    return layout(scratch, sound(), lying)


@case(Told("file", "has the digest"))
def config_digest_that_does_not_fit(scratch: Path) -> str:
    made = Layout(scratch / "image")
    lie = made.put(b'{"os": "linux", "rootfs": {"diff_ids": []}}', digest_of(b"other"))
    described = {"mediaType": CONFIG, "digest": lie, "size": 43}
    return made.finish(made.manifest([sound()], config=described))


@case(Told("file", "cannot be read"))
def config_that_is_missing(scratch: Path) -> str:
    described = {"mediaType": CONFIG, "digest": digest_of(b"missing"), "size": 7}
    return layout(scratch, sound(), config=described)


@case(Told("file", "not an image configuration"))
def config_that_is_not_json(scratch: Path) -> str:
    made = Layout(scratch / "image")
    body = b"\x7fELF" + bytes(range(256))
    described = {"mediaType": CONFIG, "digest": made.put(body), "size": len(body)}
    return made.finish(made.manifest([sound()], config=described))


@case(Told("file", "not an image configuration"))
def config_nested_without_end(scratch: Path) -> str:
    made = Layout(scratch / "image")
    body = b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}"
    described = {"mediaType": CONFIG, "digest": made.put(body), "size": len(body)}
    return made.finish(made.manifest([sound()], config=described))


@case(Told("file", "larger than"))
def config_of_a_hundred_megabytes(scratch: Path) -> str:
    made = Layout(scratch / "image")
    body = b'{"os": "linux", "a": "' + b" " * 100_000_000 + b'"}'
    described = {"mediaType": CONFIG, "digest": made.put(body), "size": len(body)}
    return made.finish(made.manifest([sound()], config=described))


@case()
def config_with_odd_types(scratch: Path) -> str:
    """Every field that is used has another type than it should have."""
    made = Layout(scratch / "image")
    layer = sound()
    odd = {
        "architecture": 7,
        "os": ["linux"],
        "config": "none",
        "history": [{"created_by": {"a": 1}}, 3, None],
        "rootfs": {"diff_ids": [layer.diff_id]},
    }
    return made.finish(made.manifest([layer], config={"mediaType": CONFIG, **made.put_json(odd)}))


@case(Told("record", "the manifest names 2 layers, the configuration 1"))
def more_layers_than_the_config(scratch: Path) -> str:
    made = Layout(scratch / "image")
    few = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [sound().diff_id]}}
    layers = [sound(), hostile(SMALL)]
    return made.finish(made.manifest(layers, config={"mediaType": CONFIG, **made.put_json(few)}))


@case()
def media_type_that_lies(scratch: Path) -> str:
    """What a layer is shows in its bytes: a gzip layer that is called zstd is read all the same."""
    lying = sound()
    lying.media_type = ZSTD_LAYER
    return layout(scratch, lying)


@case(failure="has the digest")
def index_that_names_itself(scratch: Path) -> str:
    """No digest can be in its own content, so a loop needs a blob that is not what its name says."""
    made = Layout(scratch / "image")
    digest = digest_of(b"loop")
    inner = json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": INDEX, "digest": digest}]})
    made.put(inner.encode(), digest)
    made.index({"mediaType": INDEX, "digest": digest, "size": len(inner)})
    return f"oci:{made.folder}"


@case(failure="nested more than")
def index_nested_a_hundred_deep(scratch: Path) -> str:
    made = Layout(scratch / "image")
    inner = {"mediaType": MANIFEST, **made.put_json(made.manifest([sound()]))}
    for _ in range(100):
        inner = {"mediaType": INDEX, **made.put_json({"schemaVersion": 2, "manifests": [inner]})}
    made.index(inner)
    return f"oci:{made.folder}"


@case(failure="an index of 400000 entries")
def index_of_400000_entries(scratch: Path) -> str:
    made = Layout(scratch / "image")
    made.index(*[{"digest": ""}] * 400_000)
    return f"oci:{made.folder}"


@case(failure="100000 layers")
def manifest_of_100000_layers(scratch: Path) -> str:
    made = Layout(scratch / "image")
    manifest = made.manifest([sound()])
    one = {"digest": "sha256:0"}
    return made.finish(manifest | {"layers": manifest["layers"] + [one] * 99_999})


@case(failure="larger than")
def manifest_of_fifty_megabytes(scratch: Path) -> str:
    return layout(scratch, sound(), annotations={"a": "x" * 50_000_000})


@case(failure="its manifest cannot be read")
def manifest_nested_without_end(scratch: Path) -> str:
    made = Layout(scratch / "image")
    (made.folder / "index.json").write_text('{"manifests":' + "[" * 1_000_000)
    return f"oci:{made.folder}"


@case(failure="is no digest")
def manifest_digest_that_leads_outside(scratch: Path) -> str:
    made = Layout(scratch / "image")
    made.index({"mediaType": MANIFEST, "digest": "sha256:../../../../../../etc/passwd", "size": -1})
    return f"oci:{made.folder}"


@case(Told("layer", "is no digest"))
def layer_digest_that_leads_outside(scratch: Path) -> str:
    outside = Layer(b"", digest="sha256:../../../../../../etc/passwd", stored=False, size=1)
    return layout(scratch, sound(), outside)


@case(Told("layer", "its manifest does not describe it: "), Told("record", "it is not as it should be: "))
def layer_that_is_not_described(scratch: Path) -> str:
    """Where a descriptor should be stands something else; the others are as good as ever."""
    made = Layout(scratch / "image")
    manifest = made.manifest([sound(), hostile(SMALL)])
    manifest["layers"][1] = "sha256:" + "0" * 64
    return made.finish(manifest)


@case(Told("layer", "its manifest does not describe it: "), Told("record", "it is not as it should be: "))
def layer_whose_size_is_no_number(scratch: Path) -> str:
    made = Layout(scratch / "image")
    manifest = made.manifest([sound(), hostile(SMALL)])
    manifest["layers"][1]["size"] = "12"
    return made.finish(manifest)


@case(Told("record", "it is not as it should be: "))
def manifest_with_odd_types(scratch: Path) -> str:
    made = Layout(scratch / "image")
    manifest = made.manifest([sound(), hostile(SMALL)])
    manifest["layers"][1] |= {"mediaType": 7, "urls": "x", "platform": [], "annotations": None}
    return made.finish(manifest | {"schemaVersion": "2", "mediaType": [], "annotations": {"a": 5}})


@case(
    Told("record", "it is not as it should be: "),
    Told("file", "its manifest does not describe it: "),
)
def manifest_whose_config_is_no_descriptor(scratch: Path) -> str:
    made = Layout(scratch / "image")
    return made.finish(made.manifest([sound(), hostile(SMALL)]) | {"config": 7})


@case(Told("layer", "a sparse file with more in it than"))
def blob_of_a_hundred_gigabytes_of_nothing(scratch: Path) -> str:
    """A hole costs whoever makes it nothing, and is as long to read as anything else."""
    lying = hostile(SMALL)
    reference = layout(scratch, sound(), lying)
    os.truncate(scratch / "image/blobs" / lying.claimed.replace(":", "/"), 100 * GIB)
    return reference


@case(Told("layer", "cannot be read"))
def blob_that_is_missing(scratch: Path) -> str:
    gone = hostile(SMALL)
    gone.stored = False
    return layout(scratch, sound(), gone)


@case(Told("layer", "foreign layer"))
def foreign_layer(scratch: Path) -> str:
    """The bytes of a foreign layer are at an address, which nobody may be made to ask."""
    elsewhere = hostile(SMALL, media_type=FOREIGN_LAYER)
    elsewhere.stored, elsewhere.urls = False, ("http://169.254.169.254/latest/meta-data",)
    return layout(scratch, sound(), elsewhere)


def replaced_blob(scratch: Path, put: str) -> str:
    made = Layout(scratch / "image")
    other = hostile(SMALL)
    reference = made.finish(made.manifest([sound(), other]))
    path = made.path(other.claimed)
    path.unlink()
    if put == "fifo":
        os.mkfifo(path)
    elif put == "folder":
        path.mkdir()
    else:
        path.symlink_to(put)
    return reference


@case(Told("layer", "not a regular file"))
def blob_that_is_a_fifo(scratch: Path) -> str:
    return replaced_blob(scratch, "fifo")


@case(Told("layer", "not a regular file"))
def blob_that_is_a_link_to_zeros_without_end(scratch: Path) -> str:
    return replaced_blob(scratch, "/dev/zero")


OTHER = "its blob is a link to a file whose digest is not the one that the manifest gives"


@case(Told("layer", OTHER))
def blob_that_is_a_link_to_another_file(scratch: Path) -> str:
    return replaced_blob(scratch, "/etc/passwd")


@case(Told("layer", OTHER))
def blob_that_is_a_link_to_another_archive(scratch: Path) -> str:
    """The archive is readable to whoever scans, but not the image's: nothing of it may be in the report."""
    private = scratch / "private.tar.gz"
    private.write_bytes(gz(tar(entry("srv/private/package.json", b'{"name":"private","version":"1.0.0"}'))))
    return replaced_blob(scratch, str(private))


@case(Told("layer", "Too many levels of symbolic links"))
def blob_that_is_a_link_to_itself(scratch: Path) -> str:
    return replaced_blob(scratch, f"../sha256/{hostile(SMALL).claimed.partition(':')[2]}")


@case(Told("layer", "not a regular file"))
def blob_that_is_a_link_to_a_folder(scratch: Path) -> str:
    return replaced_blob(scratch, "/etc")


@case(Told("file", "is a link to a file of other content"))
def config_that_is_a_link_to_another_file(scratch: Path) -> str:
    made = Layout(scratch / "image")
    digest = digest_of(b"config")
    made.path(digest).symlink_to("/etc/passwd")
    described = {"mediaType": CONFIG, "digest": digest, "size": 6}
    return made.finish(made.manifest([sound()], config=described))


@case(Told("layer", "not a regular file"))
def blob_that_is_a_folder(scratch: Path) -> str:
    return replaced_blob(scratch, "folder")


@case(failure="not a regular file")
def index_that_is_a_fifo(scratch: Path) -> str:
    reference = layout(scratch, sound())
    (scratch / "image/index.json").unlink()
    os.mkfifo(scratch / "image/index.json")
    return reference


@case(Told("file", "not a regular file"))
def config_that_is_a_fifo(scratch: Path) -> str:
    made = Layout(scratch / "image")
    digest = digest_of(b"pipe")
    os.mkfifo(made.path(digest))
    described = {"mediaType": CONFIG, "digest": digest, "size": 4}
    return made.finish(made.manifest([sound()], config=described))


@case(
    Told("layer", "the archive lacks '../../etc/passwd'"),
    Told("layer", "the archive lacks '/etc/shadow'"),
    Told("record", "the manifest names 3 layers, the configuration 0"),
)
def layer_names_that_lead_outside(scratch: Path) -> str:
    body = b'{"os": "linux"}'
    listed = [{"Config": "c.json", "Layers": ["1/layer.tar", "../../etc/passwd", "/etc/shadow"]}]
    return saved(scratch, sound(), names=["1/layer.tar"], config=body, config_name="c.json", manifest=listed)


@case(Told("layer", "the archive lacks"))
def layer_name_with_control_characters(scratch: Path) -> str:
    names = ["1/layer.tar", "\x1b]0;owned\x07\x1b[2J\u202egnp.exe"]
    return saved(scratch, sound(), Layer(b"", diff_id="x", stored=False), names=names)


@case(failure="the archive cannot be read")
def archive_cut_in_the_middle(scratch: Path) -> str:
    reference = saved(scratch, sound(), hostile(SMALL))
    path = scratch / "image.tar"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return reference


@case(failure="the archive cannot be read")
def packed_archive_cut_in_the_middle(scratch: Path) -> str:
    saved(scratch, sound(), hostile(SMALL))
    packed = gz((scratch / "image.tar").read_bytes())
    (scratch / "image.tar.gz").write_bytes(packed[: len(packed) // 2])
    return f"{scratch}/image.tar.gz"


@case(Told("record", "cannot be read to its end"))
def packed_archive_cut_after_its_manifest(scratch: Path) -> str:
    """What was read so far counts; that there may have been more is said."""
    saved(scratch, sound(), more=b"")
    packed = gz((scratch / "image.tar").read_bytes())
    (scratch / "image.tar.gz").write_bytes(packed[:-6])
    return f"{scratch}/image.tar.gz"


@case(Told("record", "cannot be read to its end"))
def archive_cut_after_its_manifest(scratch: Path) -> str:
    saved(scratch, sound())
    body = (scratch / "image.tar").read_bytes()[:-1024] + entry("more", bytes(10 * KIB))[:2000]
    (scratch / "image.tar").write_bytes(body)
    return f"docker-archive:{scratch}/image.tar"


@case(Told("layer", "corrupt gzip data"))
def archive_within_standard_input(scratch: Path) -> str:
    """A stream is read once: its layers are read before anything says what they are."""
    bad = gz(SMALL)[:-40] + b"\xff" * 30
    saved(scratch, sound(), Layer(bad, diff_id="sha256:" + "0" * 64))
    return f"archive:-<{scratch}/image.tar"


@case(failure="neither manifest.json nor index.json")
def archive_of_nothing(scratch: Path) -> str:
    (scratch / "image.tar").write_bytes(tar(entry("readme", b"none")))
    return f"docker-archive:{scratch}/image.tar"


@case(failure="the archive cannot be read")
def archive_of_noise(scratch: Path) -> str:
    (scratch / "image.tar").write_bytes(hashlib.sha256(b"").digest() * 1000)
    return f"docker-archive:{scratch}/image.tar"


@case(
    Told("layer", "the archive lacks"),
    Told("record", "the manifest names 3 layers, the configuration 0"),
    packages=(),
    least=0,
)
def layer_links_that_loop(scratch: Path) -> str:
    """Old archives share layers by links; here they lead in circles and outside."""
    from hostile.images import symlink

    listed = [{"Config": "c.json", "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"]}]
    links = [
        symlink("a/layer.tar", "../b/layer.tar"),
        symlink("b/layer.tar", "../a/layer.tar"),
        symlink("c/layer.tar", "/../../../etc/passwd"),
    ]
    return saved(
        scratch, config=b'{"os": "linux"}', config_name="c.json", manifest=listed, more=b"".join(links)
    )


@case()
def manifest_of_both_kinds(scratch: Path) -> str:
    """A manifest that is an index too: it is followed as an index, and its other half counts for nothing."""
    made = Layout(scratch / "image")
    inner = {"mediaType": MANIFEST, **made.put_json(made.manifest([sound()]))}
    both = made.manifest([hostile(tar(entry(STATUS, b"Package: x\nVersion: 1\n")))])
    made.index({"mediaType": MANIFEST, **made.put_json(both | {"manifests": [inner]})})
    return f"oci:{made.folder}"


@case(Told("file", "not an image configuration: of more than"), cache_mib=8)
def config_of_a_million_values(scratch: Path) -> str:
    """8 MB of empty objects, which take thirty times as much when they are decoded."""
    made = Layout(scratch / "image")
    body = b'{"os": "linux", "a": [' + b'{"":{}},' * 1_000_000 + b"0]}"
    described = {"mediaType": CONFIG, "digest": made.put(body), "size": len(body)}
    return made.finish(made.manifest([sound()], config=described))


@case()
def packed_archive_of_100000_members(scratch: Path) -> str:
    """Empty files, and such that begin as a gzip file does: none of them may be taken for a layer."""
    body = b"{}" + bytes(510)
    junk = b"".join(
        header(f"a/{n}", n % 3) + (b"" if n % 3 == 0 else b"\x1f\x8b".ljust(512, b"\0"))
        for n in range(100_000)
    )
    saved(scratch, sound(), more=header("z.json", 2) + body)
    inner = (scratch / "image.tar").read_bytes()
    (scratch / "image.tar").write_bytes(gz(junk) + gz(inner))
    return f"{scratch}/image.tar"


@case(failure="more than 2000 entries", flags=("--limit", "archive_entries=2000"))
def archive_of_many_members(scratch: Path) -> str:
    junk = b"".join(header(f"a/{n}") for n in range(3000))
    saved(scratch, sound())
    (scratch / "image.tar").write_bytes(junk + (scratch / "image.tar").read_bytes())
    return f"docker-archive:{scratch}/image.tar"


@case()
def folder_that_is_hostile(scratch: Path) -> str:
    """An unpacked root: pipes and sockets, links out of it and in circles, names that are no text, no rights."""
    import socket

    root = scratch / "root"
    (root / STATUS).parent.mkdir(parents=True)
    (root / STATUS).write_bytes(status())
    (root / "etc").mkdir()
    (root / "etc/os-release").symlink_to("/etc/os-release")
    (root / "loop").symlink_to(".")
    (root / "up").symlink_to("../..")
    os.mkfifo(root / "package.json")
    (root / "srv").mkdir()
    (root / "srv/requirements.txt").symlink_to("/proc/self/mem")
    os.mkfifo(root / "srv/pom.properties")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
    for name in (b"\xff\xfe.json", b"\x1b[2J", b"new\nline"):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"x")
    return f"dir:{root}"


@case()
def image_in_a_folder_that_is_no_text(scratch: Path) -> str:
    made = scratch / os.fsdecode(b"\xff\xfe\x1b[2J")
    made.mkdir()
    return layout(made, sound())


@case(failure="cannot be read")
def nothing_in_a_folder_that_is_no_text(scratch: Path) -> str:
    made = scratch / os.fsdecode(b"\xff\xfe\x1b[2J")
    made.mkdir()
    return f"oci:{made}"


@case(Told("file", "", "srv/"))
def lone_surrogates_in_every_format(scratch: Path) -> str:
    """Half of a character, which JSON and YAML can spell and UTF-8 cannot: no report may break over it."""
    files = {
        "package-lock.json": b'{"lockfileVersion":3,"packages":{"":{},"node_modules/\\ud800":{"version":"1.0.0"}}}',
        "bun.lock": b'{"lockfileVersion":1,"packages":{"\\udfff":["\\udfff@1.0.0"],}}',
        "pnpm-lock.yaml": b'lockfileVersion: "9.0"\npackages:\n  "\\uD800@1.0.0": {}\n',
        "poetry.lock": b'[[package]]\nname = "\\uD800"\nversion = "1"\n',
        "composer.lock": b'{"packages":[{"name":"a/\\ud800","version":"1"}]}',
        "packages.config": b'<packages><package id="&#xD800;" version="1.0"/></packages>',
        "requirements.txt": b"\xff\xfea\x00\x00\xd8=\x00=\x001\x00",
    }
    return layout(
        scratch, sound(), hostile(tar(*[entry(f"srv/{name}", body) for name, body in files.items()]))
    )


@case(Told("file", "it names no configuration"))
def manifest_whose_config_is_null(scratch: Path) -> str:
    made = Layout(scratch / "image")
    return made.finish(made.manifest([sound()]) | {"config": None})


@case(
    Told("layer", "manifest.json does not say where the layer is"),
    Told("record", "it is not as it should be"),
    Told("record", "the manifest names 2 layers, the configuration 1"),
)
def saved_manifest_with_a_null_layer(scratch: Path) -> str:
    layer = sound()
    body = json.dumps({"os": "linux", "rootfs": {"diff_ids": [layer.diff_id]}}).encode()
    listed = [{"Config": "c.json", "RepoTags": None, "Layers": [None, f"{1:064x}/layer.tar"]}]
    return saved(scratch, layer, config=body, config_name="c.json", manifest=listed)


@case(Told("record", "it is not as it should be"), Told("file", "the archive lacks it"))
def saved_manifest_with_odd_types(scratch: Path) -> str:
    listed = [7, {"Config": {}, "RepoTags": [1, None], "Layers": [f"{1:064x}/layer.tar"]}]
    return saved(scratch, sound(), manifest=listed)


@case(Told("record", "a sparse file with more in it than"))
def folder_of_files_of_a_hundred_gigabytes_of_nothing(scratch: Path) -> str:
    root = scratch / "root"
    for name, body in (("etc/os-release", OS_RELEASE), (STATUS, status()), ("bin/tool", b"\x7fELF")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body)
    os.truncate(root / "bin/tool", 100 * GIB)
    (root / "bin/tool").chmod(0o755)
    (root / "srv").mkdir()
    (root / "srv/app.jar").touch()
    os.truncate(root / "srv/app.jar", 100 * GIB)
    return f"dir:{root}"
