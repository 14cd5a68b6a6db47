"""``c['www']['plugins']`` and ``c['www']['stock_ui']``: what is found, and what is said if not."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import MasterConfig

_CONFIGURATION = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'], factory=util.BuildFactory())]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for packages, none of which may be imported."""
    place = tmp_path / "packages"
    for package in ("buildbot_some_view", "unlike_its_name", "buildbot_without_files"):
        (place / package).mkdir(parents=True)
        (place / package / "__init__.py").write_text("raise SystemExit('executed')")
    (place / "buildbot_some_view/static").mkdir()
    (place / "unlike_its_name/static").mkdir()
    points = place / "other-1.0.dist-info"
    points.mkdir()
    (points / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (points / "entry_points.txt").write_text("[buildbot.www]\nother_view = unlike_its_name:ep\n")
    monkeypatch.syspath_prepend(str(place))
    return place


def _read(directory: Path, www: str) -> MasterConfig:
    path = directory / "master.cfg"
    path.write_text(f"{_CONFIGURATION}c['www'] = {{'port': 8010, {www}}}\n")
    return Reader(Document(path, directory), EngineAccess()).read()


def test_plug_ins_are_found_by_their_packages_or_entry_points(
    tmp_path: Path, installed: Path
) -> None:
    config = _read(tmp_path, "'plugins': {'some_view': {'a': 1}, 'other_view': True}")
    assert config.web.plugins == {"some_view": {"a": 1}, "other_view": True}
    assert config.web.plugin_files == {
        "some_view": str(installed / "buildbot_some_view/static"),
        "other_view": str(installed / "unlike_its_name/static"),
    }
    assert config.warnings == ()


@pytest.mark.parametrize("name", ["waterfall_vew", "without_files", "../etc", "a.b", ""])
def test_one_that_has_no_files_here_gets_a_warning(
    tmp_path: Path, installed: Path, name: str
) -> None:
    config = _read(tmp_path, f"'plugins': {{{name!r}: {{}}}}")
    assert config.web.plugin_files == {}
    (warning,) = config.warnings
    assert f'names "{name}", which is not installed here' in warning.message
    assert warning.line == 6


def test_wrong_settings_are_errors(tmp_path: Path, installed: Path) -> None:
    with pytest.raises(ConfigErrors, match=r"c\['www'\]\['plugins'\] must be a dictionary"):
        _read(tmp_path, "'plugins': ['some_view']")
    with pytest.raises(ConfigErrors, match=r"c\['www'\]\['stock_ui'\] must be True or False"):
        _read(tmp_path, "'stock_ui': 'yes'")


def test_the_stock_interface_must_be_there_only_where_it_is_asked_for(
    tmp_path: Path, installed: Path
) -> None:
    assert _read(tmp_path, "").web.stock_ui is None
    assert _read(tmp_path, "'stock_ui': False").web.stock_ui is False
    with pytest.raises(ConfigErrors, match="pip install --no-deps buildbot-www"):
        _read(tmp_path, "'stock_ui': True")
    (installed / "buildbot_www/static").mkdir(parents=True)
    assert _read(tmp_path, "'stock_ui': True").web.stock_ui is True


_APP = "'name': 'n', 'app': lambda environ, start: [], "


@pytest.mark.parametrize(
    ("plugins", "problem"),
    [
        ("'badges': {'left_colour': 'red'}", r"\['badges'\]: Object contains unknown field"),
        ("'badges': {'style': 'round'}", r"\['badges'\]: Invalid enum value 'round'"),
        ("'badges': 'flat'", r"\['badges'\] must be a dictionary, not 'flat'"),
        ("'wsgi_dashboards': {'name': 'n'}", "must be a list of dictionaries"),
        ("'wsgi_dashboards': [3]", r"\[0\] must be a dictionary with 'name' and 'app', not 3"),
        (f"'wsgi_dashboards': [{{{_APP}'captoin': 'x'}}]", "'captoin'; did you mean"),
        ("'wsgi_dashboards': [{'name': 'n'}]", "needs an 'app' that is a WSGI application"),
        ("'wsgi_dashboards': [{'name': 'a/b', 'app': len}]", "needs a 'name' of letters"),
        (f"'wsgi_dashboards': [{{{_APP}}}, {{{_APP}}}]", "two dashboards with the name 'n'"),
    ],
)
def test_wrong_settings_of_what_is_built_in_are_errors(
    tmp_path: Path, plugins: str, problem: str
) -> None:
    with pytest.raises(ConfigErrors, match=problem) as raised:
        _read(tmp_path, f"'plugins': {{{plugins}}}")
    assert "master.cfg:6" in str(raised.value)


def test_what_is_built_in_needs_nothing_installed(tmp_path: Path) -> None:
    config = _read(tmp_path, f"'plugins': {{'badges': None, 'wsgi_dashboards': [{{{_APP}}}]}}")
    assert config.warnings == ()
    assert config.web.badges is not None
    (dashboard,) = config.web.dashboards
    assert dashboard.name == "n"
    assert hasattr(dashboard.application, "buildbot_api")


def test_an_application_that_takes_no_attributes_gets_a_warning(tmp_path: Path) -> None:
    config = _read(tmp_path, "'plugins': {'wsgi_dashboards': [{'name': 'n', 'app': print}]}")
    assert "cannot have an attribute buildbot_api" in str(config.warnings[0])


def test_a_dashboard_that_is_made_again_is_no_change(tmp_path: Path) -> None:
    www = f"'plugins': {{'wsgi_dashboards': [{{{_APP}}}]}}"
    assert _read(tmp_path, www).web == _read(tmp_path, www).web
