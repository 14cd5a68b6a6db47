"""Workers on OpenStack, UpCloud, Marathon and libvirt, against servers that imitate them."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import AsyncIterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from simulated_clouds import (
    SimulatedCloud,
    SimulatedMarathon,
    SimulatedOpenStack,
    SimulatedUpcloud,
)

from buildbot._border.errors import collecting
from buildbot.interfaces import (
    LatentWorkerCannotSubstantiate,
    LatentWorkerFailedToSubstantiate,
)
from buildbot.plugins import util, worker
from buildbot.process.properties import Properties

_PASSWORD = "known-to-this-instance-only"
_NAME = "chargehand-3f2a9c0d1e-arm-7-12-1"
_SERVERS = {
    "openstack": SimulatedOpenStack,
    "upcloud": SimulatedUpcloud,
    "marathon": SimulatedMarathon,
}


@pytest.fixture
async def cloud(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    cloud = _SERVERS[request.param]()
    await cloud.start()
    yield cloud
    await cloud.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pause(seconds: float) -> None:
        pass

    for module in ("util.rest", "worker.openstack", "worker.upcloud"):
        monkeypatch.setattr(f"buildbot.{module}._pause", pause)


def labelled(found: Any, name: str = _NAME, master: str = "3f2a9c0d1e") -> Any:
    """Prepare a worker as the fleet does before its instance is started."""
    found.instance_name, found.fleet_label, found.worker_password = name, master, _PASSWORD
    found.instance_labels = {
        "chargehand.master": master,
        "chargehand.worker": "arm-7",
        "chargehand.epoch": "12",
        "chargehand.instance": name,
    }

    async def keep(value: object) -> None:
        found.kept = value

    found._keep = keep
    return found


def on(cloud: SimulatedCloud, **arguments: Any) -> Any:
    """Return a worker on a simulated cloud."""
    given = {"masterFQDN": "10.0.0.1:9989", **arguments}
    if isinstance(cloud, SimulatedMarathon):
        given = {"marathon_auth": ("ci", "api secret"), "image": "builder:1", **given}
        return worker.MarathonLatentWorker("arm-7", cloud.url, **given)
    if isinstance(cloud, SimulatedUpcloud):
        given = {"api_username": "ci", "api_password": "api secret", **given}
        given = {"image": "Debian GNU/Linux 12 (Bookworm)", "base_url": cloud.url, **given}
        return worker.UpcloudLatentWorker("arm-7", **given)
    given = {"os_username": "ci", "os_password": "os secret", "os_tenant_name": "builds", **given}
    given = {"os_auth_url": f"{cloud.url}/identity", "image": "builder-2", "region": "one", **given}
    return worker.OpenStackLatentWorker("arm-7", None, given.pop("flavor", "m1.large"), **given)


def things(cloud: Any) -> dict[str, Any]:
    found: dict[str, Any] = cloud.apps if isinstance(cloud, SimulatedMarathon) else cloud.servers
    return found


each_cloud = pytest.mark.parametrize("cloud", list(_SERVERS), indirect=True)


@each_cloud
async def test_an_instance_is_started_recorded_and_stopped(cloud: Any) -> None:
    arm = labelled(on(cloud))

    told = await arm.start_instance(Properties())

    assert len(told) == 2
    assert len(things(cloud)) == 1
    assert arm.kept == arm.instance
    assert await arm.check_instance() == (True, "")
    await arm.stop_instance()
    assert things(cloud) == {}
    await arm.stop_instance()  # what is gone is no error


@each_cloud
async def test_what_a_killed_master_started_is_found_by_its_name(cloud: Any) -> None:
    await labelled(on(cloud)).start_instance(Properties())
    await labelled(on(cloud), f"{_NAME}-2").start_instance(Properties())

    await labelled(on(cloud)).stop_instance()

    (left,) = things(cloud).values()
    assert f"{_NAME}-2" in str(left)


@each_cloud
async def test_instances_of_this_master_are_found_and_no_others(cloud: Any) -> None:
    ours = labelled(on(cloud))
    await ours.start_instance(Properties())
    await labelled(on(cloud), "chargehand-0-a", "0").start_instance(Properties())

    ((name, value),) = await labelled(on(cloud)).find_instances()

    assert (name, value) == (_NAME, ours.instance)
    await ours.stop_found_instance(value)
    await ours.stop_found_instance(value)
    assert len(things(cloud)) == 1


@each_cloud
async def test_an_instance_that_somebody_deleted_is_given_up(cloud: Any) -> None:
    arm = labelled(on(cloud))
    await arm.start_instance(Properties())
    things(cloud).clear()

    is_good, words = await arm.check_instance()

    assert not is_good
    assert words.startswith("it was deleted")


@each_cloud
async def test_a_server_that_fails_is_told_without_secrets(
    cloud: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    paths = {
        SimulatedMarathon: f"PUT /v2/apps/buildbot-worker/{_NAME}",
        SimulatedUpcloud: "POST /server",
        SimulatedOpenStack: "POST /compute/servers",
    }
    failure = {"error": {"message": f"cannot take {_PASSWORD}: no room"}}
    cloud.failures[paths[type(cloud)]] = (507, failure)

    with pytest.raises(LatentWorkerFailedToSubstantiate) as refusal:
        await labelled(on(cloud)).start_instance(Properties())

    assert str(refusal.value).endswith("with 507: cannot take <password>: no room")
    for secret in (_PASSWORD, "api secret", "os secret", "a token", "Y2k6"):
        assert secret not in str(refusal.value)
        assert secret not in caplog.text


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
async def test_a_server_of_openstack_is_what_the_configuration_says(
    cloud: SimulatedOpenStack,
) -> None:
    arm = labelled(
        on(
            cloud,
            flavor=lambda flavors: flavors[0],
            image=None,
            block_devices=[{"uuid": util.Property("disk"), "volume_size": 20}],
            meta={"team": "tools"},
            nova_args={
                "key_name": "ci",
                "security_groups": ["builders"],
                "nics": [{"net-id": "n-1"}],
                "userdata": "#!/bin/sh",
            },
            client_version="2.53",
        )
    )

    await arm.start_instance(Properties(disk="d-1"))

    (server,) = cloud.servers.values()
    assert server["flavorRef"] == "1"
    assert server["block_device_mapping_v2"] == [
        {
            "uuid": "d-1",
            "source_type": "image",
            "destination_type": "volume",
            "device_name": "vda",
            "delete_on_termination": True,
            "boot_index": 0,
            "volume_size": 20,
        }
    ]
    assert server["metadata"]["team"] == "tools"
    assert server["metadata"]["WORKERPASS"] == _PASSWORD
    assert server["security_groups"] == [{"name": "builders"}]
    assert server["networks"] == [{"uuid": "n-1"}]
    assert server["user_data"] == "IyEvYmluL3No"
    assert len(cloud.logins) == 1
    assert cloud.logins[0]["scope"] == {"project": {"name": "builds", "domain": {"id": "default"}}}


def rendered_to(value: Any) -> Any:
    """Return a renderable that has this value."""

    @util.renderer
    def render(props: Any) -> Any:
        return value

    return render


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
async def test_dictionaries_and_lists_of_openstack_may_be_rendered_as_a_whole(
    cloud: SimulatedOpenStack,
) -> None:
    login = {"auth_url": f"{cloud.url}/identity", "username": "ci", "password": "os secret"}
    arm = labelled(
        on(
            cloud,
            block_devices=rendered_to([{"uuid": "d-1", "volume_size": 20}]),
            meta=rendered_to({"team": "tools"}),
            nova_args=rendered_to({"key_name": "ci"}),
            os_auth_args=rendered_to(login),
        )
    )

    await arm.start_instance(Properties())

    (server,) = cloud.servers.values()
    assert server["block_device_mapping_v2"][0]["uuid"] == "d-1"
    assert (server["metadata"]["team"], server["key_name"]) == ("tools", "ci")


@pytest.mark.parametrize("cloud", ["upcloud", "marathon"], indirect=True)
async def test_settings_of_upcloud_and_marathon_may_be_rendered_as_a_whole(cloud: Any) -> None:
    argument = "hostconfig" if isinstance(cloud, SimulatedUpcloud) else "marathon_extra_config"
    wanted = {"hostname": "h"} if argument == "hostconfig" else {"cpus": 4}
    arm = labelled(on(cloud, **{argument: rendered_to(wanted)}))

    await arm.start_instance(Properties())

    (made,) = things(cloud).values()
    assert wanted.items() <= made.items()


@pytest.mark.parametrize(
    ("cloud", "arguments", "words"),
    [
        ("openstack", {"meta": rendered_to(["a"])}, "meta must be a dictionary; it was rendered"),
        ("openstack", {"nova_args": rendered_to("x")}, "it was rendered to a str"),
        ("openstack", {"block_devices": rendered_to({})}, "block_devices must be a list"),
        ("openstack", {"block_devices": rendered_to([{}])}, 'block_devices: each needs "uuid"'),
        ("openstack", {"os_auth_args": rendered_to(5)}, "os_auth_args must be a dictionary"),
        ("upcloud", {"hostconfig": rendered_to(5)}, "hostconfig must be a dictionary"),
        ("marathon", {"marathon_extra_config": rendered_to([])}, "must be a dictionary"),
    ],
    indirect=["cloud"],
)
async def test_what_is_rendered_to_another_kind_is_told(
    cloud: Any, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(LatentWorkerCannotSubstantiate, match=words):
        await labelled(on(cloud, **arguments)).start_instance(Properties())


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"image": "builder-3"}, 'OpenStack has no image "builder-3"'),
        ({"flavor": "huge"}, 'OpenStack has no flavor "huge"'),
        ({"os_password": "stale"}, "requires authentication. (check the credentials"),
        ({"block_devices": [{"uuid": "d-3"}]}, "No image found."),
        ({"nova_args": {"nics": [{"net-name": "ci"}]}}, 'has "net-id", not "net-name"'),
        ({"region": "three"}, 'OpenStack has no service "compute" in region "three"'),
        ({"os_auth_args": {"auth_url": "http://k", "auth_type": "v9"}}, 'auth_type "v9" is not'),
    ],
)
async def test_what_openstack_does_not_have_is_told(
    cloud: SimulatedOpenStack, arguments: dict[str, Any], words: str
) -> None:
    problems = (LatentWorkerFailedToSubstantiate, LatentWorkerCannotSubstantiate)
    with pytest.raises(problems) as refusal:
        await labelled(on(cloud, **arguments)).start_instance(Properties())

    assert words in str(refusal.value)
    assert "stale" not in str(refusal.value)


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "flavor", "image"),
    [
        ({"flavor": 1, "image": "builder-2"}, "1", "i-2"),
        ({"flavor": lambda them: max(them, key=lambda one: one.ram), "image": "i-2"}, "2", "i-2"),
        ({"image": lambda them: min(them, key=lambda one: one.created)}, "2", "i-1"),
    ],
)
async def test_flavors_and_images_are_chosen_among_all_by_what_openstack_tells_of_them(
    cloud: SimulatedOpenStack, arguments: dict[str, Any], flavor: str, image: str
) -> None:
    await labelled(on(cloud, **arguments)).start_instance(Properties())

    (server,) = cloud.servers.values()
    assert (server["flavorRef"], server["imageRef"]) == (flavor, image)


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
@pytest.mark.parametrize(
    ("device", "size"),
    [
        ({"uuid": "d-2"}, 4),  # what the image needs
        ({"uuid": "d-2", "volume_size": "7"}, 7),
        ({"uuid": "d-2", "destination_type": "local"}, None),
        ({"uuid": "v-1", "source_type": "volume"}, None),
        ({"uuid": "s-1", "source_type": "snapshot"}, None),
    ],
)
async def test_a_volume_is_as_large_as_its_image_needs(
    cloud: SimulatedOpenStack, device: dict[str, Any], size: int | None
) -> None:
    await labelled(on(cloud, image=None, block_devices=[device])).start_instance(Properties())

    (server,) = cloud.servers.values()
    (found,) = server["block_device_mapping_v2"]
    assert found.get("volume_size") == size


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
async def test_arguments_of_novaclient_have_the_names_of_the_service(
    cloud: SimulatedOpenStack,
) -> None:
    more = {
        "nics": "auto",
        "files": {"/etc/ci": b"\x00", "/etc/motd": "hello"},
        "userdata": io.StringIO("#!/bin/sh"),
        "admin_pass": "p",
        "disk_config": "AUTO",
        "access_ip_v4": "10.0.0.1",
        "config_drive": True,
        "scheduler_hints": {"group": "g"},
    }

    await labelled(on(cloud, nova_args=more)).start_instance(Properties())

    (server,) = cloud.servers.values()
    assert server["networks"] == "auto"
    assert server["personality"] == [
        {"path": "/etc/ci", "contents": "AA=="},
        {"path": "/etc/motd", "contents": "aGVsbG8="},
    ]
    assert server["user_data"] == "IyEvYmluL3No"
    assert (server["adminPass"], server["OS-DCF:diskConfig"]) == ("p", "AUTO")
    assert (server["accessIPv4"], server["config_drive"]) == ("10.0.0.1", True)
    assert cloud.bodies[-1]["os:scheduler_hints"] == {"group": "g"}


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
@pytest.mark.parametrize("ending", ["", "/", "/v3", "/v3/", "/v2.0", "/v2.0/"])
@pytest.mark.parametrize(
    ("project", "scope"),
    [
        (
            {"tenant_name": "builds", "default_domain_name": "d"},
            {"project": {"name": "builds", "domain": {"name": "d"}}},
        ),
        ({"tenant_id": "p-1"}, {"project": {"id": "p-1"}}),
        ({}, None),
    ],
)
async def test_old_addresses_and_words_of_the_identity_service_are_known(
    cloud: SimulatedOpenStack, ending: str, project: dict[str, str], scope: object
) -> None:
    given = {"auth_url": f"{cloud.url}/identity{ending}", "username": "ci", **project}

    await labelled(on(cloud, os_auth_args={**given, "password": "os secret"})).start_instance(
        Properties()
    )

    assert cloud.logins[0].get("scope") == scope


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
async def test_an_application_credential_logs_in(cloud: SimulatedOpenStack) -> None:
    credential = {
        "auth_type": "v3applicationcredential",
        "auth_url": f"{cloud.url}/identity/v3",
        "application_credential_id": "c-1",
        "application_credential_secret": "s",
    }

    await labelled(on(cloud, os_auth_args=credential)).start_instance(Properties())

    assert cloud.logins == [
        {
            "identity": {
                "methods": ["application_credential"],
                "application_credential": {"secret": "s", "id": "c-1"},
            }
        }
    ]


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
async def test_a_server_of_openstack_that_cannot_be_built_is_told(
    cloud: SimulatedOpenStack,
) -> None:
    cloud.next_status = "ERROR"
    arm = labelled(on(cloud))

    with pytest.raises(LatentWorkerFailedToSubstantiate, match="is ERROR: No valid host"):
        await arm.start_instance(Properties())

    await arm.stop_instance()
    assert cloud.servers == {}


@pytest.mark.parametrize("cloud", ["upcloud"], indirect=True)
async def test_a_server_of_upcloud_is_what_hostconfig_says(cloud: SimulatedUpcloud) -> None:
    host = {
        "zone": "fi-hel1",
        "plan": "custom",
        "core_number": 4,
        "memory_amount": 4096,
        "os_disk_size": 30,
        "ssh_keys": ["ssh-ed25519 A"],
        "user_data": lambda environment: f"start {environment['WORKERPASS']}",
    }

    await labelled(on(cloud, hostconfig=host)).start_instance(Properties())

    (server,) = cloud.servers.values()
    assert (server["zone"], server["core_number"], server["hostname"]) == ("fi-hel1", 4, "arm-7")
    assert server["storage_devices"]["storage_device"][0]["size"] == 30
    assert server["login_user"] == {"ssh_keys": {"ssh_key": ["ssh-ed25519 A"]}}
    assert server["user_data"] == f"start {_PASSWORD}"
    with pytest.raises(LatentWorkerFailedToSubstantiate, match='has no template "CP/M"'):
        await labelled(on(cloud, image="CP/M")).start_instance(Properties())


@pytest.mark.parametrize("cloud", ["marathon"], indirect=True)
async def test_an_application_of_marathon_is_what_the_configuration_says(
    cloud: SimulatedMarathon,
) -> None:
    extra = {"cpus": 4, "container": {"docker": {"network": "HOST"}}, "env": {"A": "b"}}
    arm = labelled(
        on(cloud, image=util.Interpolate("builder:%(prop:r)s"), marathon_extra_config=extra)
    )

    await arm.start_instance(Properties(r="2"))

    (app,) = cloud.apps.values()
    assert app["container"]["docker"] == {"image": "builder:2", "network": "HOST"}
    assert app["cpus"] == 4
    assert app["env"]["A"] == "b"
    assert app["env"]["BUILDMASTER"] == "10.0.0.1"
    assert not await arm.isCompatibleWithBuild(Properties(r="3"))
    app |= {"tasksRunning": 0, "lastTaskFailure": {"state": "TASK_FAILED", "message": "no\nimage"}}
    assert await arm.check_instance() == (
        False,
        f"application /buildbot-worker/{_NAME}: TASK_FAILED: no image",
    )


# libvirt


class LibvirtError(Exception):
    def get_error_code(self) -> int:
        return 42 if "not found" in str(self) else 1


class Domain:
    """A virtual machine."""

    def __init__(self) -> None:
        self.is_running = False
        self.elements: dict[str, str] = {}

    def isActive(self) -> int:
        return int(self.is_running)

    def setMetadata(self, kind: int, text: str, prefix: str, space: str, flags: int) -> None:
        self.elements[space] = text

    def metadata(self, kind: int, space: str, flags: int) -> str:
        if space not in self.elements:
            raise LibvirtError("metadata not found")
        return self.elements[space]

    def create(self) -> None:
        self.is_running = True

    def destroy(self) -> None:
        self.is_running = False


class Libvirt(ModuleType):
    """The module, with the machines that it knows."""

    VIR_ERR_NO_DOMAIN = 42
    VIR_DOMAIN_METADATA_ELEMENT = 2
    VIR_DOMAIN_AFFECT_CONFIG = 2
    libvirtError = LibvirtError

    def __init__(self) -> None:
        super().__init__("libvirt")
        self.__spec__ = ModuleSpec("libvirt", None)
        self.domains = {"arm-7": Domain()}
        self.opened: list[str] = []

    def open(self, uri: str) -> Libvirt:
        if uri == "nowhere":
            raise LibvirtError("no connection driver available")
        self.opened.append(uri)
        return self

    def close(self) -> None:
        self.opened.append("closed")

    def lookupByName(self, name: str) -> Domain:
        if name not in self.domains:
            raise LibvirtError("Domain not found")
        return self.domains[name]

    def createXML(self, text: str, flags: int) -> None:
        self.domains["arm-7"] = Domain()
        self.domains["arm-7"].create()


@pytest.fixture
def libvirt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Libvirt:
    found = Libvirt()
    monkeypatch.setitem(sys.modules, "libvirt", found)
    monkeypatch.setenv("PATH", str(tmp_path))  # no qemu-img
    return found


def virtual(*arguments: Any, **more: Any) -> Any:
    return labelled(worker.LibVirtWorker("arm-7", None, *arguments, **more))


async def test_a_virtual_machine_gets_a_fresh_disk_and_is_told_its_master(
    libvirt: Libvirt, tmp_path: Path
) -> None:
    base, disk = tmp_path / "base", tmp_path / "disk"
    base.write_text("fresh")
    arm = virtual(str(disk), str(base), masterFQDN="10.0.0.1:9989")

    await arm.start_instance(Properties())

    domain = libvirt.domains["arm-7"]
    assert disk.read_text() == "fresh"
    assert domain.is_running
    assert domain.elements["http://buildbot.net/"] == (
        f'<auth username="arm-7" password="{_PASSWORD}" master="10.0.0.1:9989" />'
    )
    assert await arm.check_instance() == (True, "")
    await arm.stop_instance()
    assert not domain.is_running
    assert not disk.exists()
    assert libvirt.opened.count("closed") == libvirt.opened.count("qemu:///system")


async def test_a_virtual_machine_that_somebody_else_started_is_left_alone(
    libvirt: Libvirt,
) -> None:
    libvirt.domains["arm-7"].create()
    arm = virtual("disk", masterFQDN="10.0.0.1:9989")

    with pytest.raises(LatentWorkerFailedToSubstantiate, match="is already running"):
        await arm.start_instance(Properties())
    await arm.stop_instance()

    assert libvirt.domains["arm-7"].is_running


async def test_a_virtual_machine_that_a_killed_master_started_is_stopped(libvirt: Libvirt) -> None:
    await virtual("disk", masterFQDN="10.0.0.1:9989").start_instance(Properties())

    await virtual("disk").stop_instance()

    assert not libvirt.domains["arm-7"].is_running


async def test_a_virtual_machine_may_be_described_in_the_configuration(libvirt: Libvirt) -> None:
    libvirt.domains.clear()
    arm = virtual(xml="<domain/>")

    await arm.start_instance(Properties())

    assert libvirt.domains["arm-7"].is_running
    await arm.stop_instance()
    assert not libvirt.domains["arm-7"].is_running


async def test_what_libvirt_refuses_is_told(libvirt: Libvirt) -> None:
    libvirt.domains.clear()

    with pytest.raises(LatentWorkerFailedToSubstantiate, match=r'cannot start .*"arm-7" at q'):
        await virtual("disk").start_instance(Properties())
    with pytest.raises(LatentWorkerFailedToSubstantiate, match="at nowhere: no connection driver"):
        await virtual("disk", uri="nowhere").start_instance(Properties())


def test_the_connection_came_third_in_old_configurations(libvirt: Libvirt) -> None:
    old = virtual(util.Connection("xen:///"), "disk", "/base")
    new = virtual("disk", "/base", "xen:///")

    assert (old.uri, old.hd_image, old.base_image) == (new.uri, new.hd_image, new.base_image)


def test_without_its_library_a_worker_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with collecting() as found:
        worker.LibVirtWorker("arm-7", "pw", "disk")

    assert "pip install 'chargehand[libvirt]'" in found.errors[0].message


def test_arguments_that_are_missing_are_told() -> None:
    with collecting() as found:
        worker.OpenStackLatentWorker("a", "pw", "m1", os_auth_url="http://k")
        worker.OpenStackLatentWorker("b", "pw", "m1", image="i", block_devices=[{"size": 1}])
        worker.UpcloudLatentWorker("c", api_username="u", image="i")
        worker.MarathonLatentWorker("d", "marathon.example.org", "i")

    told = " ".join(one.message for one in found.errors)
    assert "give image or block_devices" in told
    assert "os_auth_url (or auth_url in os_auth_args) is missing" in told
    assert 'each needs "uuid"' in told
    assert 'worker "c": api_password is missing' in told
    assert "marathon_url must begin with https://" in told
