"""The door of the metrics. Without a token only a program on this machine may read them, and not through a proxy."""

import hmac
from collections.abc import Iterator
from importlib.metadata import version
from ipaddress import ip_address

import psycopg
from fastapi import Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from grace.app.metrics import figures
from grace.app.metrics.counters import Counters
from grace.kit.credentials import is_loopback
from grace.kit.edge import PUBLIC, Doors, Edge, InEdge, address
from grace.kit.errors import Forbidden, Unauthenticated
from grace.kit.workspace import PoolUse

doors = Doors(tags=["System"])
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@doors.get("/metrics", may=PUBLIC, hidden=True)
async def metrics(request: Request, edge: InEdge) -> Response:
    """What Prometheus scrapes."""
    _refuse_strangers(request, edge)
    counters: Counters = request.app.state.counters
    reachable, found = True, dict[str, figures.Values | None]()
    try:
        found = await figures.read_all(edge.workspaces, stalled_s=edge.settings.worker_stalled_s)
    except psycopg.Error:
        reachable = False
    scraped = CollectorRegistry()
    scraped.register(_Scraped(reachable, found, edge.workspaces.pool_use()))
    return Response(
        generate_latest(counters.registry) + generate_latest(scraped),
        media_type=CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )


def _refuse_strangers(request: Request, edge: Edge) -> None:
    token = edge.settings.metrics_token
    if token is not None and token.get_secret_value():
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        expected = token.get_secret_value()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), expected.encode()):
            raise Unauthenticated("Send GRACE_METRICS_TOKEN as Bearer token.")
        return
    if any(name in request.headers for name in FORWARDED) or not _is_here(request):
        raise Forbidden("Set GRACE_METRICS_TOKEN to read the metrics from elsewhere.")


def _is_here(request: Request) -> bool:
    """Whether a program on this machine asks for this machine: the name it asks for counts too, for a proxy that
    adds no header passes the name on that its caller used."""
    try:
        comes_from_here = ip_address(address(request)).is_loopback
    except ValueError:
        comes_from_here = False
    return comes_from_here and is_loopback(f"http://{request.headers.get('host', 'nowhere.invalid')}")


class _Scraped(Collector):
    """What was read for one scrape."""

    def __init__(self, reachable: bool, found: dict[str, figures.Values | None], pools: dict[str, PoolUse]) -> None:
        self._reachable = reachable
        self._found = found
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        """Each family once, with a sample per workspace."""
        build = GaugeMetricFamily("grace_build_info", "1; the label says which version answers.", labels=("version",))
        build.add_metric((version("grace"),), 1)
        yield build
        yield GaugeMetricFamily("grace_database_up", "1 when the database answers, else 0.", int(self._reachable))
        up = GaugeMetricFamily(
            "grace_workspace_up", "1 when the workspace's figures could be read in time, else 0.", labels=("workspace",)
        )
        for handle, values in self._found.items():
            up.add_metric((handle,), int(values is not None))
        yield up
        yield from self._pool_use()
        for figure in figures.all_figures():
            yield self._family(figure)

    def _pool_use(self) -> Iterator[Metric]:
        pool = GaugeMetricFamily(
            "grace_pool_connections",
            "Connections of this process to a workspace, by state: open, used, and most that may be open.",
            labels=("workspace", "state"),
        )
        waiting = GaugeMetricFamily(
            "grace_pool_requests_waiting",
            "Requests of this process that wait for a connection to a workspace.",
            labels=("workspace",),
        )
        for handle, use in self._pools.items():
            for state, count in (("open", use.size), ("used", use.used), ("most", use.most)):
                pool.add_metric((handle, state), count)
            waiting.add_metric((handle,), use.waiting)
        yield pool
        yield waiting

    def _family(self, figure: figures.Figure) -> Metric:
        labels = ("workspace", *((figure.label,) if figure.label else ()))
        counts = figure.name.endswith("_total")
        family = (CounterMetricFamily if counts else GaugeMetricFamily)(figure.name, figure.says, labels=labels)
        for handle, values in self._found.items():
            for (name, value), number in (values or {}).items():
                if name == figure.name:
                    family.add_metric((handle, *((value,) if figure.label else ())), number)
        return family
