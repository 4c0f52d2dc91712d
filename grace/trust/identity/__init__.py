"""Who acts and what they may: users, agents, API keys, sessions.

Nouns: principal (a user, or an agent with the user who owns it), API key, session, sign-in link. A user's key is
that user; an agent is a principal of its own, never more than its owner. Verbs are in `service/`: create, give
roles, make keys and links, sign in and out. Questions: `queries.voters`, `queries.principal`.
Invariants: a workspace that has had an owner keeps one; only hashes of passwords and tokens are stored; a sign-in
link works once; nobody gives what they do not hold.
"""
