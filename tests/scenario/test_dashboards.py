"""A dashboard like the manual's example: a Flask application that reads builders and builds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed_master import InstalledMaster, Refused

_CONFIGURATION = r"""
from flask import Flask, render_template_string
from buildbot.process.results import statusToString

app = Flask('test', root_path=HERE)
app.config['TEMPLATES_AUTO_RELOAD'] = True
PAGE = '''<h1>Builds</h1>
{% for build in builds %}<p>{{ names[build.builderid] }} #{{ build.number }}:
{{ build.results_text }} {{ build.properties.owner[0] }} {{ build.started_at.year > 2000 }}</p>
{% endfor %}'''

@app.route('/index.html')
def main():
    builders = app.buildbot_api.dataGet('/builders')
    builds = app.buildbot_api.dataGet('/builds', limit=20, order=['-buildid'])
    for build in builds:
        build['properties'] = app.buildbot_api.dataGet(('builds', build['buildid'], 'properties'))
        build['results_text'] = statusToString(build['results'])
    names = {one['builderid']: one['name'] for one in builders}
    return render_template_string(PAGE, builds=builds, names=names)

@app.route('/data')
def data():
    found = []
    for path in ('/nothing', ('builders', 99), ('builders', 'good'), ('sourcestamps',)):
        try:
            one = app.buildbot_api.dataGet(path)
            found.append(one.get('name') if isinstance(one, dict) else repr(one))
        except Exception as error:
            found.append(type(error).__name__)
    return found

add('good', sh('true'))
c['www']['plugins'] = {'badges': {'left_text': 'Ours'}, 'wsgi_dashboards': [
    {'name': 'mydashboard', 'caption': 'My Dashboard', 'app': app, 'order': 5}]}
"""


@pytest.fixture
def master(tmp_path: Path) -> InstalledMaster:
    master = InstalledMaster(tmp_path / "master")
    master.write(_CONFIGURATION)
    return master


def test_a_flask_application_shows_what_the_master_knows(master: InstalledMaster) -> None:
    checked = master.chargehand("checkconfig", str(master.path))
    assert (checked.status, "arn" in checked.text) == (0, False), checked.text
    try:
        master.start()
        repository = "https://user:hidden@example.org/r"
        master.build("good", owner="ann@example.org", repository=repository)
        page = master.fetch("plugins/wsgi_dashboards/mydashboard/index.html").decode()
        assert "good #1:" in page
        assert "success ann@example.org True" in page

        found = json.loads(master.fetch("plugins/wsgi_dashboards/mydashboard/data"))
        assert found[:3] == ["InvalidPathError", "None", "good"]
        assert "hidden" not in found[3]
        assert "https://user:***@example.org/r" in found[3]

        shown = json.loads(master.fetch("config"))["plugins"]
        (dashboard,) = shown["wsgi_dashboards"]
        assert (dashboard["name"], dashboard["order"]) == ("mydashboard", 5)
        assert "app" not in dashboard
        assert b">Ours</text>" in master.fetch("plugins/badges/good.svg")

        # A configuration that is read again brings the application as it is now.
        text = (master.path / "master.cfg").read_text()
        (master.path / "master.cfg").write_text(text.replace("<h1>Builds</h1>", "<h1>New</h1>"))
        assert master.reconfig().status == 0
        page = master.fetch("plugins/wsgi_dashboards/mydashboard/index.html").decode()
        assert "<h1>New</h1>" in page
        with pytest.raises(Refused) as refused:
            master.fetch("plugins/wsgi_dashboards/another/index.html")
        assert refused.value.status == 404
    finally:
        master.end()
