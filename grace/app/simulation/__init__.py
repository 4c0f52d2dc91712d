"""`grace simulate`: a business played from a seed, against a provider that fails and processes that are killed.

`plan` draws what happens, `actors` does it over HTTP, `stage` starts, kills and revives the processes, `office` is the
process that can be told at which statement to die, `oracle` says whether everything is right afterwards.
"""
