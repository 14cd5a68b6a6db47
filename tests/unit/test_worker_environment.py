"""What local workers get of the master's environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from chargehand.links.native.worker_environment import worker_environment
from chargehand_worker.clean_environment import container_environment, is_made_for_worker

OWN = {
    "PATH": f"{sys.prefix}/bin:/opt/venv/bin:/usr/bin:/bin",
    "VIRTUAL_ENV": "/opt/venv",
    "HOME": "/home/ci",
    "LANG": "C.UTF-8",
    "LC_ALL": "de_DE.UTF-8",
    "TZ": "UTC",
    "https_proxy": "http://proxy",
    "SECRET_TOKEN": "x",
    "JAVA_HOME": "/opt/java",
    "PYTHONPATH": "/somewhere",
    "ODD": os.fsdecode(b"caf\xe9"),
}


def environment(**settings: Any) -> dict[str, str]:
    return worker_environment(OWN, settings)


def test_what_a_login_has_is_kept_and_nothing_else() -> None:
    kept = environment()

    assert {"USER", "LOGNAME", "SHELL"} <= set(kept)
    names = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "https_proxy"}
    assert {name: kept[name] for name in names - {"PATH"}} == {
        name: OWN[name] for name in names - {"PATH"}
    }
    assert set(kept) == names | {"USER", "LOGNAME", "SHELL"}


def test_the_path_is_without_the_masters_virtual_environment() -> None:
    assert environment()["PATH"] == "/usr/bin:/bin"
    own = {"PATH": f"{sys.prefix}/bin"}
    assert worker_environment(own, {})["PATH"] == "/usr/local/bin:/usr/bin:/bin"


def test_a_virtual_environment_is_recognised_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(sys.prefix)

    kept = worker_environment({"PATH": f"{tmp_path}/link/bin:/bin"}, {})

    assert kept["PATH"] == "/bin"


def test_further_variables_can_be_named() -> None:
    kept = environment(inherit_environment=["JAVA_*", "ODD"])

    assert kept["JAVA_HOME"] == "/opt/java"
    assert kept["ODD"] == OWN["ODD"]
    assert "SECRET_TOKEN" not in kept


def test_one_switch_brings_everything() -> None:
    assert environment(inherit_environment=True) == OWN


@pytest.mark.parametrize("inherit", [False, True])
def test_variables_can_be_set_and_removed(inherit: bool) -> None:
    kept = environment(
        inherit_environment=inherit,
        environment={"PATH": ["/opt/bin", "${PATH}"], "TZ": None, "NEW": "a${NONE}b"},
    )

    assert kept["PATH"] == f"/opt/bin:{environment(inherit_environment=inherit)['PATH']}"
    assert "TZ" not in kept
    assert kept["NEW"] == "ab"


CONTAINER = {
    "PATH": "/opt/worker/bin:/usr/bin:/bin",
    "VIRTUAL_ENV": "/opt/worker",
    "JAVA_HOME": "/opt/java",
    "NPM_TOKEN": "of the image",
    "BUILDMASTER": "ci.example.org",
    "BUILDMASTER_PORT": "8010",
    "BUILDMASTER_PROTOCOL": "native",
    "WORKERNAME": "arm-7",
    "WORKERPASS": "open sesame",
    "COPY_OF_IT": "open sesame",
    "CHARGEHAND_WORKER": "outer",
}


def test_in_a_container_commands_see_what_its_image_says_but_nothing_of_the_worker() -> None:
    kept = container_environment(CONTAINER, "open sesame")

    of_the_image = ("PATH", "VIRTUAL_ENV", "JAVA_HOME", "NPM_TOKEN")
    assert {name: kept[name] for name in of_the_image} == {
        name: CONTAINER[name] for name in of_the_image
    }
    assert set(kept) == {*of_the_image, "HOME", "USER", "LOGNAME", "SHELL"}


@pytest.mark.parametrize(
    ("own", "is_made"),
    [
        (CONTAINER, True),
        ({**CONTAINER, "WORKERPASS": ""}, True),
        ({**CONTAINER, "WORKERNAME": "arm-8"}, False),
        ({**CONTAINER, "BUILDMASTER": ""}, False),
        (OWN, False),
    ],
)
def test_a_container_is_known_by_the_name_of_its_worker(own: dict[str, str], is_made: bool) -> None:
    assert is_made_for_worker(own, "arm-7") is is_made
