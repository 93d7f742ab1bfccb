// @ts-check
// The server programs WLOps can get by itself: pinned versions, official archives with their sha256, the Go module to build otherwise.
// The hashes are those of the release files as published; a new version means new hashes here.

/**
 * @typedef {object} Archive
 * @property {string} path below the download site
 * @property {string} sha256
 * @property {string} member the program inside the archive
 *
 * @typedef {object} ServerProgram
 * @property {string} name of the executable
 * @property {string} title for people
 * @property {string} [addressVariable] the variable that names a running server, which is then used instead
 * @property {string} version
 * @property {Record<string, Archive>} archives by `<platform>-<arch>` as Node names them
 * @property {string} goPackage what `go install <package>@v<version>` builds
 * @property {(versionOutput: string) => string | undefined} unsuitable why a program found on PATH cannot be used, by its `--version`
 * @property {string} installHint
 */

/** The newest features used of the Temporal server: fair queues (matching.enableFairness). */
const TEMPORAL_SERVER_MINIMUM = [1, 29];

/** @param {string} output such as `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)` */
function temporalUnsuitable(output) {
  const [, major, minor] = /Server (\d+)\.(\d+)/.exec(output) ?? [];
  if (major === undefined) return 'it does not tell its server version';
  const [wantedMajor = 0, wantedMinor = 0] = TEMPORAL_SERVER_MINIMUM;
  const isOld = Number(major) < wantedMajor || (Number(major) === wantedMajor && Number(minor) < wantedMinor);
  return isOld ? `its server is ${major}.${minor}, older than ${TEMPORAL_SERVER_MINIMUM.join('.')}` : undefined;
}

/** @param {string} version @param {Record<string, [suffix: string, sha256: string]>} platforms @returns {Record<string, Archive>} */
function temporalArchives(version, platforms) {
  return Object.fromEntries(
    Object.entries(platforms).map(([platform, [suffix, sha256]]) => {
      const file = `temporal_cli_${version}_${suffix}.tar.gz`;
      return [platform, { path: `/temporalio/cli/releases/download/v${version}/${file}`, sha256, member: 'temporal' }];
    }),
  );
}

/** @param {string} version @param {Record<string, [suffix: string, sha256: string]>} platforms @returns {Record<string, Archive>} */
function versitygwArchives(version, platforms) {
  return Object.fromEntries(
    Object.entries(platforms).map(([platform, [suffix, sha256]]) => {
      const folder = `versitygw_v${version}_${suffix}`;
      const address = `/versity/versitygw/releases/download/v${version}/${folder}.tar.gz`;
      return [platform, { path: address, sha256, member: `${folder}/versitygw` }];
    }),
  );
}

/** @type {ServerProgram} */
export const TEMPORAL = {
  name: 'temporal',
  title: 'Temporal',
  addressVariable: 'TEMPORAL_ADDRESS',
  version: '1.5.1',
  archives: temporalArchives('1.5.1', {
    'linux-x64': ['linux_amd64', 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d'],
    'linux-arm64': ['linux_arm64', 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5'],
    'darwin-x64': ['darwin_amd64', 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9'],
    'darwin-arm64': ['darwin_arm64', 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415'],
  }),
  // Later tags of this module carry a `replace` line, which `go install` refuses.
  goPackage: 'github.com/temporalio/cli/cmd/temporal',
  unsuitable: temporalUnsuitable,
  installHint: 'install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH',
};

/** @type {ServerProgram} */
export const VERSITYGW = {
  name: 'versitygw',
  title: 'S3 server (versitygw)',
  addressVariable: 'S3_ENDPOINT',
  version: '1.8.0',
  archives: versitygwArchives('1.8.0', {
    'linux-x64': ['Linux_x86_64', '2ba2c734d10d2c4e651d03182cb4b246656bc735a2f282db7b0b73fba6073467'],
    'linux-arm64': ['Linux_arm64', 'b34051d33f5a9c457f790896acb7bd7d7e15ad8d92efb70616b924f37e401910'],
    'darwin-x64': ['Darwin_x86_64', '104bd978e80ef0173554cfd8630ccc5bac24b00da440510b60365a3b6b6ab134'],
    'darwin-arm64': ['Darwin_arm64', '4953096f65a9c0d62ab184fb6b2ba7c2435229205cf00a56cb62cd4bf6b216ca'],
  }),
  goPackage: 'github.com/versity/versitygw/cmd/versitygw',
  unsuitable: () => undefined,
  installHint: 'install versitygw (https://github.com/versity/versitygw) so that it is on PATH',
};

/** Its schema and its server belong together, so one that is on PATH is taken only in this version. */
const TEMPORAL_CLUSTER_VERSION = '1.32.2';

/** @param {string} output such as `temporal version 1.32.2` */
function otherThanPinned(output) {
  return output.includes(TEMPORAL_CLUSTER_VERSION) ? undefined : `it is not version ${TEMPORAL_CLUSTER_VERSION}`;
}

/** For WLOPS_TEMPORAL_STORE=postgresql alone. Its release files have no hash here yet, so it is built. @type {ServerProgram} */
export const TEMPORAL_SERVER = {
  name: 'temporal-server',
  title: 'Temporal server',
  version: TEMPORAL_CLUSTER_VERSION,
  archives: {},
  goPackage: 'go.temporal.io/server/cmd/server',
  unsuitable: otherThanPinned,
  installHint: `install temporal-server ${TEMPORAL_CLUSTER_VERSION} so that it is on PATH`,
};

/** Makes the tables of TEMPORAL_SERVER, whose schema it holds. @type {ServerProgram} */
export const TEMPORAL_SQL_TOOL = {
  name: 'temporal-sql-tool',
  title: 'Temporal schema',
  version: TEMPORAL_CLUSTER_VERSION,
  archives: {},
  goPackage: 'go.temporal.io/server/cmd/tools/sql',
  unsuitable: otherThanPinned,
  installHint: `install temporal-sql-tool ${TEMPORAL_CLUSTER_VERSION} so that it is on PATH`,
};

/** @param {string} version @param {Record<string, [suffix: string, sha256: string]>} platforms @returns {Record<string, Archive>} */
function toxiproxyArchives(version, platforms) {
  return Object.fromEntries(
    Object.entries(platforms).map(([platform, [suffix, sha256]]) => {
      const file = `toxiproxy_${version}_${suffix}.tar.gz`;
      return [
        platform,
        { path: `/Shopify/toxiproxy/releases/download/v${version}/${file}`, sha256, member: 'toxiproxy-server' },
      ];
    }),
  );
}

/** Between the processes of a stack under fault tests. @type {ServerProgram} */
export const TOXIPROXY = {
  name: 'toxiproxy-server',
  title: 'toxiproxy',
  version: '2.5.0',
  archives: toxiproxyArchives('2.5.0', {
    'linux-x64': ['linux_amd64', '2dcc53a7cd5e1cab3514bba3002cdc9626abd7e42cdf4a070242e3d977dcbeca'],
    'linux-arm64': ['linux_arm64', '63a33453dcdabab33c07bc234af164d2031f5418132ca15f949d0ede9a3a6f98'],
    'darwin-x64': ['darwin_amd64', 'c396d26c22c9566b3b6f90c5bdff884ae75dba5996eafdb5cdfa753b0e556d1f'],
    'darwin-arm64': ['darwin_arm64', 'cdb4c70ae1fba9a3d400acd7c96ca017e24ecd3fbb5eb4675a6262803d986460'],
  }),
  goPackage: 'github.com/Shopify/toxiproxy/v2/cmd/server',
  unsuitable: () => undefined,
  installHint: 'install toxiproxy (https://github.com/Shopify/toxiproxy) so that toxiproxy-server is on PATH',
};
