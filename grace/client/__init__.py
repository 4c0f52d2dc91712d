"""The Python client library: Grace over HTTP.

`payment_processor` holds the calls of the documents, as plain functions: `from grace.client import payment_processor`.
`marketplace_connector` and `secrets_vault` can be imported and offer nothing yet: this release of the server has no
doors for them. `api.Grace` speaks to any door and names the common ones.

The address and the key come from GRACE_URL and GRACE_API_KEY. Refusals raise `errors.GraceError`. An answer that
waits for approval (`requires_approval`) is an answer and is returned. Requests that change something carry an
Idempotency-Key of their own and are repeated with it when the connection is lost, so that they count once.
"""
