-- Retention marks data sets by the folder of their rows, batch after batch.
CREATE INDEX "datasets_folder_idx" ON "datasets" (regexp_replace("storage_path", '[^/]*$', ''))
  WHERE "collected_at" IS NULL;
