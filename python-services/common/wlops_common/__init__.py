"""What the three services share: contracts, errors, the bucket, the job runner and the HTTP frame."""
