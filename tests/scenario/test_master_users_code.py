"""Users' code that ends the master's process, or meets what else runs on the machine."""

from __future__ import annotations

import socket

from installed_master import InstalledMaster, Ran


def _send_change(master: InstalledMaster, port: int, *more: str) -> Ran:
    arguments = ("--master", f"localhost:{port}", "--who", "me", "--branch", "main", *more)
    return master.chargehand("sendchange", "--vc", "git", *arguments, "a.py")


def test_a_reconfiguration_that_kills_the_master_is_noticed(master: InstalledMaster):
    master.write("add('good', sh('true'))")
    master.start()
    master.write("import os\nos._exit(3)")

    ran = master.reconfig()

    assert ran.status == 1
    assert "The master has exited" in ran.err


def test_a_port_in_use_for_changes_is_said_and_taken_when_it_is_free(master: InstalledMaster):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        master.write(f"""
            c['change_source'] = [changes.PBChangeSource(port='tcp:{port}:interface=127.0.0.1')]
            add('b', sh('true'))
            """)
        started, again = master.try_start(), master.reconfig()
        assert started.status == again.status == 3
        for ran in (started, again):
            assert f"is not running: cannot listen on tcp:{port}" in ran.err
            assert "Everything else is running" in ran.err
        assert f"cannot listen on tcp:{port}:interface=127.0.0.1" in master.log
        assert "Traceback" not in master.log

    assert master.reconfig().status == 0

    assert _send_change(master, port).status == 0
    assert len(master.get("changes")) == 1
