"""What the doors of insight answer. Names always stand: sums are 0.00, ratios null while their divisor is 0."""

from datetime import date, datetime

from grace.kit.money import Amount, Number
from grace.kit.web import Answer

Ratio = Number | None


class WithoutRate(Answer):
    """Money that is in no figure of the workspace's currency: no exchange rate is known for its day."""

    currency: str
    amount: Amount
    rows: int


class InCurrency(Answer):
    """What came in a currency, and what that is worth in the workspace's; `rows` is how many postings."""

    currency: str
    amount: Amount
    value: Amount
    rows: int


class Channel(Answer):
    """Revenue by the channel that brought the lead or the client."""

    source: str
    revenue: Amount
    share: Ratio


class Month(Answer):
    """Revenue of a calendar month (UTC), as far as it lies in the time."""

    month: date
    revenue: Amount


class Revenue(Answer):
    """Revenue from the ledger. Figures are in `currency`; `without_rate` names what they leave out."""

    total_revenue: Amount
    month_revenue: Amount
    currency: str
    by_currency: list[InCurrency]
    without_rate: list[WithoutRate]


class Overview(Answer):
    """The business at a glance."""

    total_revenue: Amount
    monthly_recurring_revenue: Amount
    growth_rate_30d: Ratio
    month_revenue: Amount
    customers: int
    customer_growth_rate: Ratio
    avg_lifetime_value: Amount | None
    leads_captured: int
    conversion_rate: Ratio
    pipeline_value: Amount
    satisfaction: Ratio
    currency: str
    without_rate: list[WithoutRate]


class RecurringMovements(Answer):
    """What moved the monthly recurring revenue; the sum is its change."""

    new: Amount
    expansion: Amount
    contraction: Amount
    churn: Amount
    reactivation: Amount


class RevenueMetrics(Answer):
    """Revenue, payments and what recurs."""

    total_revenue: Amount
    month_revenue: Amount
    growth_rate_30d: Ratio
    refunded: Amount
    commission: Amount
    monthly_recurring_revenue: Amount
    annual_recurring_revenue: Amount
    mrr_movements: RecurringMovements
    churn_rate: Ratio
    payment_volume: Amount
    payments: int
    average_payment: Amount | None
    payment_success_rate: Ratio
    revenue_per_channel: list[Channel]
    by_currency: list[InCurrency]
    by_month: list[Month]
    forecast: list[Month]
    currency: str
    without_rate: list[WithoutRate]


class StageConversion(Answer):
    """The share of the leads captured in the time that came to the stage and went further."""

    stage: str
    conversion: Ratio


class Satisfaction(Answer):
    """Answers of a calendar month (UTC): net promoter score and average."""

    month: date
    answers: int
    satisfaction: Ratio
    average_score: Ratio


class Cohort(Answer):
    """Customers won in a calendar month (UTC), and their revenue up to today."""

    month: date
    customers: int
    lifetime_value: Amount


class CustomerMetrics(Answer):
    """Customers are clients that have paid; merged ones count once, on the day of the first payment."""

    customer_growth_rate: Ratio
    avg_lifetime_value: Amount | None
    customers: int
    clients: int
    customer_lifetime_value: Amount | None
    customer_acquisition_cost: Amount | None
    churn_rate: Ratio
    leads_captured: int
    lead_capture_rate: Ratio
    qualification_accuracy: Ratio
    conversion_rate: Ratio
    conversion: list[StageConversion]
    satisfaction: Ratio
    average_score: Ratio
    satisfaction_trend: list[Satisfaction]
    cohorts: list[Cohort]
    currency: str
    without_rate: list[WithoutRate]


class MarketingMetrics(Answer):
    """What campaigns bring, once there are any; and what the channels do already."""

    campaigns: int
    emails_sent: int
    emails_delivered: int
    open_rate: Ratio
    click_rate: Ratio
    bounce_rate: Ratio
    complaint_rate: Ratio
    unsubscribe_rate: Ratio
    campaign_revenue: Amount
    customer_acquisition_cost: Amount | None
    attribution: list[Channel]
    leads_captured: int
    lead_capture_rate: Ratio
    conversion_rate: Ratio
    revenue_per_channel: list[Channel]
    currency: str
    without_rate: list[WithoutRate]


class StageOut(Answer):
    """`conversion` is the share (0 to 1) of the leads that reached the stage and went on; null for none.

    `days` is how long leads stayed in the stage that left it in the time.
    """

    stage: str
    count: int
    value: Amount
    conversion: Ratio
    days: Ratio


class SourceOut(Answer):
    """Leads of one source; `conversion` is the share whose contract was signed."""

    source: str
    count: int
    value: Amount
    conversion: Ratio


class CellOut(Answer):
    """Leads of one source in one stage."""

    stage: str
    source: str
    count: int
    value: Amount


class StuckOut(Answer):
    """A lead that has stood still for longer than twice the usual time."""

    lead_id: str
    stage: str
    days: int


class Pipeline(Answer):
    """The pipeline's figures over the leads captured in the time."""

    stages: list[StageOut]
    sources: list[SourceOut]
    by_stage_and_source: list[CellOut]
    currency: str
    velocity_days: Ratio
    stuck: list[StuckOut]


class FigureOut(Answer):
    """A figure over a time. `formula` says how it follows from `value` and `weight` of its rows, whose sums are
    `sum_of_values` and `sum_of_weights` (money in major units)."""

    figure: str
    says: str
    unit: str
    value: Number | None
    formula: str
    sum_of_values: Number
    sum_of_weights: Number
    currency: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    without_rate: list[WithoutRate]


class FigureList(Answer):
    """All figures."""

    items: list[FigureOut]
    next_cursor: None = None


class RowOut(Answer):
    """A row behind a figure: what it is, and what it adds. `value` is null for money without a rate."""

    id: str
    kind: str
    at: datetime
    client_id: str | None
    source: str
    what: str
    currency: str | None
    amount: Number | None
    value: Number | None
    weight: Number


class RowList(Answer):
    """A page of rows in the order of time."""

    items: list[RowOut]
    next_cursor: str | None
