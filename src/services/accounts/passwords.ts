/**
 * argon2id with the parameters OWASP's Password Storage Cheat Sheet gives first (19 MiB, 2 passes, 1 lane). Checking costs the
 * same time for an unknown user as for a known one.
 */
import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

// The package's default algorithm is argon2id; its enum is a `const enum`, which isolated modules cannot read.
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

let decoy: Promise<string> | undefined;

/** The encoded hash, parameters and salt included. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, PARAMETERS);
}

/** True when `password` belongs to `passwordHash`. With null it does the same work and answers false. */
export async function checkPassword(passwordHash: string | null, password: string): Promise<boolean> {
  decoy ??= hashPassword(randomBytes(16).toString('hex'));
  const matches = await verify(passwordHash ?? (await decoy), password);
  return matches && passwordHash !== null;
}
