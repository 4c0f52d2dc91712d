"""Stripe's contract as the installed SDK states it: which operations exist, what each may be sent, what
comes back.

`source` reads the SDK's typed source without importing it, `operations` maps method and path to parameters
and answer, `forms` decodes bracketed bodies, `requests` checks and converts parameters, `answers` checks
objects.
"""
