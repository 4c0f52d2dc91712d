"""The CRM's decisions: stages, sources, features, score, outlook, next action, identity. All pure."""
