// After all tests: nothing that was started lives on.
module.exports = async () => {
  await globalThis.wlopsTest?.stop();
};
