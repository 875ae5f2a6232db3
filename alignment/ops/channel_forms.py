"""What RevOps fills in about a channel, and everybody about the mail that they want."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from alignment.lib import safe_http
from alignment.ops.models import Destination, MailHours, MailMode, Transport
from alignment.ops.occasions import OCCASIONS, shared

TRANSPORTS = [(Transport.SLACK, "Slack channel"), (Transport.WEBHOOK, "Another program (webhook)")]


def occasion_choices() -> list[tuple[str, str]]:
    """The occasions that a channel can hear of, as “When …”."""
    return [(kind, f"When {each.label}") for kind, each in shared().items()]


class ChannelForm(forms.ModelForm):
    """A channel; what it is cannot be changed later. The address of one that stands is never shown again."""

    transport = forms.ChoiceField(label="What it is", choices=TRANSPORTS, widget=forms.RadioSelect)
    url = forms.CharField(
        label="Address", max_length=safe_http.LONGEST_URL, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Of Slack the address of an incoming webhook. Keep it as you keep a password.",
    )  # fmt: skip
    occasions = forms.MultipleChoiceField(
        label="It hears", choices=occasion_choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Destination
        fields = ["transport", "name", "url", "occasions"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["transport"]
            self.initial["url"] = ""
            self.fields["url"].required = False
            self.fields["url"].help_text = "Blank: the address stays what it is."

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip() or (self.instance.url if self.instance.pk else "")
        try:
            safe_http.check(url)
        except safe_http.UnsafeAddressError as error:
            raise ValidationError(str(error)) from error
        return url


class MailHoursForm(forms.ModelForm):
    """When mail may come, and for each occasion how."""

    class Meta:
        model = MailHours
        fields = ["digest_at", "quiet_from", "quiet_until", "quiet_weekends"]
        labels = {
            "digest_at": "The daily list comes at",
            "quiet_from": "No mail from",
            "quiet_until": "No mail until",
            "quiet_weekends": "No mail on Saturdays and Sundays",
        }
        help_texts = {"quiet_until": "What happens meanwhile is mailed afterwards. In the app you see it at once."}
        widgets = {
            name: forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
            for name in ("digest_at", "quiet_from", "quiet_until")
        }

    def __init__(self, *args: Any, modes: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, each in OCCASIONS.items():
            self.fields[f"mode-{kind}"] = forms.ChoiceField(
                label=f"When {each.label}", choices=MailMode, initial=modes.get(kind, each.mail)
            )

    def clean(self) -> None:
        start, end = self.cleaned_data.get("quiet_from"), self.cleaned_data.get("quiet_until")
        if (start is None) != (end is None):
            self.add_error("quiet_until" if end is None else "quiet_from", "Give both times, or neither.")
        elif start is not None and start == end:
            self.add_error("quiet_until", "From and until are the same time.")

    @property
    def modes(self) -> dict[str, str]:
        """Occasion → how its mail is wanted."""
        return {kind: self.cleaned_data[f"mode-{kind}"] for kind in OCCASIONS}

    def groups(self) -> dict[str, list[forms.BoundField]]:
        """The fields of the occasions, by group."""
        found: dict[str, list[forms.BoundField]] = {}
        for kind, each in OCCASIONS.items():
            found.setdefault(each.group, []).append(self[f"mode-{kind}"])
        return found
