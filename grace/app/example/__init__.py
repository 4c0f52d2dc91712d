"""The example business: a year of Tidewater Studio, played over HTTP in the test workspace `example`.

`plan` decides from a seed who comes and what becomes of it; `people` and `words` are what it decides from; `play` lets
it happen through the doors that everybody uses; `loading` makes and drops the workspace; `commands` calls that.
"""
