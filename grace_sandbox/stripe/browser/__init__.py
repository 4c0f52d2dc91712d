"""What a payer's browser loads: the stand-in of Stripe.js at `/v3/`, and the frame of its card field."""
