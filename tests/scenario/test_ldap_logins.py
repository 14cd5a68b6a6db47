"""What a real LDAP directory says of users."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap3
import pytest
from connections import free_port
from waiting import eventually

from buildbot._border.bridge import inward
from buildbot.www.ldapuserinfo import LdapUserInfo
from chargehand.config.login import LoginRefused, LoginUnavailable

pytestmark = pytest.mark.slow

_SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "slapd"
_ADMIN = "cn=admin,dc=example,dc=org"
_CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/slapd.pid
database mdb
suffix "dc=example,dc=org"
rootdn "{admin}"
rootpw open-sesame
directory {directory}/db
"""


def _fill(connection: Any) -> None:
    def add(name: str, kind: str, **attributes: object) -> None:
        assert connection.add(f"{name},dc=example,dc=org", kind, attributes), connection.result

    assert connection.add(
        "dc=example,dc=org", ["dcObject", "organization"], {"o": "Example", "dc": "example"}
    )
    for unit in ("people", "groups"):
        add(f"ou={unit}", "organizationalUnit")
    for name in ("ann", "bob (x)*", "bob"):
        escaped = ldap3.utils.dn.escape_rdn(name)
        add(
            f"uid={escaped},ou=people",
            "inetOrgPerson",
            uid=name,
            cn=f"{name} Example",
            sn="Example",
            mail=f"{name.split()[0]}@example.org",
            telephoneNumber="17",
        )
    for group, members in (("qa", ["ann", "bob"]), ("ops", ["ann"])):
        members = [f"uid={one},ou=people,dc=example,dc=org" for one in members]
        add(f"cn={group},ou=groups", "groupOfNames", member=members)


@pytest.fixture(scope="module")
def directory() -> Iterator[str]:
    """Run a directory; yield its address."""
    # Its paths must be short.
    with tempfile.TemporaryDirectory(prefix="ldap") as place:
        (Path(place) / "db").mkdir()
        configuration = Path(place) / "slapd.conf"
        configuration.write_text(_CONFIGURATION.format(directory=place, admin=_ADMIN))
        url = f"ldap://127.0.0.1:{free_port()}"
        process = subprocess.Popen([_SLAPD, "-f", configuration, "-h", f"{url}/", "-d", "0"])
        try:
            server = ldap3.Server(url)

            def connected() -> Any:
                connection = ldap3.Connection(server, _ADMIN, "open-sesame")
                try:
                    return connection if connection.bind() else None
                except ldap3.core.exceptions.LDAPException:
                    return None

            _fill(eventually("the directory", connected))
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def _people(url: str, **changes: Any) -> LdapUserInfo:
    arguments: dict[str, Any] = {
        "uri": url,
        "bindUser": _ADMIN,
        "bindPw": "open-sesame",
        "accountBase": "ou=people,dc=example,dc=org",
        "accountPattern": "(uid=%(username)s)",
        "accountFullName": "cn",
        "accountEmail": "mail",
        "groupBase": "ou=groups,dc=example,dc=org",
        "groupMemberPattern": "(member=%(dn)s)",
        "groupName": "cn",
        "accountExtraFields": ["telephoneNumber", "absent"],
    }
    return LdapUserInfo(**(arguments | changes))


async def test_a_user_has_a_name_an_address_and_groups(directory: str):
    found = await inward(_people(directory).getUserInfo, "ann")

    assert sorted(found["groups"]) == ["ops", "qa"]
    assert found == {
        "full_name": "ann Example",
        "email": "ann@example.org",
        "groups": found["groups"],
        "telephoneNumber": "17",
    }


async def test_names_do_not_change_the_question(directory: str):
    people = _people(directory)

    assert (await inward(people.getUserInfo, "bob (x)*"))["email"] == "bob@example.org"
    for name in ("*", "a*", "ann)(uid=*", "ann)(|(uid=*", "nobody", "\0", ""):
        with pytest.raises(LoginRefused, match="has 0 accounts"):
            await inward(people.getUserInfo, name)


async def test_a_directory_that_cannot_be_asked_is_told(directory: str):
    for people in (
        _people(f"ldap://127.0.0.1:{free_port()}"),
        _people(directory, bindPw="wrong"),
        _people(directory, accountPattern="(uid=%(username)s"),
    ):
        with pytest.raises(LoginUnavailable, match="cannot be reached"):
            await inward(people.getUserInfo, "ann")


async def test_without_groups_there_are_none(directory: str):
    people = _people(directory, groupBase=None, groupMemberPattern=None, groupName=None)
    assert (await inward(people.getUserInfo, "ann"))["groups"] == []
