"""The form of a draft of the agreement: it validates, and turns people's per cent into shares."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from sla.terms import DEAL, LAG, LONGEST_REASON, LONGEST_TEXT, MOST_LAG, RATES, TEXTS, Rate, Terms

HUNDRED = Decimal(100)
EVEN, LAST_YEAR, BY_HAND = "even", "last_year", "by_hand"
SEASONS = {EVEN: "Every week the same", LAST_YEAR: "As last year’s MQLs came", BY_HAND: "By hand, as below"}
REMARKS = {EVEN: "Every week the same", BY_HAND: "Set by hand"}


def _percent(label: str, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=f"{label}, in %", min_value=0, max_value=100, max_digits=6, decimal_places=2, help_text=help_text,
        localize=False,
    )  # fmt: skip


class TermsForm(forms.Form):
    """Everything that both sides agree on for a quarter; `history` are the rates of the last twelve months."""

    target = forms.DecimalField(label="Revenue target of the quarter", min_value=1, max_digits=14, decimal_places=2)
    next_target = forms.DecimalField(
        label="Target of the quarter after it", min_value=1, max_digits=14, decimal_places=2, required=False,
        help_text="What is won later than this quarter counts towards it. Blank: the same.",
    )  # fmt: skip
    share = _percent("Marketing’s part of it", "What is to come from marketing’s leads.")
    quality = _percent("Promised quality", "Accepted, of what sales accepted or rejected as marketing’s miss.")
    season = forms.ChoiceField(label="How the weeks differ", choices=SEASONS)
    weights = forms.CharField(
        required=False, label="Weights by hand", help_text="One number for each week, with commas between.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    per_rep = forms.IntegerField(
        label="Capacity: leads for each rep and working day", min_value=1, max_value=1000, required=False,
        help_text="What comes above it is queued and charged to neither side. Blank: no limit.",
    )  # fmt: skip
    review_on = forms.DateField(
        label="Reviewed on", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Both heads are reminded a week before and on the day.",
    )  # fmt: skip

    def __init__(
        self, data: Any = None, *, terms: Terms, weeks: int, history: Mapping[str, Rate], initial: Any = None
    ) -> None:
        super().__init__(data, initial=initial or shown(terms))
        self.terms, self.weeks, self.history = terms, weeks, history
        for key, label in RATES.items():
            self.fields[key] = _rate_field(key, label, history.get(key, Rate()))
            self.fields[f"{key}_reason"] = forms.CharField(
                label="Why this number", required=False, max_length=LONGEST_REASON
            )
        for key, label in TEXTS.items():
            self.fields[key] = forms.CharField(
                label=label, required=False, max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 4})
            )

    @property
    def rate_rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Each number with the field of its reason."""
        return [(self[key], self[f"{key}_reason"]) for key in RATES]

    @property
    def text_rows(self) -> list[forms.BoundField]:
        return [self[key] for key in TEXTS]

    def clean(self) -> dict[str, Any]:
        """A number that history does not say needs a reason."""
        data = super().clean() or self.cleaned_data
        for key in RATES:
            if key in data and self._rate(key).is_by_hand and not data.get(f"{key}_reason", "").strip():
                self.add_error(f"{key}_reason", "It is not what history says: say why.")
        if data.get("season") == BY_HAND:
            self._check_weights(data.get("weights", ""))
        return data

    def _check_weights(self, text: str) -> None:
        try:
            weights = _weights(text)
        except ValidationError as mistake:
            self.add_error("weights", mistake)
            return
        if len(weights) != self.weeks or not any(weights):
            self.add_error("weights", f"The quarter has {self.weeks} weeks: give a number for each, one above 0.")

    def as_terms(self, season: Sequence[Decimal], season_of: str) -> Terms:
        """The terms of a valid form; the weights of last year are handed in."""
        data = self.cleaned_data
        if data["season"] != LAST_YEAR:
            season = _weights(data["weights"]) if data["season"] == BY_HAND else ()
            season_of = REMARKS[data["season"]]
        return replace(
            self.terms, target=data["target"], next_target=data["next_target"], share=data["share"] / HUNDRED,
            quality=data["quality"] / HUNDRED, season=season, season_of=season_of, per_rep=data["per_rep"],
            review_on=data["review_on"], rates={key: self._rate(key) for key in RATES},
            texts={key: data[key].strip() for key in TEXTS},
        )  # fmt: skip

    def _rate(self, key: str) -> Rate:
        """What history or the draft says, where the number is theirs; else one set by hand."""
        value, reason = _stored(key, self.cleaned_data[key]), self.cleaned_data.get(f"{key}_reason", "").strip()
        for known in (self.terms.rate(key), self.history.get(key, Rate())):
            if not reason and not known.is_by_hand and known.value == value:
                return known
        return Rate(value, reason=reason)


def _rate_field(key: str, label: str, history: Rate) -> forms.Field:
    told = _told(key, history)
    if key == DEAL:
        return forms.DecimalField(label=label, min_value=1, max_digits=14, decimal_places=2, help_text=told)
    if key == LAG:
        return forms.IntegerField(label=label, min_value=0, max_value=MOST_LAG, help_text=told)
    return _percent(label, told)


def _told(key: str, history: Rate) -> str:
    """What history says about a number, or why it says nothing."""
    if history.n is None:
        return ""
    if history.value is None:
        return f"Not enough data in history: {history.n:,} cases."
    return f"History: {_text(key, history.value)} ({history.n:,} cases, {history.period})."


def _text(key: str, value: Decimal) -> str:
    if key == DEAL:
        return f"{value:,.2f}"
    return f"{value:.0f}" if key == LAG else f"{_in_percent(value)} %"


def _stored(key: str, value: Any) -> Decimal:
    return Decimal(value) if key in (DEAL, LAG) else Decimal(value) / HUNDRED


def _in_percent(share: Decimal) -> str:
    """Without trailing zeros: 0.2500 is 25."""
    return f"{(share * HUNDRED).normalize():f}"


def _weights(text: str) -> list[Decimal]:
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    if not all(part.replace(".", "", 1).isascii() and part.replace(".", "", 1).isdecimal() for part in parts):
        raise ValidationError("Write numbers with commas between: 1, 1, 0.5.")
    return [Decimal(part) for part in parts]


def shown(terms: Terms) -> dict[str, Any]:
    """Terms as the form shows them."""
    told: dict[str, Any] = {
        "target": terms.target, "next_target": terms.next_target, "share": _in_percent(terms.share),
        "quality": None if terms.quality is None else _in_percent(terms.quality), "per_rep": terms.per_rep,
        "review_on": terms.review_on, "season": _season(terms), "weights": ", ".join(map(str, terms.season)),
        **terms.texts,
    }  # fmt: skip
    for key in RATES:
        rate = terms.rate(key)
        is_plain = key in (DEAL, LAG) or rate.value is None
        told |= {key: rate.value if is_plain else _in_percent(rate.value), f"{key}_reason": rate.reason}  # type: ignore[arg-type]
    return told


def _season(terms: Terms) -> str:
    if not terms.season:
        return EVEN
    return BY_HAND if terms.season_of == REMARKS[BY_HAND] else LAST_YEAR
