// After all system tests: the stack must end as it promises, and the folder goes away.
const fs = require('node:fs');

module.exports = async () => {
  const { stack, folder } = globalThis.wlopsSystem;
  const code = await stack.stop();
  if (code !== 0) throw new Error(`the stack ended with ${code}, not 0:\n${stack.output().slice(-4000)}`);
  fs.rmSync(folder, { recursive: true, force: true });
};
