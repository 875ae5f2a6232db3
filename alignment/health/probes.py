"""What a load balancer asks: `/healthz` (this process lives) and `/readyz` (it can serve)."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from alignment.people.permissions import policy

BROKER_SECONDS = 1


@policy("public")
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@policy("public")
def readyz(request: HttpRequest) -> HttpResponse:
    """503 without a database that is migrated; without the broker pages still work, so that is only said."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return HttpResponse("no database\n", content_type="text/plain", status=503)
    if pending:
        return HttpResponse("migrations pending\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n" if broker_answers() else "degraded: no broker\n", content_type="text/plain")


def broker_answers() -> bool:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
