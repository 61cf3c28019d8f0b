"""Pages and forms as a browser without script handles them: read a page, fill in its form, send it from its origin."""

from __future__ import annotations

import re
from html import unescape

HTML, JSON = {"Accept": "text/html"}, {"Accept": "application/json"}


def page_at(http, path):
    """Return a page."""
    return http.get(path, headers=HTML)


def facts_at(http, path):
    """Return the facts of a page."""
    answer = http.get(path, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fields_of(html, action="decision"):
    """Return the hidden fields of the form that is sent there."""
    form = re.search(rf'<form[^>]*action="[^"]*/{action}"[^>]*>(.*?)</form>', html, re.DOTALL)
    assert form, "no such form"
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.group(1))
    return {name: unescape(value) for name, value in hidden}


def send_form(http, path, fields, **headers):
    """Send a form as a page of the server would."""
    origin = f"{http.base_url.scheme}://{http.base_url.netloc.decode()}"
    return http.post(path, data=fields, headers={"Origin": origin} | headers, follow_redirects=False)
