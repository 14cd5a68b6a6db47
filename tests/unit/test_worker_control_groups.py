"""Where a process finds its control group of version 2, in all layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargehand_worker.control_groups import directories_of, usable_groups

_UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
_HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
36 31 0:33 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"""
_OLD = "36 31 0:33 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
_PART = "30 23 0:26 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw"
_SPACE = r"30 23 0:26 / /mnt/my\040groups rw - cgroup2 cgroup2 rw"


@pytest.mark.parametrize(
    ("mounts", "membership", "expected"),
    [
        (_UNIFIED, "0::/user.slice/x.service\n", ["/sys/fs/cgroup/user.slice/x.service"]),
        (_UNIFIED, "0::/", ["/sys/fs/cgroup"]),
        (_HYBRID, "4:memory:/a\n1:name=systemd:/b\n0::/c", ["/sys/fs/cgroup/unified/c"]),
        (_OLD, "4:memory:/a\n", []),
        (_OLD, "4:memory:/a\n0::/c", []),
        (_PART, "0::/docker/ab", ["/sys/fs/cgroup"]),
        (_PART, "0::/docker/ab/in", ["/sys/fs/cgroup/in"]),
        (_PART, "0::/docker/abc", []),
        (_PART, "0::/other", []),
        (_SPACE, "0::/c", ["/mnt/my groups/c"]),
        (f"{_UNIFIED}\n{_SPACE}", "0::/c", ["/sys/fs/cgroup/c", "/mnt/my groups/c"]),
        ("", "", []),
        ("garbage", "0::", []),
    ],
)
def test_the_group_is_found(mounts: str, membership: str, expected: list[str]) -> None:
    found = [str(path).rstrip("/") for path in directories_of(mounts, membership)]

    assert found == expected


def test_without_any_there_are_none(tmp_path: Path) -> None:
    assert usable_groups(tmp_path) is None


def test_a_mount_without_groups_in_it_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "mount"
    place.mkdir()
    (place / "cgroup.procs").touch()
    (tmp_path / "cgroup").write_text("0::/\n")
    (tmp_path / "mountinfo").write_text(f"1 2 0:1 / {place} rw - cgroup2 cgroup2 rw\n")

    assert usable_groups(tmp_path) is None
    assert [path.name for path in place.iterdir()] == ["cgroup.procs"]
