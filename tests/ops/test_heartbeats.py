"""Signs of life."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from alignment.ops import heartbeats
from alignment.ops.models import Heartbeat

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_who_was_heard_of_lately_is_not_stale(django_assert_num_queries):
    heartbeats.beat("worker")
    heartbeats.beat("beat")
    Heartbeat.objects.filter(name="beat").update(at=Now() - 2 * MINUTE)

    with django_assert_num_queries(1):
        assert heartbeats.stale(["sender", "worker", "beat"], older_than=MINUTE) == ["sender", "beat"]


def test_a_new_beat_takes_the_place_of_the_last(django_assert_num_queries):
    heartbeats.beat("worker", detail={"queue": "work"})
    Heartbeat.objects.update(at=Now() - 2 * MINUTE)

    with django_assert_num_queries(1):
        heartbeats.beat("worker", detail={"queue": "sweep"})

    assert Heartbeat.objects.get().detail == {"queue": "sweep"}
    assert heartbeats.stale(["worker"], older_than=MINUTE) == []
