"""`manage.py outbox`: what waits to be sent; `--dead` lists what was given up, `--replay` sends it again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from alignment.ops import outbox
from alignment.ops.models import OutboxMessage


class Command(BaseCommand):
    help = "Shows the outbox; lists and replays the messages that could not be sent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dead", action="store_true", help="list the messages that were given up")
        parser.add_argument("--replay", nargs="*", type=int, metavar="ID", help="send these again; without ids, all")

    def handle(self, *, dead: bool, replay: list[int] | None, **options: Any) -> None:
        if replay is not None:
            self.stdout.write(f"To be sent again: {outbox.replay(message_ids=replay or None)}.")
        elif dead:
            for each in OutboxMessage.objects.dead().order_by("id"):
                self.stdout.write(f"{each.pk}  {each.dead_at:%Y-%m-%d %H:%M}  {each.subject}  {each.last_error}")
        else:
            waiting, given_up = OutboxMessage.objects.waiting().count(), OutboxMessage.objects.dead().count()
            self.stdout.write(f"Waiting: {waiting}. Given up: {given_up}.")
