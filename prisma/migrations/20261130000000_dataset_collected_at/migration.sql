-- When retention removed a data set's bytes, so that the API can say so.
ALTER TABLE "datasets" ADD COLUMN "collected_at" TIMESTAMPTZ(3);
