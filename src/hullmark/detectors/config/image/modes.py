"""Permissions worth telling of an entry in a layer, and the text of file capabilities.

Formats: st_mode of POSIX; `security.capability` is `struct vfs_ns_cap_data` of Linux' uapi/linux/capability.h, its text that of libcap's
cap_to_text(3). In a pax header it stands as `SCHILY.xattr.security.capability` (raw) or, base64, as `LIBARCHIVE.xattr.security.capability`.
"""

import struct

from hullmark.model.facts import FileMode

SUID, SGID, STICKY, ANYBODY = 0o4000, 0o2000, 0o1000, 0o002
_REVISIONS = {0x01000000: (1, 12), 0x02000000: (2, 20), 0x03000000: (2, 24)}
"""Pairs of words, and the size of the whole, for each revision of the structure."""
_EFFECTIVE = 1
_IN_ORDER = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin"
    " net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time"
    " sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon"
    " bpf checkpoint_restore"
)
_NAMES = tuple(_IN_ORDER.split())
_ALL = (1 << len(_NAMES)) - 1

SHADOWS = frozenset(("etc/shadow", "etc/gshadow", "etc/shadow-", "etc/gshadow-"))
ACCOUNT_FILES = SHADOWS | {
    "etc/passwd",
    "etc/group",
    "etc/sudoers",
    "etc/ld.so.preload",
    "etc/crontab",
    "root/.ssh/authorized_keys",
}
"""Whoever may write to one of these becomes root."""


def mode_fact(
    path: str, mode: int, uid: int, gid: int, capability: bytes = b"", *, folder: bool = False
) -> FileMode | None:
    """Tell what is worth telling of a regular file or a folder: None for nearly all of them.

    `path` has no leading slash, `mode` is permission bits with SUID, SGID and sticky, `capability` the raw value of `security.capability`.
    """
    text = capability_text(capability) if capability and not folder else ""
    if not text and not (_is_folder_open(path, mode) if folder else _is_file_telling(path, mode, uid)):
        return None
    return FileMode(mode=mode & 0o7777, uid=uid, gid=gid, capabilities=text, folder=folder)


def _is_file_telling(path: str, mode: int, uid: int) -> bool:
    # SUID counts for what can be run; SGID without an execute bit for the group is mandatory locking
    runs = (mode & SUID and mode & 0o111) or (mode & SGID and mode & 0o010)
    return bool(runs or mode & ANYBODY or (path in ACCOUNT_FILES and is_account_file_open(path, mode, uid)))


def _is_folder_open(path: str, mode: int) -> bool:
    others = 0o022 if path in {"tmp", "var/tmp"} else ANYBODY
    return bool(mode & others) and not mode & STICKY


def is_account_file_open(path: str, mode: int, uid: int) -> bool:
    """Tell whether others than root may write to such a file, or read one with passwords."""
    return bool(mode & 0o022) or uid != 0 or (path in SHADOWS and bool(mode & 0o004))


def capability_text(raw: bytes) -> str:
    """Give `cap_net_bind_service=ep` for the value of `security.capability`; nothing for what the kernel would not take either."""
    if len(raw) < 4:
        return ""
    (magic,) = struct.unpack_from("<I", raw)
    pairs, size = _REVISIONS.get(magic & 0xFF000000, (0, -1))
    if len(raw) != size:
        return ""
    words = struct.unpack_from(f"<{2 * pairs}I", raw, 4)
    permitted = sum(word << 32 * at for at, word in enumerate(words[::2]))
    inherited = sum(word << 32 * at for at, word in enumerate(words[1::2]))
    effective = permitted | inherited if magic & _EFFECTIVE else 0
    flags = [(effective, "e"), (inherited, "i"), (permitted, "p")]
    if permitted & _ALL == _ALL and not inherited:
        return "=" + "".join(letter for bits, letter in flags if bits)
    groups: dict[str, list[str]] = {}
    for number in range(32 * pairs):
        letters = "".join(letter for bits, letter in flags if bits >> number & 1)
        if letters:
            name = f"cap_{_NAMES[number]}" if number < len(_NAMES) else str(number)
            groups.setdefault(letters, []).append(name)
    # as libcap has it: the first clause sets, those behind it add
    clauses = (f"{','.join(names)}+{letters}" for letters, names in sorted(groups.items()))
    return " ".join(clauses).replace("+", "=", 1)
