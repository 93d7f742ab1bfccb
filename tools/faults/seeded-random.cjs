// @ts-check
// Chance that can be made again. CommonJS, so that the fault tests can load it too; its types for them are beside it.

/** The generator mulberry32: small, and the same on every machine. @param {number} seed @returns {() => number} 0 ≤ x < 1 */
exports.seededRandom = function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
