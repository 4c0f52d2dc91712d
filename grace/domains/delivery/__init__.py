"""Sold work and what its clients say of it.

Nouns: project (proposed → in_progress → delivered → completed; cancelled from the first two), milestone, delivery
(one run of the architect: queued → built | failed) with its artefacts, survey answer. Verbs:
`service.projects.open_project`, `begin_project`, `complete_milestone`, `mark_delivered`, `complete_project`,
`cancel_project`; `service.deliveries.queue_delivery` (by its action alone), `record_built`, `record_failed`;
`service.satisfaction.answer_survey`. Facts: ProjectOpened, ProjectBegun, MilestoneCompleted, DeliveryQueued,
DeliveryBuilt, DeliveryFailed, ProjectDelivered, ProjectCompleted, ProjectCancelled, SurveyAnswered. Invariants,
kept by the database: a proposal becomes one project, a project is built once at a time, what was delivered and
what was answered is never changed.
"""
