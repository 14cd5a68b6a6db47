"""The templates of messages, where a configuration has none of its own."""

from __future__ import annotations

import functools
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from buildbot._border.errors import error
from buildbot.reporters.log_contents import log_text

PLAIN = """\
A {{ status_detected }} has been detected on builder {{ buildername }} \
while building {{ projects }}.

Full details are available at:
    {{ build_url }}

Build state: {{ build['state_string'] }}
{% if build['properties'] %}Revision: \
{{ build['properties'].get('got_revision', ['(unknown)'])[0] }}
{% endif %}Worker: {{ workername }}
Build Reason: {{ build['buildset']['reason'] }}
Blamelist: {{ ', '.join(blamelist) }}
{% if build['steps'] %}
Steps:
{% for step in build['steps'] %}
- {{ step['number'] }}: {{ step['name'] }} ({{ result_names[step['results']] }})
{%- if step['logs'] %}
    Logs:
{%- for log in step['logs'] %}
        - {{ log['name'] }}: {{ log['url'] }}
{%- endfor %}
{%- endif %}
{%- endfor %}
{% endif %}
{{ sourcestamps }}
{{ summary }}
"""

HTML = """\
<p>A {{ status_detected }} has been detected on builder <a href="{{ build_url }}">\
{{ buildername }}</a> while building {{ projects }}.</p>
<p>Information:</p>
<ul>
<li>Build state: {{ build['state_string'] }}</li>
{% if build['properties'] %}<li>Revision: \
{{ build['properties'].get('got_revision', ['(unknown)'])[0] }}</li>
{% endif %}<li>Worker: {{ workername }}</li>
<li>Build Reason: {{ build['buildset']['reason'] }}</li>
<li>Blamelist: {{ ', '.join(blamelist) }}</li>
</ul>
{% if build['steps'] %}<p>Steps:</p>
<ol start="0">
{% for step in build['steps'] %}<li>{{ step['name'] }} ({{ result_names[step['results']] }})\
{% for log in step['logs'] %}{{ ': ' if loop.first else ', ' }}\
<a href="{{ log['url'] }}">{{ log['name'] }}</a>{% endfor %}</li>
{% endfor %}</ol>
{% endif %}<p>{{ summary }}</p>
"""

SUBJECT = (
    "{{ '☠' if result_names[results] == 'failure' else '☺' if result_names[results] == 'success' "
    "else '☝' }} Buildbot ({{ buildbot_title }}): "
    "{{ build['properties'].get('project', ['whole buildset'])[0] if is_buildset "
    "else buildername }} - {{ build['state_string'] }} "
    "({{ branch or revision or 'unknown revision' }})"
)

# What was built is said in the words of PLAIN and SUBJECT, once for all builds of a buildset.
BUILDSET_PLAIN = """\
A {{ status_detected }} has been detected while building {{ projects }}.

Build Reason: {{ buildset['reason'] }}
Blamelist: {{ ', '.join(blamelist) }}

Builds:
{% for build in builds %}
- {{ build['builder']['name'] }} #{{ build['number'] }}: {{ build['state_string'] }}
    {{ build['url'] }}
{%- endfor %}

{{ sourcestamps }}
"""

BUILDSET_HTML = """\
<p>A {{ status_detected }} has been detected while building {{ projects }}.</p>
<p>Information:</p>
<ul>
<li>Build Reason: {{ buildset['reason'] }}</li>
<li>Blamelist: {{ ', '.join(blamelist) }}</li>
</ul>
<p>Builds:</p>
<ul>
{% for build in builds %}<li><a href="{{ build['url'] }}">{{ build['builder']['name'] }} \
#{{ build['number'] }}</a>: {{ build['state_string'] }}</li>
{% endfor %}</ul>
"""

BUILDSET_SUBJECT = (
    "{{ '☠' if result_names[results] == 'failure' else '☺' if result_names[results] == 'success' "
    "else '☝' }} Buildbot ({{ buildbot_title }}): whole buildset - {{ status_detected }}"
)

MISSING_WORKER_PLAIN = """\
The worker named {{ worker.name }} of {{ buildbot_title }} has gone away.

It was last connected at {{ worker.last_connection }}.
{% if worker.workerinfo.get('admin') %}
The admin on record is {{ worker.workerinfo.admin }}.
{% endif %}
{{ buildbot_url }}
"""

MISSING_WORKER_HTML = """\
<p>The worker named {{ worker.name }} of <a href="{{ buildbot_url }}">{{ buildbot_title }}</a> \
has gone away.</p>
<p>It was last connected at {{ worker.last_connection }}.</p>
{% if worker.workerinfo.get('admin') %}<p>The admin on record is {{ worker.workerinfo.admin }}.</p>
{% endif %}"""

MISSING_WORKER_SUBJECT = "Buildbot {{ buildbot_title }} worker {{ worker.name }} missing"


@functools.cache
def of_buildsets(template_type: str) -> tuple[jinja2.Template, jinja2.Template]:
    """Return our body and subject of a message that tells of all builds of a buildset at once."""
    body = compiled(
        "", "", BUILDSET_HTML if template_type == "html" else BUILDSET_PLAIN, template_type
    )
    subject = compiled("", "", BUILDSET_SUBJECT, "plain")
    assert body is not None and subject is not None
    return body, subject


def compiled(owner: str, what: str, text: Any, template_type: str) -> jinja2.Template | None:
    """Return a template, which has the filter ``log_text`` too; values in one of
    HTML are escaped. A mistake in a template is reported as an error of the configuration."""
    if not isinstance(text, str):
        error(f"{owner}: {what} must be a string, not {text!r}")
        return None
    environment = SandboxedEnvironment(
        autoescape=template_type == "html", keep_trailing_newline=True
    )
    environment.filters["log_text"] = log_text
    try:
        return environment.from_string(text)
    except jinja2.TemplateSyntaxError as mistake:
        error(f"{owner}: line {mistake.lineno} of {what}: {mistake.message}")
        return None
