"""Stripe behind the card payment port: `adapter` calls it, `objects` reads it, `signature` verifies events."""
