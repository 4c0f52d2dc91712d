"""How facts, actions and figures are called where people read them."""

_SAYS: dict[str, str] = {
    "LeadCaptured": "New lead",
    "LeadMoved": "Lead moved on",
    "ClientCreated": "New client",
    "ClientChanged": "Client changed",
    "ClientsMerged": "Clients merged",
    "ClientsUnmerged": "Merge undone",
    "ProposalSent": "Proposal sent",
    "ProposalAccepted": "Proposal accepted",
    "ProposalDeclined": "Proposal declined",
    "ProposalExpired": "Proposal expired",
    "ProposalSuperseded": "Proposal replaced",
    "ContractMade": "Contract ready to sign",
    "ContractSigned": "Contract signed",
    "ProjectOpened": "Project opened",
    "ProjectBegun": "Work began",
    "MilestoneCompleted": "Milestone completed",
    "DeliveryBuilt": "Delivery built",
    "DeliveryFailed": "Delivery failed",
    "ProjectDelivered": "Work delivered",
    "ProjectCompleted": "Project completed",
    "ProjectCancelled": "Project cancelled",
    "SurveyAnswered": "Survey answered",
    "InvoiceIssued": "Invoice sent",
    "InvoicePartPaid": "Invoice part paid",
    "InvoicePaid": "Invoice paid",
    "InvoiceOverpaid": "Invoice overpaid",
    "InvoiceReopened": "Invoice open again",
    "InvoiceVoided": "Invoice voided",
    "PaymentReceived": "Payment received",
    "PaymentReversed": "Payment reversed",
    "Overpaid": "Paid too much",
    "RefundOrdered": "Refund ordered",
    "RefundSucceeded": "Refund done",
    "RefundFailed": "Refund failed",
    "ActionHeld": "Waits for approval",
    "ActionGranted": "Approved",
    "ActionDenied": "Refused by policy",
    "ActionRejected": "Rejected",
    "ActionExpired": "Approval expired",
    "ActionStale": "Changed while it waited",
    "process_payment": "Charge the stored card",
    "refund_payment": "Refund a payment",
    "submit_proposal": "Submit a proposal",
    "send_proposal": "Send a proposal",
    "deliver_project": "Deliver a project",
    "change_policy": "Change the policy",
    "api": "API",
    "email": "E-mail",
    "linkedin": "LinkedIn",
    "upi": "UPI",
}


def say(name: str) -> str:
    """The words for a fact (`InvoicePaid`) or an action (`issue_invoice`); its own, spaced, when there are none."""
    known = _SAYS.get(name)
    if known is not None:
        return known
    if name.isupper():  # a stage
        return name.capitalize()
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]
