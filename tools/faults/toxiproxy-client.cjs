// @ts-check
// The HTTP side of a toxiproxy server, wherever it runs: what lays faults into connections.

/** @typedef {import('./toxiproxy-client.cjs').Toxic} Toxic */

const TIMEOUT_MS = 5000;

exports.ToxiproxyClient = class ToxiproxyClient {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }

  /** @param {string} method @param {string} route @param {unknown} [body] */
  async #call(method, route, body) {
    const response = await fetch(`${this.url}${route}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`toxiproxy: ${method} ${route} answered ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** @returns {Promise<string>} */
  version() {
    return fetch(`${this.url}/version`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).then((response) =>
      response.text(),
    );
  }

  /** @param {{ name: string, listen: string, upstream: string }[]} proxies */
  async populate(proxies) {
    await this.#call('POST', '/populate', proxies);
  }

  /** @param {string} link @param {Toxic} toxic */
  async add(link, { type, stream = 'downstream', attributes = {} }) {
    const toxic = { name: `${type}_${stream}`, type, stream, toxicity: 1, attributes };
    await this.#call('POST', `/proxies/${encodeURIComponent(link)}/toxics`, toxic);
  }

  /** @param {string} link */
  async cut(link) {
    await this.#call('POST', `/proxies/${encodeURIComponent(link)}`, { enabled: false });
  }

  async heal() {
    await this.#call('POST', '/reset');
  }
};
