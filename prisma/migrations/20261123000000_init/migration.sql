-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER', 'VIEWER');

-- CreateEnum
CREATE TYPE "DatasetType" AS ENUM ('training', 'validation', 'test', 'pool', 'optimized');

-- CreateEnum
CREATE TYPE "TaskMode" AS ENUM ('STANDARD', 'CONTINUOUS');

-- CreateEnum
CREATE TYPE "TaskStatus" AS ENUM ('PENDING', 'OPTIMIZING', 'TRAINING', 'EVALUATING', 'LOOPING', 'SUSPENDED', 'COMPLETED', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "ControlState" AS ENUM ('none', 'pausing', 'resuming', 'cancelling');

-- CreateEnum
CREATE TYPE "Phase" AS ENUM ('optimization', 'training', 'evaluation');

-- CreateEnum
CREATE TYPE "ExecutionStatus" AS ENUM ('running', 'completed', 'failed', 'cancelled', 'suspended');

-- CreateTable
CREATE TABLE "users" (
    "id" SERIAL NOT NULL,
    "email" TEXT NOT NULL,
    "display_name" TEXT,
    "password_hash" TEXT NOT NULL,
    "role" "Role" NOT NULL DEFAULT 'USER',
    "token_version" INTEGER NOT NULL DEFAULT 0,
    "disabled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "session_id" UUID NOT NULL,
    "user_id" INTEGER NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("session_id")
);

-- CreateTable
CREATE TABLE "refresh_tokens" (
    "token_hash" TEXT NOT NULL,
    "session_id" UUID NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "refresh_tokens_pkey" PRIMARY KEY ("token_hash")
);

-- CreateTable
CREATE TABLE "datasets" (
    "id" BIGSERIAL NOT NULL,
    "dataset_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "dataset_type" "DatasetType" NOT NULL,
    "storage_path" TEXT NOT NULL,
    "file_size" BIGINT NOT NULL,
    "sample_count" INTEGER,
    "sha256" TEXT NOT NULL,
    "file_name" TEXT,
    "content_type" TEXT,
    "format" TEXT,
    "columns" JSONB,
    "domain" TEXT,
    "user_id" INTEGER NOT NULL,
    "is_optimized" BOOLEAN NOT NULL DEFAULT false,
    "source_dataset_id" TEXT,
    "task_id" TEXT,
    "iteration" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "datasets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ml_tasks" (
    "id" BIGSERIAL NOT NULL,
    "task_id" TEXT NOT NULL,
    "task_name" TEXT NOT NULL,
    "task_mode" "TaskMode" NOT NULL,
    "status" "TaskStatus" NOT NULL DEFAULT 'PENDING',
    "control_state" "ControlState" NOT NULL DEFAULT 'none',
    "model_name" TEXT NOT NULL,
    "dataset_id" TEXT NOT NULL,
    "validation_dataset_id" TEXT,
    "test_dataset_id" TEXT,
    "pool_dataset_id" TEXT,
    "current_dataset_id" TEXT,
    "user_id" INTEGER NOT NULL,
    "current_iteration" INTEGER NOT NULL DEFAULT 0,
    "max_iterations" INTEGER NOT NULL,
    "performance_threshold" DOUBLE PRECISION,
    "stop_policies" JSONB NOT NULL DEFAULT '{}',
    "hyperparameters" JSONB NOT NULL DEFAULT '{}',
    "seed" INTEGER NOT NULL,
    "metric" TEXT,
    "task_type" TEXT,
    "latest_model_path" TEXT,
    "latest_evaluation_path" TEXT,
    "latest_score" DOUBLE PRECISION,
    "metric_info" JSONB,
    "champion_iteration" INTEGER,
    "progress" JSONB,
    "stop_reason" JSONB,
    "failure" JSONB,
    "control_reason" TEXT,
    "test_result" JSONB,
    "seq" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "start_requested_at" TIMESTAMPTZ(3),
    "workflow_started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ml_tasks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_executions" (
    "id" BIGSERIAL NOT NULL,
    "task_id" TEXT NOT NULL,
    "iteration" INTEGER NOT NULL,
    "phase" "Phase" NOT NULL,
    "segment" INTEGER NOT NULL DEFAULT 0,
    "status" "ExecutionStatus" NOT NULL,
    "input_dataset_id" TEXT,
    "output_dataset_id" TEXT,
    "model_path" TEXT,
    "evaluation_path" TEXT,
    "score" DOUBLE PRECISION,
    "details" JSONB,
    "failure" JSONB,
    "seq" INTEGER NOT NULL DEFAULT 0,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "task_executions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_decisions" (
    "id" BIGSERIAL NOT NULL,
    "task_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "iteration" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "facts" JSONB NOT NULL,
    "actor" TEXT NOT NULL,
    "decided_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "task_decisions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_events" (
    "id" BIGSERIAL NOT NULL,
    "task_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "task_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "user_id" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "request_hash" TEXT NOT NULL,
    "status" INTEGER,
    "body" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("user_id","key")
);

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE INDEX "sessions_user_id_idx" ON "sessions"("user_id");

-- CreateIndex
CREATE INDEX "refresh_tokens_session_id_idx" ON "refresh_tokens"("session_id");

-- CreateIndex
CREATE UNIQUE INDEX "datasets_dataset_id_key" ON "datasets"("dataset_id");

-- CreateIndex
CREATE INDEX "datasets_user_id_id_idx" ON "datasets"("user_id", "id");

-- CreateIndex
CREATE INDEX "datasets_source_dataset_id_idx" ON "datasets"("source_dataset_id");

-- CreateIndex
CREATE UNIQUE INDEX "ml_tasks_task_id_key" ON "ml_tasks"("task_id");

-- CreateIndex
CREATE INDEX "ml_tasks_user_id_id_idx" ON "ml_tasks"("user_id", "id");

-- CreateIndex
CREATE INDEX "ml_tasks_status_idx" ON "ml_tasks"("status");

-- CreateIndex
CREATE UNIQUE INDEX "task_executions_task_id_iteration_phase_segment_key" ON "task_executions"("task_id", "iteration", "phase", "segment");

-- CreateIndex
CREATE UNIQUE INDEX "task_decisions_task_id_seq_kind_key" ON "task_decisions"("task_id", "seq", "kind");

-- CreateIndex
CREATE INDEX "task_events_task_id_id_idx" ON "task_events"("task_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "task_events_task_id_seq_type_key" ON "task_events"("task_id", "seq", "type");

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("session_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "datasets" ADD CONSTRAINT "datasets_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ml_tasks" ADD CONSTRAINT "ml_tasks_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_executions" ADD CONSTRAINT "task_executions_task_id_fkey" FOREIGN KEY ("task_id") REFERENCES "ml_tasks"("task_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_decisions" ADD CONSTRAINT "task_decisions_task_id_fkey" FOREIGN KEY ("task_id") REFERENCES "ml_tasks"("task_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_events" ADD CONSTRAINT "task_events_task_id_fkey" FOREIGN KEY ("task_id") REFERENCES "ml_tasks"("task_id") ON DELETE CASCADE ON UPDATE CASCADE;

