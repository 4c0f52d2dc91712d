"""The architect writes proposals and builds deliveries: one interface (`port`), several back ends.

`builtin` works offline and always answers the same for the same brief. `pricing` is shared by all back
ends, so that no model ever invents a price.
"""
