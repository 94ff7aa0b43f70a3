"""Writes coverage.md, mirror.md and limits.md from what the code says of itself: `python docs/reference/_tables.py`."""

from pathlib import Path

import msgspec

from hullmark.advisories.registry import feeds, schemes
from hullmark.detectors.detector import Limits
from hullmark.detectors.registry import detectors
from hullmark.images.limits import ReadLimits

HERE = Path(__file__).parent


def coverage() -> str:
    """Give the page on detectors and version orders."""
    lines = [
        "# What is read",
        "",
        "Each detector names the files that it reads. `**/` is any folder. *Executables* are ELF files with an execute bit.",
        "",
        "| detector | version | reads |",
        "| --- | --- | --- |",
    ]
    for detector in detectors():
        wants = [f"`{pattern}`" for pattern in detector.wants]
        shown = ", ".join(wants[:8]) + (f" and {len(wants) - 8} more" if len(wants) > 8 else "")
        shown += (", " if shown else "") + "executables" if detector.binaries else ""
        lines.append(f"| {detector.name} | {detector.version} | {shown} |")
    lines += ["", "## Version orders", "", "| scheme | ecosystems |", "| --- | --- |"]
    for scheme in sorted(
        {scheme.name: scheme for scheme in schemes().values()}.values(), key=lambda s: s.name
    ):
        lines.append(f"| {scheme.name} | {', '.join(scheme.ecosystems)} |")
    return "\n".join(lines) + "\n"


def mirror() -> str:
    """Give the page on feeds and the layout of a mirror."""
    lines = [
        "# The layout of a mirror",
        "",
        "`hullmark db build --from DIR` reads the publishers' own files from a folder, laid out as below; each file plain, or",
        "compressed where a pattern says so. A static web server over the same folder is a mirror.",
        "",
        "| feed | publisher | licence | files |",
        "| --- | --- | --- | --- |",
    ]
    for feed in feeds():
        files = ", ".join(f"`{pattern}`" for pattern in feed.files)
        lines.append(f"| {feed.name} | [{feed.title}]({feed.homepage}) | {feed.licence} | {files} |")
    return "\n".join(lines) + "\n"


BOUNDS = {
    "layer_free_bytes": "bytes of a layer that are always inflated; beyond, `layer_ratio` counts",
    "image_free_bytes": "the same for all layers of an image together",
    "layer_ratio": "a layer may inflate to this many times its stored size; the rest of it is Unread",
    "layer_entries": "tar entries of a layer; the rest of it is Unread",
    "image_entries": "the same for the image",
    "image_lines": "lines of all text files together; files beyond are Unread",
    "layer_facts": "facts learned of a layer; files beyond are Unread",
    "image_facts": "the same for the image",
    "layer_fact_bytes": "bytes of a layer's facts as they are remembered",
    "image_fact_bytes": "the same for the image",
    "layer_shape_bytes": "bytes of a layer's links and whiteouts",
    "image_shape_bytes": "the same for the image",
    "layers": "layers of an image; one with more is refused",
    "path_bytes": "length of a path; a longer one is Unread",
    "header_bytes": "an extended tar header; a larger one is stepped over and said",
    "document_bytes": "a manifest, index or configuration; a larger one is refused",
    "manifest_depth": "indexes within indexes; deeper ones are refused",
    "manifests": "entries of an index",
    "archive_documents_bytes": "documents kept of an archive that is read once",
    "unread_records": "records of a layer that are named one by one; the rest is counted",
    "body_budget_bytes": "memory for file bodies held at one time, by all threads and processes together",
    "max_records": "records that one file may give; the rest is Unread",
    "max_lines": "lines of one file; one with more is Unread",
    "max_depth": "nesting of a document",
    "max_nested_archives": "archives within archives",
    "max_archive_entries": "entries of an archive",
    "max_expanded_bytes": "bytes that one archive may expand to",
    "max_ratio": "an archive's entry may expand to this many times its stored size",
}


def limits() -> str:
    """Give the page on limits."""
    lines = [
        "# Limits",
        "",
        "All input is hostile. Every bound is a setting (`--limit NAME=NUMBER`); the defaults fit real images. What lies beyond",
        "a bound is Unread: named in the report's `errors` with kind, path and reason, and the image is marked incomplete. The",
        "rest of it is always reported.",
        "",
        "| limit | default | what it bounds |",
        "| --- | --- | --- |",
    ]
    for bounds in (ReadLimits(), Limits()):
        for name, value in msgspec.structs.asdict(bounds).items():
            shown = f"{value // 2**20} MiB" if value % 2**20 == 0 else f"{value:,}"
            lines.append(f"| `{name}` | {shown} | {BOUNDS[name]} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both pages."""
    (HERE / "coverage.md").write_text(coverage(), "utf-8")
    (HERE / "mirror.md").write_text(mirror(), "utf-8")
    (HERE.parent / "explain" / "limits.md").write_text(limits(), "utf-8")


if __name__ == "__main__":
    main()
