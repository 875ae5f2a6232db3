"""What files of any make call the columns that Accord knows, and what the values of their status columns mean. Data.

Names are without case, blanks and punctuation (`presets.folded`).
"""

from alignment.integrations.importers.presets import folded

_NAMES: dict[str, str] = {
    "id": "id recordid leadid contactid customerid personid externalid uuid guid crmid kundennummer nr leadnummer",
    "field:email": "email emailaddress mail mailaddress workemail businessemail email1 primaryemail contactemail "
    "emailadresse courriel correo correoelectronico",
    "field:name": "name fullname contactname leadname personname contact ansprechpartner nombre nom "
    "firstname givenname forename vorname prenom nombres first "
    "lastname surname familyname nachname apellido apellidos last",
    "field:phone": "phone phonenumber telephone tel telefon telefonnummer mobile mobilephone mobilephonenumber "
    "directphone workphone businessphone handy",
    "field:title": "jobtitle title position role jobrole funktion",
    "field:seniority": "seniority senioritylevel joblevel managementlevel",
    "field:company_name": "company companyname organization organisation organizationname accountname account firma "
    "unternehmen employer business firm firmname empresa societe entreprise",
    "field:product_interest": "product productinterest interestedin interest produkt",
    "field:source": "source leadsource channel utmsource origin originalsource trafficsource quelle kanal "
    "firsttouchchannel acquisitionchannel",
    "field:campaign": "campaign campaignname utmcampaign kampagne firsttouchcampaign leadcampaign",
    "field:segment": "segment industry sector businesssegment branche vertical marketsegment",
    "field:territory": "territory region country countryregion salesregion land gebiet market",
    "field:consent": "consent optin optedin marketingconsent gdprconsent newsletter subscribed emailoptin einwilligung",
    "created": "created createdat createdate createddate createdon creationdate dateadded dateentered signupdate "
    "signedup registeredat submitted submittedat submissiondate timestamp leadcreated leaddate firstseen "
    "firstcontact firstcontactdate datum date erstellt erstelltam angelegt",
    "date:MGL": "mgl mglat mgldate becamealeaddate leadat",
    "date:MQL": "mql mqlat mqldate becamemql marketingqualifieddate qualified qualifiedat qualifieddate "
    "marketingqualifiedat handover handoverdate handedover handedoverat handedoveron handedoverdate",
    "date:SQL": "sql sqlat sqldate sal saldate salat becamesql accepted acceptedat accepteddate salesacceptedat "
    "salesqualifieddate",
    "date:SQO": "sqo sqoat sqodate opportunityat opportunitydate opportunitycreated opportunitycreateddate dealcreated "
    "dealcreatedat engagedate",
    "date:win": "won wonat wondate wonon closedwon closedwonat closedwondate customersince becamecustomer convertedat",
    "date:lose": "lost lostat lostdate loston closedlost closedlostat closedlostdate",
    "date:reject": "rejected rejectedat rejecteddate disqualifiedat disqualifieddate",
    "date:close": "closedate closedat closedon dateclosed closingdate",
    "status": "stage dealstage status leadstatus lifecyclestage leadstage salesstage funnelstage phase pipelinestage",
    "owner": "owner ownername leadowner contactowner accountowner salesrep rep salesagent assignedto assignee "
    "owneremail zustandig zustaendig vertriebsmitarbeiter",
    "deal:name": "dealname opportunityname",
    "deal:amount": "amount dealamount dealvalue value contractvalue closevalue revenue acv arr tcv betrag umsatz "
    "auftragswert opportunityamount importe montant",
    "deal:currency": "currency currencycode currencyisocode wahrung waehrung",
    "deal:expected_close_on": "expectedclose expectedclosedate expectedcloseon",
}

NAMED: dict[str, str] = {name: target for target, names in _NAMES.items() for name in names.split()}
"""Folded name → target."""

_FAMILY_NAMES = frozenset("lastname surname familyname nachname apellido apellidos last".split())


def is_family_name(column: str) -> bool:
    """Whether a column holds the part of a name that comes last."""
    return folded(column) in _FAMILY_NAMES


WHOLE_NAMES = frozenset("name fullname contactname leadname personname contact ansprechpartner".split())
"""Columns that hold all of a name; others hold a part of it."""

_MEANINGS = {
    "win": "won customer evangelist",
    "lose": "lost",
    "reject": "unqualified disqualified rejected junk spam notconverted invalid",
    "recycle": "nurtur recycl badtiming",
    "SQO": "opportunit sqo proposal negotiat quote contract engaging demo",
    "SQL": "salesqualified sql sal accepted working contacted inprogress qualification prospecting discovery",
    "MQL": "marketingqualified mql qualified",
}


def meaning(value: str) -> str:
    """What a value of a status column probably means (one of `targets.CASES`); MGL for what says nothing."""
    said = "".join(value.casefold().split()).replace("-", "").replace("_", "")
    return next((case for case, words in _MEANINGS.items() if any(word in said for word in words.split())), "MGL")
