"""Long work that somebody begins and whose progress is seen: an import, many PDFs, an export, a verification.

`waiting → running → done | failed | stopped`; an import first looks at its file and is `ready` until confirmed.
One runs at a time in a workspace. Progress is committed in steps, each with its effect; a worker that dies is
followed by another, which goes on after the last step. Verbs: begin, confirm, stop. Fact: WorkMoved.
"""
