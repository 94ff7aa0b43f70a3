"""The rules about layers: what makes an image larger than it need be, and a build slower. Examples are Dockerfiles."""

from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

COPY_BEFORE_INSTALL = Rule(
    id="copy-before-install",
    kind="layers",
    severity=Severity.LOW,
    summary="the source is copied before the dependencies are installed",
    why="Each change to the source makes the build install all dependencies again, and their layer is pushed, pulled and scanned again.",
    fix="Copy only the files that list the dependencies, install, and copy the source after that.",
    bad=('FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD ["node", "server.js"]\n',),
    good=(
        "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci && npm cache clean --force\nCOPY . .\n",
        "FROM python:3.12\nCOPY . .\nRUN pip install --no-cache-dir .\n",
    ),
    pack="pedantic",
)
VOLATILE_BELOW_STEADY = Rule(
    id="volatile-below-steady",
    kind="layers",
    severity=Severity.LOW,
    summary="what changes often stands below what hardly ever changes",
    why="A layer is built again whenever one below it changes, so a small change makes large layers be pushed, pulled and scanned again.",
    fix="Put the steady instructions first and those that change with the source last.",
    bad=(
        "FROM debian:12\nCOPY src/ /srv/\nRUN apt-get update && apt-get install -y ffmpeg && rm -rf /var/lib/apt/lists/*\n",
    ),
    good=(
        "FROM debian:12\nRUN apt-get update && apt-get install -y ffmpeg && rm -rf /var/lib/apt/lists/*\nCOPY src/ /srv/\n",
        "FROM debian:12\nCOPY sources.list /etc/apt/sources.list\nRUN apt-get update && apt-get install -y ffmpeg && rm -rf /var/lib/apt/lists/*\n",
    ),
    pack="pedantic",
)
CACHE_LEFT_BEHIND = Rule(
    id="cache-left-behind",
    kind="layers",
    severity=Severity.LOW,
    summary="a cache of the tool that installs is left in the layer",
    why="Nobody needs it at run time, and every pull brings it.",
    fix="Delete it in the same RUN, or keep it out of the image with a cache mount.",
    bad=(
        "FROM debian:12\nRUN apt-get update && apt-get install -y curl\n",
        "FROM alpine:3.22\nRUN apk add curl\n",
        "FROM fedora:42\nRUN dnf install -y curl\n",
        "FROM python:3.12\nRUN pip install requests==2.32.4\n",
    ),
    good=(
        "FROM debian:12\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n",
        "FROM debian:12\nRUN --mount=type=cache,target=/var/lib/apt --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install -y curl\n",
        "FROM alpine:3.22\nRUN apk add --no-cache curl\n",
        "FROM python:3.12\nENV PIP_NO_CACHE_DIR=1\nRUN pip install requests==2.32.4\n",
    ),
    pack="pedantic",
    same_as=(
        "DL3009", "DL3019", "DL3032", "DL3036", "DL3040", "DL3042", "DL3060",
        "DS-0015", "DS-0019", "DS-0020", "DS-0025", "AVD-DS-0015", "AVD-DS-0019", "AVD-DS-0020", "AVD-DS-0025",
        "DKL-DI-0004", "DKL-DI-0005",
    ),
)  # fmt: skip
HISTORY_IN_IMAGE = Rule(
    id="git-folder-in-image",
    kind="layers",
    severity=Severity.MEDIUM,
    summary="a Git repository with its history is in the image",
    why="Whoever can pull the image has every version of every file, also those that were deleted since for good reason.",
    fix="Put `.git` into .dockerignore, or copy only what the image needs.",
)
DELETED_LATER = Rule(
    id="deleted-in-later-layer",
    kind="layers",
    severity=Severity.LOW,
    summary="files are deleted in a later layer than the one that brought them",
    why="They are still in the lower layer: pushed, pulled, scanned, and to be read by anybody.",
    fix="Delete them in the RUN that makes them, or make them in another stage.",
    bad=(
        "FROM debian:12\nCOPY installer.run /tmp/installer.run\nRUN sh /tmp/installer.run\nRUN rm /tmp/installer.run\n",
    ),
    good=(
        "FROM debian:12\nRUN --mount=type=bind,source=installer.run,target=/tmp/installer.run sh /tmp/installer.run\n",
    ),
    pack="pedantic",
)
DUPLICATED_LATER = Rule(
    id="duplicated-in-later-layer",
    kind="layers",
    severity=Severity.LOW,
    summary="files are written again in a later layer",
    why="Both copies are stored, pushed and pulled, and only the last is seen.",
    fix="Write them once: put the instructions together, or start from a base that is up to date.",
    bad=("FROM alpine:3.22\nCOPY app /app\nRUN strip /app\n",),
    good=("FROM alpine:3.22\nCOPY app /app\n",),
    pack="pedantic",
)
TOUCHED_LATER = Rule(
    id="mode-changed-in-later-layer",
    kind="layers",
    severity=Severity.LOW,
    summary="mode or owner of files is changed in a later layer",
    why="A layer holds whole files: changing a mode or an owner stores each of them a second time.",
    fix="Use `COPY --chown=…` or `--chmod=…`, or change it in the RUN that makes the files.",
    bad=("FROM node:22\nCOPY dist /app\nRUN chown -R node:node /app\n",),
    good=("FROM node:22\nCOPY --chown=node:node dist /app\n",),
    pack="pedantic",
)
MERGEABLE = Rule(
    id="mergeable-layers",
    kind="layers",
    severity=Severity.NEGLIGIBLE,
    summary="instructions that belong together make layers of their own",
    why="Each layer is a request of its own when an image is pulled, and what a later one takes away stays in the one before.",
    fix="Put them into one RUN.",
    bad=("FROM debian:12\nRUN mkdir /data\nRUN chmod 700 /data\nRUN useradd app\n",),
    good=("FROM debian:12\nRUN mkdir /data && chmod 700 /data && useradd app\n",),
    pack="pedantic",
    same_as=("DL3059",),
)
UNREPRODUCED = Rule(
    id="same-content-other-digest",
    kind="layers",
    severity=Severity.NEGLIGIBLE,
    summary="a layer has the same content as in the build before and another digest",
    why="It is pushed, pulled and scanned again though nothing in it changed.",
    fix="Build with SOURCE_DATE_EPOCH and `rewrite-timestamp=true`, and with the build cache of the build before.",
    pack="pedantic",
)
RULES = (
    COPY_BEFORE_INSTALL,
    VOLATILE_BELOW_STEADY,
    CACHE_LEFT_BEHIND,
    HISTORY_IN_IMAGE,
    DELETED_LATER,
    DUPLICATED_LATER,
    TOUCHED_LATER,
    MERGEABLE,
    UNREPRODUCED,
)
