"""Clients, leads, interactions and the pipeline.

Nouns: client (a person or company, named by its id, its number or ids of the callers' own; known again by
e-mail, else by company domain and name). Verbs: `clients.create_client` (finds or makes), `client_for`,
`change_client`, `merging.merge_clients`, `unmerge_clients`. Facts: ClientCreated, ClientChanged,
ClientsMerged, ClientsUnmerged. Invariants, kept by the database: no two standing clients share an e-mail, or
domain and name; an external id names one client; a client is merged into one that stands.
"""
