// Which tests a source declares, so that an index of tests can be held against what runs and not against what merely stands there.
import ts from 'typescript';

const DECLARE = new Set(['test', 'it']);
/** What may follow `test.` so that it still runs, and does not keep others from it. */
const RUNS = new Set(['each', 'concurrent']);

/** `test.skip.each([1])` is test, skip, each. */
function wordsOf(callee) {
  if (ts.isIdentifier(callee)) return [callee.text];
  if (ts.isPropertyAccessExpression(callee)) return [...wordsOf(callee.expression), callee.name.text];
  if (ts.isCallExpression(callee)) return wordsOf(callee.expression);
  if (ts.isTaggedTemplateExpression(callee)) return wordsOf(callee.tag);
  return [];
}

/** The text of a name; of a template, its begin. */
function nameOf(argument) {
  if (!argument) return undefined;
  if (ts.isStringLiteralLike(argument)) return argument.text;
  return ts.isTemplateExpression(argument) ? argument.head.text : undefined;
}

function testsOfTypeScript(text) {
  const names = [];
  let narrowed = false;
  const visit = (node) => {
    if (ts.isCallExpression(node)) {
      const [first, ...rest] = wordsOf(node.expression);
      if (first === 'describe' && rest.some((word) => word !== 'each' && word !== 'only')) return;
      const name = nameOf(node.arguments[0]);
      if ((DECLARE.has(first) || first === 'describe') && rest.includes('only')) narrowed = true;
      if (DECLARE.has(first) && name !== undefined && rest.every((word) => RUNS.has(word))) names.push(name);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('tests.ts', text, ts.ScriptTarget.Latest));
  // Then the others of the file do not run.
  return narrowed ? [] : names;
}

function testsOfPython(text) {
  return [...text.matchAll(/((?:^@.*\n)*)^(?:async )?def (test_\w+)\(/gm)]
    .filter(([, decorators]) => !/pytest\.mark\.(skip|xfail)/.test(decorators))
    .map(([, , name]) => name);
}

/**
 * The names of the tests that run when a file is run: without those that are skipped, left for later, or only stand in a comment. None
 * when one of them keeps the others from running.
 * @param {string} file
 * @param {string} text
 * @returns {string[]}
 */
export const testsIn = (file, text) => (file.endsWith('.py') ? testsOfPython(text) : testsOfTypeScript(text));
