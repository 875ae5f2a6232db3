"""Bases of what the API reads and writes."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import cached_property
from django.utils.timezone import now
from rest_framework import serializers
from rest_framework.request import Request


class Shape(serializers.Serializer):
    # What is answered: every field is read, none is promised, since `fields` may leave it out. (A docstring here would
    # describe all of them in the schema.)

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, serializers.Field] = super().get_fields()
        for field in fields.values():
            field.read_only, field.required = True, False
        return fields


class Body(serializers.Serializer):
    # What is sent. A field that nobody knows is a mistake, not noise.

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.fields)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(map(str, data)) - self._names)):
            known = ", ".join(self.fields)
            raise serializers.ValidationError({name: [f"Not known here. Known: {known}."] for name in unknown})
        return super().to_internal_value(data)


def read(form: type[serializers.Serializer], request: Request, **options: Any) -> dict[str, Any]:
    """The body of a request, checked. Raises ValidationError, which names the fields."""
    body = form(data=request.data, **options)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data
    return values


class TextField(serializers.CharField):
    """A text of at most `max_length` characters. What is usual in one needs no closer look, which takes many times as
    long: printable characters are neither NUL nor halves of characters.
    """

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)
        self._longest = max_length

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and data.isprintable() and 0 < len(text := data.strip()) <= self._longest:
            return text
        return super().run_validation(data)


class ChoiceField(serializers.ChoiceField):
    """One of a few; a refusal lists them."""

    def fail(self, key: str, **values: Any) -> Any:
        if key == "invalid_choice":
            known = ", ".join(str(choice) for choice in self.choices)
            raise serializers.ValidationError(f"There is no “{str(values['input'])[:80]}”. There are: {known}.")
        return super().fail(key, **values)


class KeyField(serializers.SlugRelatedField):
    """A row that is named by its key; a refusal lists the keys that there are."""

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="key", **options)

    def fail(self, key: str, **values: Any) -> Any:
        if key == "does_not_exist":
            rows: Any = self.get_queryset()
            known = ", ".join(rows.values_list("key", flat=True)[:50]) or "none"
            raise serializers.ValidationError(f"There is no “{values['value']}”. There are: {known}.")
        return super().fail(key, **values)


class PastField(serializers.DateTimeField):
    """A moment since 1900 that is not still to come, with its offset from UTC; without one it is read as UTC."""

    def to_internal_value(self, value: Any) -> Any:
        moment = super().to_internal_value(value)
        if moment > now():
            raise serializers.ValidationError("This is still to come.")
        if moment.year < 1900:
            raise serializers.ValidationError("This is before anybody kept leads.")
        return moment


class IdField(serializers.IntegerField):
    """A key of a row."""

    def __init__(self, *, most: int = 2**63 - 1, **options: Any) -> None:
        super().__init__(min_value=1, max_value=most, **options)


class PersonIdField(IdField):
    """A key of a user."""

    def __init__(self, **options: Any) -> None:
        super().__init__(most=2**31 - 1, **options)


def many(form: Any, *, most: int, **options: Any) -> Any:
    """Up to `most` of what `form` describes."""
    return form(many=True, max_length=most, **options)
