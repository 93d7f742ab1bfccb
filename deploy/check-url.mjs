// Health check of a container that has Node but no curl: exits 0 when the address answers with a 2xx status within 4 s.
const [url] = process.argv.slice(2);
const answer = await fetch(url, { signal: AbortSignal.timeout(4000) }).catch((error) => ({
  ok: false,
  status: String(error),
}));
if (!answer.ok) console.error(`${url}: ${answer.status}`);
process.exit(answer.ok ? 0 : 1);
