"""The kinds of work around building.

Planning, design, operations, words, people, and what fits nowhere else.
"""

from grace.providers.architect.builtin.work_kind import Work, words
from grace.providers.architect.port import WorkKind

_PLAN, _BUILD, _OPERATE, _LAUNCH = "Plan and design", "Build", "Connect and automate", "Launch and hand over"

OTHER_WORK = (
    Work(
        kind=WorkKind.TRAINING,
        title="Training",
        phase=_LAUNCH,
        base_hours=8,
        point_hours=4,
        clear=words(r"train(?:ing|ings)?|workshops?|onboard(?:ing)?|teach|webinars?|user manual|documentation"),
        vague=words(r"explain|show (?:us|our team)|handbook"),
        does="Sessions on your own data, recorded, with a short written guide to look things up later.",
        done=(
            "Each participant has done the three most frequent tasks alone.",
            "The recording and the written guide are with you.",
        ),
        steps=(
            "Ask the participants what they do most often",
            "Prepare the tasks on their own data",
            "Hold the sessions and record them",
            "Send recording and guide, and collect open questions",
        ),
        needs="the names of the participants and a date",
    ),
    Work(
        kind=WorkKind.SUPPORT,
        title="Support and maintenance",
        phase="After launch",
        base_hours=12,
        point_hours=4,
        clear=words(
            r"maintenance|maintain|(?:ongoing|monthly|technical|after[- ]launch) support"
            r"|support (?:for|after)|sla"
        ),
        vague=words(r"support|bug ?fix(?:es|ing)?|updates?|hosting"),
        does="Someone who knows the system answers your requests and keeps it up to date.",
        done=(
            "Requests are answered within the time we agree on in the kick-off.",
            "Security updates are installed and tested every month, urgent ones at once.",
            "A short report each month says what was done and what it took.",
        ),
        steps=(
            "Agree on the contact, the hours and what counts as urgent",
            "Set up monitoring and a list of requests",
            "Install updates monthly and test afterwards",
            "Send the monthly report",
        ),
    ),
    Work(
        kind=WorkKind.DESIGN,
        title="Design",
        phase=_PLAN,
        base_hours=24,
        point_hours=6,
        clear=words(
            r"ui/?ux|ux|ui design|logos?|branding|brand identity"
            r"|wire-?frames?|mock-?ups?|corporate design|style ?guide"
        ),
        vague=words(r"(?:re-?)?design(?:s|ed|ing)?|layouts?|look and feel"),
        does="A clear visual direction, first as sketches you can react to, then as finished layouts.",
        done=(
            "You have chosen one of two directions and approved the finished layouts.",
            "Contrast and text sizes meet WCAG 2.2 AA.",
            "Source files, fonts and colours are handed over for your own use.",
        ),
        steps=(
            "Collect examples that the client likes and dislikes",
            "Sketch two directions and decide on one together",
            "Draw the layouts for phone and desktop",
            "Check contrast, sizes and empty states",
            "Hand over the source files and a one-page style guide",
        ),
        needs="your logo, colours and two or three examples you like",
        leaves_out="Licences for fonts and pictures",
    ),
    Work(
        kind=WorkKind.INFRASTRUCTURE,
        title="Infrastructure",
        phase=_OPERATE,
        base_hours=24,
        point_hours=6,
        clear=words(
            r"cloud|aws|azure|gcp|google cloud|kubernetes|docker|ci/?cd|devops|servers?|infrastructure"
            r"|backups?|monitoring"
            r"|deploy(?:s|ed|ing|ment|ments)?"
        ),
        vague=words(r"performance|scal(?:e|ing|able)"),
        does=(
            "An environment that can be rebuilt from a script, is watched, and is backed up in a way that was tested."
        ),
        done=(
            "The environment is rebuilt from the repository in front of you.",
            "A backup is restored, and the restored system works.",
            "An outage raises an alert within five minutes.",
        ),
        steps=(
            "Agree on environments, access and budget for running costs",
            "Describe the environment as code",
            "Set up automatic builds and releases",
            "Set up monitoring, alerts and backups",
            "Restore a backup as a test",
            "Write the operating notes",
        ),
        needs="an account at your hosting provider",
        leaves_out="Running costs of hosting",
    ),
    Work(
        kind=WorkKind.SECURITY,
        title="Security review",
        phase=_OPERATE,
        base_hours=24,
        point_hours=6,
        clear=words(r"security|penetration tests?|pen-?tests?|gdpr|dsgvo|iso ?27001|soc ?2|encrypt(?:ion|ed)?|audits?"),
        vague=words(r"secure|compliance|privacy"),
        does="A written review with findings ranked by risk, and the fixes for those that matter most.",
        done=(
            "Each finding has a rank, a way to reproduce it and a recommended fix.",
            "All findings ranked high are fixed or accepted in writing.",
        ),
        steps=(
            "Agree on what may be tested, when and by whom",
            "Review configuration, access rights and dependencies",
            "Test by hand what tools cannot find",
            "Rank the findings and discuss them",
            "Fix what was agreed and test again",
        ),
        needs="a written permission to test",
        leaves_out="Certification by an outside body",
    ),
    Work(
        kind=WorkKind.CONTENT,
        title="Content",
        phase=_BUILD,
        base_hours=14,
        point_hours=4,
        clear=words(
            r"copy ?writ(?:ing|er|e)|articles?|blog posts?|translations?|texts?|content (?:creation"
            r"|writing)|videos?"
        ),
        vague=words(r"content|translat(?:e|ed)|photos?"),
        does="Texts in your voice that say one thing at a time and lead to one action.",
        done=(
            "You have approved every text after at most two rounds of changes.",
            "Names, figures and claims are checked against your sources.",
        ),
        steps=(
            "Agree on readers, tone and the list of texts",
            "Interview the person who knows most",
            "Write the drafts and collect one round of changes",
            "Edit, check the facts and hand over",
        ),
        needs="an hour with the person who knows the subject best",
    ),
    Work(
        kind=WorkKind.MARKETING,
        title="Marketing campaign",
        phase=_BUILD,
        base_hours=24,
        point_hours=6,
        clear=words(
            r"marketing|campaigns?|google ads|advertis\w+|newsletters?|e-?mail sequences?|social media"
            r"|search engine optimi[sz]ation|lead generation"
        ),
        vague=words(r"promot(?:e|ion)|visibility|audience"),
        does="A campaign with one measurable goal, set up so that you can see what each part brings.",
        done=(
            "Every step from first contact to the goal is measured and was tested once by hand.",
            "Consent and unsubscribe work as the law asks.",
            "A report compares the result with the goal.",
        ),
        steps=(
            "Agree on the goal, the audience and what counts as success",
            "Set up measurement and test it",
            "Prepare texts and pictures and get them approved",
            "Start small, look at the figures, then widen",
            "Report the result against the goal",
        ),
        needs="access to your marketing accounts",
        leaves_out="Advertising spend",
    ),
    Work(
        kind=WorkKind.DISCOVERY,
        title="Kick-off and plan",
        phase=_PLAN,
        base_hours=10,
        point_hours=4,
        clear=words(
            r"discovery|feasibility|consult(?:ing|ation)|strategy|road ?map|requirements? (?:analysis"
            r"|workshop)|audit of"
        ),
        vague=words(r"advice|analysis|research|recommendations?"),
        does="We settle the open questions, agree on priorities and write down what is built first.",
        done=(
            "Open questions are answered or have an owner and a date.",
            "A plan with dates is agreed in writing.",
        ),
        steps=(
            "Hold the kick-off and list the open questions",
            "Agree on contacts, channel and weekly slot",
            "Write the plan with dates and get it approved",
        ),
    ),
    Work(
        kind=WorkKind.LAUNCH,
        title="Launch and handover",
        phase=_LAUNCH,
        base_hours=6,
        point_hours=2,
        clear=None,
        vague=None,
        does="We go live together and hand over everything you need to go on alone.",
        done=(
            "The system is live, and the go-live checklist is signed off.",
            "Access, source files and a short guide are with you.",
        ),
        steps=(
            "Agree on the go-live date and the way back",
            "Go through the checklist and go live",
            "Watch the first days and fix what shows up",
            "Hand over access, files and guide",
        ),
    ),
    Work(
        kind=WorkKind.CUSTOM,
        title="Implementation",
        phase=_BUILD,
        base_hours=24,
        point_hours=6,
        clear=None,
        vague=None,
        does=("We agree on the details in the kick-off, then deliver in small steps that you can check each week."),
        done=(
            "Each point listed above is shown to you and works as agreed.",
            "What was agreed in the kick-off is written down and checked off with you.",
        ),
        steps=(
            "Agree on the details and write them down",
            "Deliver in small steps and show each of them",
            "Check off the list together",
        ),
    ),
)
