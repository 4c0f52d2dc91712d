"""The kinds of work that build software."""

from grace.providers.architect.builtin.work_kind import Work, words
from grace.providers.architect.port import WorkKind

_PLAN, _BUILD, _CONNECT = "Plan and design", "Build", "Connect and automate"

BUILD_WORK = (
    Work(
        kind=WorkKind.SHOP,
        title="Online shop",
        phase=_BUILD,
        base_hours=70,
        point_hours=8,
        clear=words(r"(?:online |web )?shop|webshop|e-?commerce|online store|shopify|woocommerce|magento"),
        vague=words(r"checkout|shopping cart|product catalogue?"),
        does="A shop your customers can buy from on a phone or a desktop, and that you can run yourselves.",
        done=(
            "A test order runs from product page to paid confirmation on phone and desktop.",
            "You can add a product, change a price and refund an order without us.",
            "Orders, stock and confirmation mails agree with each other in ten test orders.",
        ),
        steps=(
            "Agree on catalogue structure, tax and shipping rules",
            "Set up shop, payment methods in test mode and mail templates",
            "Build product list, product page, cart and checkout",
            "Import the products and check ten of them by hand",
            "Run ten test orders, with a refund and a failed payment among them",
            "Switch payments to live and place one real order together",
        ),
        needs="product data, pictures, and the account at your payment provider",
        leaves_out="Product photography and the fees of payment providers",
    ),
    Work(
        kind=WorkKind.WEBSITE,
        title="Website",
        phase=_BUILD,
        base_hours=36,
        point_hours=5,
        clear=words(
            r"web ?sites?|web pages?|landing pages?|home ?pages?|web portal|(?:customer|client|member"
            r"|partner) portal"
            r"|intranet|blog|wordpress|contact form"
        ),
        vague=words(r"pages?|portal|web|cms|seo"),
        does=("A fast site that reads well on a phone, loads in about two seconds and can be edited by your team."),
        done=(
            "Every agreed page is online under your domain and works on phone, tablet and desktop.",
            "Your team can change texts and pictures without us.",
            "Forms reach the right inbox, and pages pass an accessibility and a speed check.",
        ),
        steps=(
            "Agree on the list of pages and who provides which text",
            "Build the page templates and the navigation",
            "Fill in the texts and pictures and set titles and descriptions",
            "Connect the forms and test each of them",
            "Test on two phones, a tablet and three browsers",
            "Point the domain to the new site and check redirects",
        ),
        needs="texts, pictures and access to your domain",
        leaves_out="Writing the texts and buying pictures, unless listed above",
    ),
    Work(
        kind=WorkKind.APP,
        title="App",
        phase=_BUILD,
        base_hours=90,
        point_hours=10,
        clear=words(
            r"mobile apps?|web apps?|(?:web )?applications?|ios|android|react native|flutter|saas|mvp"
            r"|prototype"
            r"|(?:booking|scheduling|inventory|order management|ticketing) (?:system|tool|platform)|apps?"
        ),
        vague=words(r"platform|software|tool|login|user accounts?"),
        does=(
            "An application your users can sign in to and work with, built in small steps that you can try each week."
        ),
        done=(
            "Each agreed user story works on the agreed devices, shown to you live.",
            "Roles see and change only what they should; a test for each role proves it.",
            "Core functions are covered by automated tests that run on every change.",
        ),
        steps=(
            "Write the user stories and rank them with the client",
            "Set up repository, test environment and automated tests",
            "Build sign-in and roles",
            "Build the user stories in ranked order and show them weekly",
            "Test with three people who have not seen it before",
            "Fix what they found and publish the release",
        ),
        needs="one person who decides about open questions within two working days",
        leaves_out="Fees of app stores and of services that the app uses",
    ),
    Work(
        kind=WorkKind.API,
        title="API",
        phase=_BUILD,
        base_hours=36,
        point_hours=6,
        clear=words(r"(?:rest |graphql |public )?apis?|back-?ends?|micro-?services?|endpoints?|webhooks?"),
        vague=words(r"server side|authentication"),
        does=("A documented interface that other programs can rely on, with sign-in, limits and clear error answers."),
        done=(
            "Each endpoint answers as its documentation says, for good and for bad requests.",
            "Automated tests run against a copy of the system on every change.",
            "A developer who was not involved makes a first call within 30 minutes, from the documentation alone.",
        ),
        steps=(
            "Agree on resources, sign-in and error answers",
            "Write the interface description and review it together",
            "Build the endpoints with tests",
            "Add rate limits, logging and monitoring",
            "Have a developer who was not involved follow the documentation",
            "Release the first version and its changelog",
        ),
        needs="a description of the data and of who may see it",
    ),
    Work(
        kind=WorkKind.INTEGRATION,
        title="Integration",
        phase=_CONNECT,
        base_hours=28,
        point_hours=8,
        clear=words(
            r"(?:api )?integrat(?:e|es|ed|ing|ions?)|connect(?:s|ed|ing|ion|ions)?|connector"
            r"|sync(?:hroni[sz]\w+|s|ed|ing)?"
            r"|interface (?:to|with)|single sign-on|sso"
        ),
        vague=words(r"stripe|paypal|salesforce|hubspot|sap|erp|crm|zapier|quickbooks|xero|datev|razorpay"),
        does="Two systems that exchange data by themselves, and that tell somebody when they cannot.",
        done=(
            "A change in one system arrives in the other within the agreed time, without doubles.",
            "After an outage of one side nothing is lost; a test shows it.",
            "Failed records are listed with the reason and can be sent again.",
        ),
        steps=(
            "Get test access to both systems",
            "Agree field by field what goes where, and who wins in a conflict",
            "Build the exchange, safe to repeat",
            "Switch one side off, switch it on again, and compare",
            "Set up the list of failed records and the alert",
            "Watch the first week of live data",
        ),
        needs="test access to both systems and a contact at each vendor",
        leaves_out="Licences and changes on the side of the connected systems",
    ),
    Work(
        kind=WorkKind.AUTOMATION,
        title="Automation",
        phase=_CONNECT,
        base_hours=26,
        point_hours=8,
        clear=words(
            r"automat(?:e|es|ed|ing|ions?|ically|ic)|workflows?|scheduled jobs?|scrap(?:er|ing)"
            r"|(?:chat)?bots? for .{1,20} orders"
        ),
        vague=words(r"manual(?:ly)?|by hand|repetitive|reminders?|notifications?"),
        does="A process that runs by itself and hands over to a person where judgement is needed.",
        done=(
            "Twenty real cases run through without anybody touching them, and the results are right.",
            "Cases that the rules do not cover reach a named person instead of getting lost.",
            "Every run leaves a record of what was done and why.",
        ),
        steps=(
            "Watch the process once as it is done today and time it",
            "Agree on the rules and on the cases for a person",
            "Build the flow with a record of every run",
            "Run it beside the manual process and compare twenty cases",
            "Switch over and watch the first week",
        ),
        needs="an hour with the person who does it today",
    ),
    Work(
        kind=WorkKind.DATA,
        title="Data and reporting",
        phase=_BUILD,
        base_hours=32,
        point_hours=7,
        clear=words(
            r"dashboards?|reports?|reporting|analytics|business intelligence|data ?(?:base|bases"
            r"|warehouse|pipeline|model"
            r"|migration|import|export|cleaning|analysis)?|migrat(?:e|es|ed|ing|ions?)|etl|kpis?"
        ),
        vague=words(r"excel|spreadsheets?|charts?|metrics|csv"),
        does=("Figures you can trust: collected automatically, defined once, and shown where decisions are made."),
        done=(
            "Ten figures, picked by you, agree with the source systems to the last digit.",
            "Each figure has a written definition, an owner and the time of its last update.",
            "Data that is missing or late is shown as such, not as zero.",
        ),
        steps=(
            "List the questions that the figures must answer",
            "Agree on the definition of each figure",
            "Build the import and its checks",
            "Build the views and compare ten figures with the sources",
            "Hand over the definitions and the update schedule",
        ),
        needs="read access to the sources and one person who knows what the fields mean",
    ),
    Work(
        kind=WorkKind.AI,
        title="AI assistant",
        phase=_BUILD,
        base_hours=48,
        point_hours=9,
        clear=words(
            r"ai|artificial intelligence|machine learning|ml model|chat ?bots?|llms?|gpt"
            r"|language models?|recommendations? engine"
            r"|predict(?:ion|ive|ions)?|classif\w+|computer vision|ocr"
        ),
        vague=words(r"assistant|smart|intelligent"),
        does="An assistant with a measured error rate, and a person in charge where an error would matter.",
        done=(
            "On a test set that you approve, it reaches the agreed share of right answers.",
            "It says so when it does not know, and hands over to a person.",
            "Cost and quality of each week can be read from a report.",
        ),
        steps=(
            "Collect and approve a test set of real cases",
            "Agree on the share of right answers and on the cases for a person",
            "Build a simple version first and measure it",
            "Improve it until the test set is passed",
            "Run it beside people for a week and compare",
            "Set up the weekly report on quality and cost",
        ),
        needs="about 100 real examples, with the right answers",
        leaves_out="Usage fees of AI services",
    ),
)
