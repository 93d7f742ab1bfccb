-- What the optimizer does to a task's rows only where its user asks for it: masks and caps. An empty object asks for nothing.
ALTER TABLE "ml_tasks" ADD COLUMN "operators" JSONB NOT NULL DEFAULT '{}';
