"""What is accepted and does nothing yet is said by every command that reads a configuration."""

from __future__ import annotations

from installed_master import InstalledMaster

_WARNING = "warning: {path}/master.cfg:{line}: c['metrics'] is not supported yet"


def test_check_start_and_reconfig_show_warnings(master: InstalledMaster):
    master.write("add('b', sh('true'))\nc['metrics'] = {'log_interval': 10}")
    lines = master.file("master.cfg").read_text().splitlines()
    line = 1 + next(n for n, text in enumerate(lines) if "metrics" in text)
    expected = _WARNING.format(path=master.path, line=line)

    checked = master.chargehand("checkconfig", str(master.path))
    started = master.try_start()
    with master.file("master.cfg").open("a") as config:
        config.write("c['title'] = 'Another'\n")
    reconfigured = master.reconfig()

    for ran in (checked, started, reconfigured):
        assert ran.status == 0
        assert expected in ran.err
        assert ran.err.count("metrics") == 1


def test_of_many_warnings_a_start_shows_some(master: InstalledMaster):
    master.write("".join(f"add('b{n}', steps.MaxQ(testdir='t{n}'))\n" for n in range(33)))

    started = master.try_start()

    assert started.status == 0
    assert started.err.count("warning: ") == 20
    assert f"more warnings are in {master.path}/master.log" in started.err
