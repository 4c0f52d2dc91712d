"""The providers' stand-in, spoken to over the wire; the product never imports it."""
