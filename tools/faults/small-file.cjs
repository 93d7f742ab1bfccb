// @ts-check
// The data of tasks that are over in some seconds. CommonJS, as all beside it that the fault tests load too.
const { createHash } = require('node:crypto');

const INTENTS = ['refund', 'delivery', 'invoice', 'password'];

/**
 * Short messages of four intents as CSV with the columns text and label.
 * @param {{ seed?: number, rows?: number, word?: string }} [options] same ones, same bytes; `word` stands in every row
 */
exports.smallFile = function smallFile({ seed = 1, rows = 240, word } = {}) {
  const begin = word === undefined ? '' : `${word} `;
  const lines = Array.from({ length: rows }, (_, index) => {
    const intent = INTENTS[(index + seed) % INTENTS.length];
    const number = createHash('sha256').update(`${seed} ${index}`).digest('hex').slice(0, 6);
    return `"${begin}my ${intent} number ${number} ${index % 3 ? 'is late' : 'is wrong'} since ${index % 28} May",${intent}`;
  });
  return `text,label\n${lines.join('\n')}\n`;
};
