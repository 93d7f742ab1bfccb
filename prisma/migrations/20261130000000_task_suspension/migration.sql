-- Who suspended a task, why and since when; null unless it is SUSPENDED.
ALTER TABLE "ml_tasks" ADD COLUMN "suspension" JSONB;
