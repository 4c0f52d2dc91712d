-- Failed jobs stay until a person looks at them; what counts and lists them reads no others.
create index procrastinate_jobs_failed on procrastinate_jobs (id) where status = 'failed';
