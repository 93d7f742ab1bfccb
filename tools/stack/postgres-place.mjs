// @ts-check
// Under which account and in which folders PostgreSQL runs. It refuses to run as root, so for root it runs as an unprivileged account,
// which must be able to reach both its programs and its data.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** For root only, when the stack's own folder cannot be reached by the unprivileged account. */
const SYSTEM_DIRECTORY = '/var/lib/wlops';

/**
 * @typedef {{ uid: number, gid: number }} Account
 * @typedef {{ account?: Account, directory: string }} PostgresPlace
 */

/** The account `postgres` if the machine has one, otherwise `nobody`. @returns {Account} */
function unprivilegedAccount() {
  const accounts = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry = accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  return { uid: Number(entry?.[2] ?? 65534), gid: Number(entry?.[3] ?? 65534) };
}

/** Whether an account can walk down to a folder. @param {string} directory @param {Account} account */
function canReach(directory, { uid, gid }) {
  for (let folder = directory; ; folder = path.dirname(folder)) {
    if (fs.existsSync(folder)) {
      const stat = fs.statSync(folder);
      const searchBit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001;
      if (!(stat.mode & searchBit)) return false;
    }
    if (folder === path.dirname(folder)) return true;
  }
}

/** Makes a folder, and what is missing above it such that every account can walk down, whatever the umask. @param {string} directory */
export function makeWalkable(directory) {
  const first = fs.mkdirSync(directory, { recursive: true });
  if (first === undefined) return;
  for (let folder = directory; folder.length >= first.length; folder = path.dirname(folder))
    fs.chmodSync(folder, 0o755);
}

/**
 * @param {string} dataDir
 * @returns {PostgresPlace} `account` is undefined when PostgreSQL can run as the current user
 */
export function postgresPlace(dataDir) {
  const directory = path.join(dataDir, 'postgres');
  if (process.getuid?.() !== 0) return { directory };
  const made = fs.existsSync(path.join(directory, 'PG_VERSION')) ? fs.statSync(directory) : undefined;
  const account = made && made.uid !== 0 ? { uid: made.uid, gid: made.gid } : unprivilegedAccount();
  if (canReach(dataDir, account)) return { account, directory };
  const key = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return { account, directory: path.join(SYSTEM_DIRECTORY, key, 'postgres') };
}

/**
 * A copy of the programs that the account can reach; the programs themselves when it already can.
 * @param {import('../servers/postgres-programs.mjs').PostgresPrograms} programs
 * @param {Account | undefined} account
 */
export function reachablePrograms(programs, account) {
  const source = path.dirname(programs.bin);
  if (!account || canReach(programs.bin, account)) return programs;
  const stamp = `${programs.bin}:${fs.statSync(path.join(programs.bin, 'postgres')).mtimeMs}`;
  const key = createHash('sha256').update(stamp).digest('hex').slice(0, 16);
  const copy = path.join(SYSTEM_DIRECTORY, 'programs', `postgresql-${programs.major}-${key}`);
  if (!fs.existsSync(copy)) {
    const fresh = `${copy}.${process.pid}`;
    makeWalkable(path.dirname(fresh));
    fs.cpSync(source, fresh, { recursive: true, verbatimSymlinks: true });
    // The umask that npm unpacked them under may have kept others out.
    execFileSync('chmod', ['-R', 'a+rX', fresh]);
    fs.renameSync(fresh, copy);
  }
  return { ...programs, bin: path.join(copy, 'bin'), lib: programs.lib && path.join(copy, 'lib') };
}
