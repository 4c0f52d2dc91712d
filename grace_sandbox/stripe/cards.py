"""Test cards by number, and the `pm_card_…` and `tok_…` names that stand for them."""

from dataclasses import dataclass
from typing import Literal

from grace_sandbox.stripe.errors import StripeError, card_error, invalid

Challenge = Literal["none", "optional", "unless_set_up", "on_session", "always"]


@dataclass(frozen=True, slots=True)
class Decline:
    code: str
    decline_code: str | None = None
    reason: str = "issuer_declined"


@dataclass(frozen=True, slots=True)
class TestCard:
    """How a card behaves. `attaches` false: refused already when it is saved. `settles_at_once`: no waiting
    for funds.

    Challenges: `optional` only when asked for; `unless_set_up` until it was set up for off-session use;
    `on_session` as if it had been set up before; `always` on every payment. Off-session a needed challenge
    is a decline.
    """

    number: str
    decline: Decline | None = None
    challenge: Challenge = "none"
    attaches: bool = True
    settles_at_once: bool = False
    refund: Literal["succeeds", "fails", "pends"] = "succeeds"
    debit: bool = False

    @property
    def brand(self) -> str:
        first = self.number[:2]
        if first[0] == "4":
            return "visa"
        names = {"37": "amex", "60": "discover", "35": "jcb", "62": "unionpay", "30": "diners"}
        return names.get(first, "mastercard")


def _declining(number: str, code: str, decline_code: str | None = None, reason: str = "issuer_declined") -> TestCard:
    return TestCard(number, Decline(code, decline_code, reason), attaches=False)


_DECLINED = "card_declined"
CARDS: dict[str, TestCard] = {
    card.number: card
    for card in [
        TestCard("4242424242424242"),
        TestCard("4000056655665556", debit=True),
        TestCard("5555555555554444"),
        TestCard("2223003122003222"),
        TestCard("5200828282828210", debit=True),
        TestCard("378282246310005"),
        TestCard("6011111111111117"),
        TestCard("3056930009020004"),
        TestCard("3566002020360505"),
        TestCard("6200000000000005"),
        TestCard("4000003560000008"),
        TestCard("4000002760000016"),
        TestCard("4000008260000000"),
        TestCard("4000000000000077", settles_at_once=True),
        TestCard("4000000000005126", refund="fails"),
        TestCard("4000000000007726", refund="pends"),
        _declining("4000000000000002", _DECLINED, "generic_decline"),
        _declining("4000000000009995", _DECLINED, "insufficient_funds"),
        _declining("4000000000009987", _DECLINED, "lost_card"),
        _declining("4000000000009979", _DECLINED, "stolen_card"),
        _declining("4000000000006975", _DECLINED, "card_velocity_exceeded"),
        _declining("4100000000000019", _DECLINED, "fraudulent", "highest_risk_level"),
        _declining("4000000000000069", "expired_card"),
        _declining("4000000000000127", "incorrect_cvc"),
        _declining("4000000000000119", "processing_error"),
        TestCard("4000000000000341", Decline(_DECLINED, "generic_decline")),
        TestCard("4000002500003155", challenge="unless_set_up"),
        TestCard("4000002760003184", challenge="always"),
        TestCard("4000003800000446", challenge="on_session"),
        TestCard("4000000000003220", challenge="always"),
        TestCard("4000000000003063", challenge="always"),
        TestCard("4000000000003055", challenge="optional"),
        TestCard("4000008260003178", Decline(_DECLINED, "insufficient_funds"), challenge="always"),
        TestCard("4000008400001629", Decline(_DECLINED, "generic_decline"), challenge="always"),
        TestCard("4000008400001280", Decline("processing_error"), challenge="always"),
    ]
}
_NAMES = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "us": "4242424242424242",
    "in": "4000003560000008",
    "de": "4000002760000016",
    "gb": "4000008260000000",
    "bypassPending": "4000000000000077",
    "refundFail": "4000000000005126",
    "pendingRefund": "4000000000007726",
    "chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeDeclinedFraudulent": "4100000000000019",
    "radarBlock": "4100000000000019",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "chargeCustomerFail": "4000000000000341",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "threeDSecureOptional": "4000000000003055",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "threeDSecureRequiredProcessingError": "4000008400001280",
}

_MESSAGES = {
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "insufficient_funds": "Your card has insufficient funds.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def named_card(token: str) -> TestCard | None:
    """The card behind `pm_card_visa`, `pm_card_visa_chargeDeclined`, `tok_visa`…; None for any other id."""
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix):
            name = token.removeprefix(prefix)
            number = _NAMES.get(name) or _NAMES.get(name.removeprefix("visa_"))
            return None if number is None else CARDS[number]
    return None


def numbered_card(number: str) -> TestCard:
    """The test card of that number; refuses numbers that are wrong or real."""
    digits = number.replace(" ", "").replace("-", "")
    if digits in CARDS:
        return CARDS[digits]
    if not digits.isdecimal() or not 12 <= len(digits) <= 19 or not _luhn(digits):
        raise StripeError(402, "card_error", "Your card number is incorrect.", code="incorrect_number", param="number")
    raise card_error(
        "Your card was declined. Your request was in test mode, but used a non test (live) card.",
        code=_DECLINED,
        decline_code="test_mode_live_card",
    )


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def decline_message(decline: Decline) -> str:
    return _MESSAGES.get(decline.decline_code or "", _MESSAGES.get(decline.code, "Your card was declined."))


def check_expiry(month: int, year: int, *, now_year: int, now_month: int) -> None:
    """Refuses a date that is impossible or past."""
    if not 1 <= month <= 12:
        raise StripeError(
            402,
            "card_error",
            "Your card's expiration month is invalid.",
            code="invalid_expiry_month",
            param="exp_month",
        )
    full_year = year + 2000 if year < 100 else year
    if not now_year <= full_year <= now_year + 50 or (full_year, month) < (now_year, now_month):
        raise StripeError(
            402,
            "card_error",
            "Your card's expiration year is invalid.",
            code="invalid_expiry_year",
            param="exp_year",
        )


def incomplete(param: str) -> StripeError:
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")
