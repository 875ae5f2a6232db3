"""The export of Mautic's contacts."""

from alignment.integrations.importers.presets import Preset

CONTACTS = Preset(
    name="Mautic contacts",
    system="mautic",
    needs=(("@id",), ("@email",), ("@points",), ("@own",)),
    names={
        "@id": ("id", "Contact ID"),
        "@email": ("email",),
        "@first": ("firstname", "First Name"),
        "@last": ("lastname", "Last Name"),
        "@company": ("company", "Primary company"),
        "@title": ("position",),
        "@phone": ("phone", "mobile"),
        "@country": ("country",),
        "@points": ("points",),
        "@stage": ("stage",),
        "@owner": ("ownerusername", "owner", "owner_username", "ownerbyname"),
        "@created": ("date_added", "Date added"),
        "@identified": ("date_identified", "Date identified"),
        "@own": ("preferred_locale", "attribution", "attribution_date", "last_active", "date_identified", "address1"),
        "@website": ("website",),
        "@tags": ("tags",),
    },
    mapping={
        "name": "Mautic contacts",
        "system": "mautic",
        "key": {"external_id": "@id"},
        "fields": {
            "name": ["@first?", "@last?"], "email": "@email?", "company_name": "@company?", "title": "@title?",
            "phone": "@phone?", "territory": "@country?",
        },
        "attributes": ["@points?", "@stage?", "@website?", "@tags?"],
        "created": "@created?",
        "zone": "UTC",
        # Mautic knows visitors before it knows who they are; one that was never anonymous enters when it was added.
        "moves": [{"to": "MGL", "at": "@identified"}],
        "owner": {"any": [{"column": "@owner", "unknown": "add"}]},
    },
    link="https://[host]/s/contacts/view/{key}",
    asks="What is the address of your Mautic, as in mautic.acme.com? With it each contact links back to Mautic.",
)  # fmt: skip
