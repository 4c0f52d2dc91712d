"""From a signed contract to the next lead: work begun, built, delivered, paid, rated."""
