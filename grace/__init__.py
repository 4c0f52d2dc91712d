"""Grace: the back office of a business run by people and AI agents, from lead to cash."""
