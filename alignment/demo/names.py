"""The words that demo people, companies and campaigns are made of."""

FIRST = (
    "Ana Bruno Camila Diego Elif Farid Greta Hugo Ines Jonas Katarina Liam Marta Noor Oskar Priya Quentin Rosa Samir "
    "Tessa Umar Vera Wiktor Xenia Yusuf Zoe Amara Bence Chiara Daan Emre Freja Goran Hanna Ivo Julia Kwame Lucia Milan "
    "Nadia Otto Paula Rafael Sofia Theo Ursula Viktor Wanda Yara Zdenek Aisha Boris Clara Dmitri Esther Felipe"
).split()

LAST = (
    "Almeida Bakker Costa Dahl Eriksen Fontaine Greco Hoffmann Ivanov Jansen Kowalski Lindgren Moreau Novak Okafor "
    "Petrov Quist Rossi Santos Takahashi Ueda Vogel Weber Xavier Yilmaz Zimmermann Andersson Beaumont Castellano "
    "Duarte Engel Fischer Garcia Haddad Iversen Jovanovic Keller Lefebvre Mancini Nilsson Oliveira Papadakis Ribeiro "
    "Schneider Teixeira Varga Wagner Zielinski"
).split()

COMPANY_HEADS = (
    "Alder Birch Cobalt Delta Ember Falcon Granite Harbor Iris Juniper Keystone Lumen Meridian Nimbus Orchard Pinnacle "
    "Quarry Ridge Summit Tidewater Umbra Vertex Willow Zenith Anchor Beacon Cedar Drift Estuary Fjord Grove Hazel"
).split()

COMPANY_TAILS = (
    "Analytics Bikes Clinics Components Dental Foods Freight Furniture Garments Hotels Instruments Kitchens Labs "
    "Logistics Machinery Media Motors Optics Outdoor Paper Pharma Plastics Print Retail Robotics Software Sports "
    "Textiles Tools Travel Wind Works"
).split()

TITLES = (
    ("Head of Operations", "head"),
    ("Operations manager", "manager"),
    ("Chief operating officer", "executive"),
    ("Head of Purchasing", "head"),
    ("Purchasing manager", "manager"),
    ("IT manager", "manager"),
    ("Managing director", "executive"),
    ("Project lead", "specialist"),
    ("Business analyst", "specialist"),
    ("Head of Logistics", "head"),
    ("Plant manager", "manager"),
    ("Chief financial officer", "executive"),
)

REPS = ("Bruno Sá", "Hanna Virtanen", "Kofi Mensah", "Lena Brandt", "Mateo Silva", "Nora Haugen", "Sunil Rao")

MARKETERS = ("Clara Hofer", "Davide Conti")

# (key, name, share of leads, how well its leads fit: 1 is average)
SOURCES = (
    ("organic_search", "Organic search", 26, 1.10),
    ("paid_search", "Paid search", 20, 1.02),
    ("social", "Social", 15, 0.55),
    ("webinar", "Webinar", 11, 1.25),
    ("trade_fair", "Trade fair", 9, 1.05),
    ("referral", "Referral", 6, 1.70),
    ("email", "E-mail", 6, 0.75),
    ("direct", "Direct", 5, 1.15),
    ("", "", 2, 0.90),
)

SEGMENTS = ("Manufacturing", "Logistics", "Retail", "Healthcare", "Hospitality", "Software")

TERRITORIES = ("North", "South", "East", "West")

PRODUCTS = ("Planner", "Planner Plus", "Control tower")

# (key, name, source, first day and last day in days before today, cost)
CAMPAIGNS = (
    ("always_on_search", "Search, always on", "paid_search", 365, 0, 96_000),
    ("brand_social", "Customer stories on social", "social", 330, 20, 54_000),
    ("spring_fair", "Operations fair, spring", "trade_fair", 255, 250, 61_000),
    ("autumn_fair", "Supply chain days, autumn", "trade_fair", 62, 58, 58_000),
    ("webinar_forecast", "Webinar: forecasts that hold", "webinar", 300, 298, 9_500),
    ("webinar_stock", "Webinar: less stock, same service", "webinar", 206, 204, 8_700),
    ("webinar_ai", "Webinar: planning with fewer spreadsheets", "webinar", 96, 94, 9_900),
    ("webinar_peak", "Webinar: before the peak season", "webinar", 34, 32, 8_900),
    ("newsletter", "Newsletter", "email", 365, 0, 14_000),
    ("partner_programme", "Partner programme", "referral", 365, 0, 22_000),
    ("benchmark_report", "Benchmark report", "organic_search", 180, 0, 31_000),
)

# (kind of touch, what a timeline says, is engaged)
TOUCHES = (
    ("visit", "Visited the pricing page", True),
    ("visit", "Read the customer stories", True),
    ("download", "Downloaded the benchmark report", True),
    ("webinar", "Stayed to the end of the webinar", True),
    ("e-mail", "Opened the newsletter", False),
    ("e-mail", "Clicked “Plan a week in an hour”", True),
    ("visit", "Compared the plans", True),
    ("form", "Used the savings calculator", True),
)

HAND_RAISES = ("Asked for a demo", "Asked for a quote", "Asked to be called back")
