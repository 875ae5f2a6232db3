"""Random conditions and leads, for what is compared with plain Python."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from leads.conditions import ABOUT_LEAD
from leads.conditions.language import OPERATORS, VALUELESS, Kind, Operator
from leads.models import Account, Lead, Segment, Source, Stage, TargetAccount

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BY_KEY = {field.key: field for field in ABOUT_LEAD}
ASKED = ["title", "industry", "country", "email_domain", "employees", "source", "segment", "consent", "free_email",
         "target_account", "account_owned", "do_not_contact", "returning"]  # fmt: skip
TEXTS = ["", "Director", "Art director, retail", "CTO", "dire%to_r", "Retail", "Food & retail", "C\\O", "Portugal"]
ASKED_TEXTS = ["director", "cto", "RETAIL", "dire%", "_", "c\\o", "food & retail", "art", "Portugal", "o"]
DOMAINS = ["", "gmail.com", "acme.example", "retail.example"]


def asks(field, operator, *values):
    return {"field": field, "operator": operator, "values": list(values)}


def all_of(*parts):
    return {"match": "all", "of": list(parts)}


def any_of(*parts):
    return {"match": "any", "of": list(parts)}


def make(number, row):
    account = None
    if row["has_account"]:
        account = Account.objects.create(
            name=f"Account {number}", name_key=f"account {number}", industry=row["industry"], country=row["country"],
            employees=row["employees"], created_at=NOW,
        )  # fmt: skip
        if row["target_account"]:
            TargetAccount.objects.create(account=account, origin="manual", added_at=NOW)
    stage = Stage.objects.get(key="mgl")
    dimensions = {
        name: model.objects.get_or_create(key=row[name], defaults={"name": row[name].title()})[0]
        for name, model in (("source", Source), ("segment", Segment))
        if row[name]
    }
    return Lead.objects.create(
        name=f"Lead {number}", title=row["title"], email_domain=row["email_domain"], account=account,
        consent=row["consent"], do_not_contact=row["do_not_contact"], pass_no=2 if row["returning"] else 1,
        stage=stage, milestone=1, created_at=NOW, moved_at=NOW, **dimensions,
    )  # fmt: skip


def seen(row):
    """The row as conditions see it: without an account its facts are blank."""
    of_account = {} if row["has_account"] else {"industry": "", "country": "", "employees": None}
    flags = {
        "free_email": row["email_domain"] == "gmail.com",
        "target_account": row["has_account"] and row["target_account"],
        "account_owned": False,
    }
    return row | of_account | flags


rows = st.fixed_dictionaries(
    {
        "title": st.sampled_from(TEXTS), "industry": st.sampled_from(TEXTS), "country": st.sampled_from(TEXTS),
        "email_domain": st.sampled_from(DOMAINS), "employees": st.sampled_from([None, 0, 49, 50, 51, 500]),
        "source": st.sampled_from(["", "paid", "fair"]), "segment": st.sampled_from(["", "retail", "food"]),
        "consent": st.sampled_from(["unknown", "granted"]), "do_not_contact": st.booleans(),
        "returning": st.booleans(), "has_account": st.booleans(), "target_account": st.booleans(),
    }
)  # fmt: skip


@st.composite
def random_tests(draw):
    field = BY_KEY[draw(st.sampled_from(ASKED))]
    operator = draw(st.sampled_from(OPERATORS[field.kind]))
    if operator in VALUELESS:
        return asks(field.key, operator.value)
    if field.kind == Kind.NUMBER:
        numbers = sorted(draw(st.lists(st.sampled_from([0, 49.5, 50, 500]), min_size=2, max_size=2)))
        return asks(field.key, operator.value, *(numbers if operator == Operator.BETWEEN else numbers[:1]))
    words = {"source": ["paid", "fair", "gone"], "segment": ["retail", "food"], "consent": ["unknown", "granted"]}
    asked = st.lists(st.sampled_from(words.get(field.key, ASKED_TEXTS)), min_size=1, max_size=3, unique=True)
    values = draw(asked)
    if operator == Operator.HAS_WORD:
        values = [value for value in values if any(one.isalnum() for one in value)] or ["art"]
    return asks(field.key, operator.value, *values)


groups = st.builds(
    lambda match, tests, inner: {"match": match, "of": tests + inner},
    st.sampled_from(["all", "any"]),
    st.lists(random_tests(), min_size=1, max_size=3),
    st.lists(
        st.builds(
            lambda match, tests: {"match": match, "of": tests},
            st.sampled_from(["all", "any"]),
            st.lists(random_tests(), min_size=1, max_size=2),
        ),
        max_size=2,
    ),
)
