"""Memory for weir-media and the region: 2 MB hugepages where the host allows, ordinary memory where not."""

from dataclasses import dataclass
from pathlib import Path

from lab.undo import HUGEPAGES, UndoLog, add_hugepages, run

_PAGE_MB = 2
_REGION_MB = 128  # of the sample configuration: flow table, rings and counters, with room to spare


@dataclass(frozen=True)
class Memory:
    """What was found. `folder` is a hugetlbfs mount, or None for the fallback; `sentence` is for people."""

    folder: Path | None
    sentence: str


def prepare(undo: UndoLog, folder: Path, heap_mb: int, region_mb: int = _REGION_MB) -> Memory:
    """Reserves pages for `heap_mb` of DPDK heap and `region_mb` of region, and mounts them; all of it is undone at the
    end."""
    wanted = (heap_mb + region_mb) // _PAGE_MB
    if not HUGEPAGES.exists():
        return _fallback("this kernel has no 2 MB hugepages")
    before = int(HUGEPAGES.read_text())
    missing = max(0, wanted - int((HUGEPAGES.parent / "free_hugepages").read_text()))
    if missing:
        undo.add("hugepages", missing)
        try:
            add_hugepages(missing)
        except OSError as error:
            undo.forget("hugepages", missing)
            return _fallback(f"the host does not let hugepages be reserved: {error.strerror}")
        got = int(HUGEPAGES.read_text()) - before
        if got < missing:
            HUGEPAGES.write_text(str(before))
            undo.forget("hugepages", missing)
            return _fallback(f"the host has room for {got} more 2 MB hugepages, {missing} are needed")
    mount = folder / "hugepages"
    mount.mkdir()
    undo.add("mount", str(mount))
    try:
        run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M,mode=0755", "weir-lab", str(mount)])
    except Exception as error:  # a container without CAP_SYS_ADMIN on mounts
        return _fallback(str(error))
    kept = f"{missing} of them reserved now and given back at the end" if missing else "reserved already"
    return Memory(mount, f"2 MB hugepages: {wanted} pages, {kept}")


def _fallback(reason: str) -> Memory:
    return Memory(None, f"ordinary memory, since {reason}")
