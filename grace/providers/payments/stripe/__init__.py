"""Stripe behind the card payment port: `adapter` calls it, `objects` reads what it says, `signature` verifies events."""
