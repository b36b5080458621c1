"""Which file systems are no place for a journal: there neither locks nor renames are to be trusted."""

from pathlib import Path

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"})


def network_file_system(folder: Path) -> str | None:
    """The kind of network file system a folder is on; None where it is a local one, or nobody knows (not Linux)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    return kind_of(folder.resolve(), mounts)


def kind_of(folder: Path, mounts: list[str]) -> str | None:
    """The network file system among these mounts (fstab(5) lines) that holds a folder; None where it is a local one."""
    best, kind = -1, ""
    for mount in mounts:
        _, point, name, *_ = mount.split(" ")
        at = Path(point.encode("latin-1", "replace").decode("unicode_escape"))
        if folder.is_relative_to(at) and len(at.parts) >= best:
            best, kind = len(at.parts), name
    return kind if kind in _NETWORK else None
