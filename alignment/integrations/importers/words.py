"""What files of any make call the columns that Accord knows: target → names, without case, blanks and punctuation.

The targets: `key` (what another system calls the row), `field.…` (of the lead), `date.…` (when a milestone was reached,
or the pass ended), `created`, `owner`, `deal.…`, `attribute` (kept with the lead) and `ignore`.
"""

TARGETS: dict[str, str] = {
    "key": "Record id",
    "field.email": "E-mail",
    "field.name": "Name",
    "field.phone": "Phone",
    "field.title": "Job title",
    "field.seniority": "Seniority",
    "field.company_name": "Company",
    "field.product_interest": "Product interest",
    "field.source": "Source",
    "field.campaign": "Campaign",
    "field.segment": "Segment",
    "field.territory": "Territory",
    "field.consent": "Consent",
    "created": "Known since",
    "date.MGL": "Date: marketing generated (MGL)",
    "date.MQL": "Date: marketing qualified (MQL)",
    "date.SQL": "Date: accepted by sales (SQL)",
    "date.SQO": "Date: sales opportunity (SQO)",
    "date.WON": "Date: won",
    "date.LOST": "Date: lost",
    "date.REJECTED": "Date: rejected",
    "owner": "Owner",
    "deal.name": "Deal: name",
    "deal.amount": "Deal: amount",
    "deal.currency": "Deal: currency",
    "deal.product": "Deal: product",
    "deal.kind": "Deal: kind",
    "deal.expected_close_on": "Deal: expected close",
    "attribute": "Keep with the lead",
    "ignore": "Leave out",
}
"""What a column can be → how people read it, in the order in which it is offered."""

_NAMES: dict[str, str] = {
    "key": "id recordid leadid contactid customerid personid externalid uuid guid crmid kundennummer nr leadnummer",
    "field.email": "email emailaddress mail mailaddress workemail businessemail email1 primaryemail contactemail "
    "emailadresse courriel correo correoelectronico",
    "field.name": "name fullname contactname leadname personname contact ansprechpartner nombre nom "
    "firstname givenname forename vorname prenom nombres first "
    "lastname surname familyname nachname apellido apellidos last",
    "field.phone": "phone phonenumber telephone tel telefon telefonnummer mobile mobilephone mobilephonenumber "
    "directphone workphone businessphone handy",
    "field.title": "jobtitle title position role jobrole funktion",
    "field.seniority": "seniority senioritylevel joblevel managementlevel",
    "field.company_name": "company companyname organization organisation organizationname accountname account firma "
    "unternehmen employer business empresa societe entreprise",
    "field.product_interest": "product productinterest interestedin interest produkt",
    "field.source": "source leadsource channel utmsource origin originalsource trafficsource quelle kanal "
    "firsttouchchannel acquisitionchannel",
    "field.campaign": "campaign campaignname utmcampaign kampagne firsttouchcampaign leadcampaign",
    "field.segment": "segment industry sector businesssegment branche vertical marketsegment",
    "field.territory": "territory region country countryregion salesregion land gebiet market",
    "field.consent": "consent optin optedin marketingconsent gdprconsent newsletter subscribed emailoptin einwilligung",
    "created": "created createdat createdate createddate createdon creationdate dateadded dateentered signupdate "
    "signedup registeredat submitted submittedat submissiondate timestamp leadcreated leaddate firstseen "
    "firstcontact firstcontactdate datum date erstellt erstelltam angelegt",
    "date.MGL": "mgl mglat mgldate becamealeaddate leadat",
    "date.MQL": "mql mqlat mqldate becamemql marketingqualifieddate qualified qualifiedat qualifieddate "
    "marketingqualifiedat",
    "date.SQL": "sql sqlat sqldate sal saldate salat becamesql accepted acceptedat accepteddate salesacceptedat "
    "salesqualifieddate",
    "date.SQO": "sqo sqoat sqodate opportunityat opportunitydate opportunitycreated opportunitycreateddate dealcreated "
    "dealcreatedat engagedate",
    "date.WON": "won wonat wondate wonon closedwon closedwonat closedwondate customersince becamecustomer convertedat",
    "date.LOST": "lost lostat lostdate loston closedlost closedlostat closedlostdate",
    "date.REJECTED": "rejected rejectedat rejecteddate disqualifiedat disqualifieddate",
    "owner": "owner ownername leadowner contactowner accountowner salesrep rep salesagent assignedto assignee "
    "owneremail zustandig zustaendig vertriebsmitarbeiter",
    "deal.name": "dealname opportunityname",
    "deal.amount": "amount dealamount dealvalue value contractvalue closevalue revenue acv arr tcv betrag umsatz "
    "auftragswert opportunityamount importe montant",
    "deal.currency": "currency currencycode currencyisocode wahrung waehrung",
    "deal.expected_close_on": "expectedclose expectedclosedate expectedcloseon",
}

NAMED: dict[str, str] = {name: target for target, names in _NAMES.items() for name in names.split()}
"""Folded name → target."""

ORDER = {name: place for place, name in enumerate(_NAMES["field.name"].split())}
"""First names come before last names, whatever their order in the file."""
