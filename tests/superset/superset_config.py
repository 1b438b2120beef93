"""Superset on this machine: one process, no broker, no cache server, nothing that calls home."""

import os

from superset.config import TALISMAN_CONFIG as SHIPPED

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_METADATA"]
SUPERSET_WEBSERVER_TIMEOUT = 300
# Dashboards would otherwise offer a login that is limited to a few tries, which tests exceed.
AUTH_RATE_LIMITED = False
# A page may reach this server alone: pictures of the telemetry are refused by the browser.
TALISMAN_CONFIG = {
    **SHIPPED,
    "content_security_policy": {**SHIPPED["content_security_policy"], "img-src": ["'self'", "blob:", "data:"], "connect-src": ["'self'"]},
}
