"""allauth's forms in Accord's words: a label says what a placeholder would repeat."""

from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm

NEW_PASSWORD_LABELS = {
    "oldpassword": "Current password",
    "password1": "New password",
    "password2": "New password again",
}


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reword(self.fields, {"login": "E-mail", "password": "Password"})


class NewPasswordForm(ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reword(self.fields, NEW_PASSWORD_LABELS)


def reword(fields: dict[str, Any], labels: dict[str, str]) -> None:
    """Give each named field its label, and take its placeholder away."""
    for name, label in labels.items():
        fields[name].label = label
        fields[name].widget.attrs.pop("placeholder", None)
