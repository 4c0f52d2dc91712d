"""Who there is: the studio's own people, and the names from which clients are made."""

from dataclasses import dataclass

from grace.app.actors.company import Member
from grace.trust.identity.rules import Role

STUDIO = "Tidewater Studio"
FOUNDER = Member("nora@tidewater.example", "Nora Lindqvist", Role.OWNER)
PARTNER = Member("samuel@tidewater.example", "Samuel Okafor", Role.ADMIN)
OPERATOR = Member("ines@tidewater.example", "Ines Carvalho", Role.OPERATOR)
MEMBERS = (FOUNDER, PARTNER, OPERATOR)
AGENT = "Pilot"
ISSUER = {
    "name": STUDIO,
    "address": "14 Custom House Wharf\nPortland, ME 04101",
    "country": "US",
    "email": "accounts@tidewater.example",
    "payment_instructions": "Example Savings Bank, Portland\nRouting number 000000000, account 0012345678",
}

FIRST_NAMES = (
    "Aisha", "Anders", "Bea", "Bruno", "Carmen", "Cedric", "Chiara", "Daniel", "Delphine", "Diego", "Elena", "Emeka",
    "Esther", "Farid", "Fiona", "Georg", "Greta", "Hana", "Hugo", "Imani", "Ivan", "Jasmin", "Jonas", "Julia", "Kai",
    "Keira", "Laszlo", "Leila", "Liam", "Lucia", "Magnus", "Marta", "Mateo", "Maya", "Mikael", "Nadia", "Niamh", "Noor",
    "Oscar", "Paula", "Pedro", "Petra", "Rafael", "Rhea", "Robin", "Rosa", "Sanjay", "Selma", "Simon", "Sofia",
    "Tariq", "Tessa", "Thomas", "Uma", "Viktor", "Wanda", "Yara", "Yusuf", "Zara", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Almeida", "Andersen", "Bakker", "Becker", "Bianchi", "Brennan", "Castellano", "Chowdhury", "Clarke",
    "Costa", "Dahl", "Delgado", "Dubois", "Eriksen", "Fischer", "Fontaine", "Gallagher", "Garcia", "Haddad", "Hansen",
    "Hoffmann", "Ibrahim", "Jansen", "Kaplan", "Keller", "Kowalski", "Larsen", "Laurent", "Lindgren", "Lopez",
    "MacKenzie", "Marino", "Mbeki", "Moreau", "Murphy", "Nakamura", "Nielsen", "Novak", "Nwosu", "Olsen", "Osei",
    "Pereira", "Petrov", "Quinn", "Reyes", "Ricci", "Rossi", "Santos", "Schneider", "Sharma", "Silva", "Sorensen",
    "Tanaka", "Thorne", "Vasquez", "Vogel", "Walsh", "Weber", "Zimmer",
)  # fmt: skip
PLACES = (
    "Alder", "Amber", "Anchor", "Ashgrove", "Beacon", "Birch", "Bluewater", "Bramble", "Bridgeton", "Cedar", "Clover",
    "Cobalt", "Copperfield", "Coral", "Crestview", "Driftwood", "Eastgate", "Elmwood", "Fairhaven", "Falcon",
    "Fernhill", "Foxglove", "Glenmore", "Granite", "Greenway", "Harvest", "Hawthorn", "Hazel", "Heron", "Highland",
    "Ivory",
    "Juniper", "Kestrel", "Lakeside", "Larkspur", "Linden", "Maple", "Marlow", "Meridian", "Mill Lane", "Northgate",
    "Oakridge", "Orchard", "Otter", "Pebble", "Pinecrest", "Quarry", "Redwood", "Riverbend", "Rowan", "Saffron", "Sand",
    "Silverbrook", "Southbank", "Spruce", "Sterling", "Stonebridge", "Summit", "Thistle", "Willow",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trade:
    """A line of business: how its companies end their names, and what they ask for."""

    industry: str
    endings: tuple[str, ...]
    wishes: tuple[str, ...]


TRADES = (
    Trade("technology", ("Software", "Labs", "Systems"), ("portal", "api", "dashboard", "app")),
    Trade("finance", ("Capital", "Advisers", "Insurance"), ("portal", "dashboard", "automation", "security")),
    Trade("healthcare", ("Clinic", "Dental", "Physiotherapy"), ("booking", "portal", "app", "website")),
    Trade("ecommerce", ("Outfitters", "Goods", "Coffee Roasters"), ("shop", "campaign", "integration", "website")),
    Trade("manufacturing", ("Tools", "Joinery", "Components"), ("integration", "shop", "dashboard", "website")),
    Trade("professional services", ("Legal", "Consulting", "Recruiting"), ("website", "automation", "portal", "api")),
    Trade("logistics", ("Freight", "Couriers"), ("integration", "api", "dashboard", "app")),
    Trade("hospitality", ("Hotel", "Kitchen", "Tours"), ("booking", "website", "campaign", "shop")),
    Trade("education", ("Academy", "Language School"), ("booking", "portal", "app", "website")),
)
COUNTRIES = (
    ("US", "USD", "America/New_York"), ("US", "USD", "America/Chicago"), ("CA", "USD", "America/Toronto"),
    ("GB", "GBP", "Europe/London"), ("IE", "EUR", "Europe/Dublin"), ("DE", "EUR", "Europe/Berlin"),
    ("FR", "EUR", "Europe/Paris"), ("NL", "EUR", "Europe/Amsterdam"),
)  # fmt: skip
"""Country, the currency in which its companies pay for running care, time zone."""
