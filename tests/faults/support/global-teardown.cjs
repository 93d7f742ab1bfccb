// After all fault tests: the cluster must end as it promises, and the folder goes away. WLOPS_TEST_KEEP=true keeps it, to look into.
const fs = require('node:fs');

module.exports = async () => {
  if (!globalThis.wlopsFaults) return;
  const { stack, folder } = globalThis.wlopsFaults;
  const code = await stack.stop();
  if (code !== 0) throw new Error(`the cluster ended with ${code}, not 0:\n${stack.output().slice(-4000)}`);
  if (process.env.WLOPS_TEST_KEEP === 'true') console.log(`kept: ${folder}`);
  else fs.rmSync(folder, { recursive: true, force: true });
};
