"""The templates of the HTML pages, and what they all may use."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from seq_exporter.escapes import show

if TYPE_CHECKING:  # the first view imports it: many exporters are only scraped
    import jinja2


@functools.cache  # compiling one takes longer than a hundred pages
def load_template(name: str) -> jinja2.Template:
    """Return a template; it escapes whatever comes from the configuration or from SendGrid."""
    return _open_environment().get_template(name)


def link_subuser(account: str, subuser: str) -> str:
    """Return the link to a subuser's page: `subuser?account=acme&subuser=shop+%26+co`.

    Relative, so it also works behind a proxy that serves the exporter below a path.
    """
    return f"subuser?{urlencode({'account': account, 'subuser': subuser})}"


@functools.cache
def _open_environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("seq_exporter.web", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["show"] = show
    environment.globals["link_subuser"] = link_subuser
    return environment
