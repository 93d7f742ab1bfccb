-- A claim knows whose it is and when its call was last seen at work, so that a long call keeps its key and a late one cannot
-- complete or release the claim of another.
ALTER TABLE "idempotency_keys" ADD COLUMN "claim_token" UUID;
ALTER TABLE "idempotency_keys" ADD COLUMN "touched_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;
