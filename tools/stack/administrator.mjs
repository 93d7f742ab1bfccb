// @ts-check
// Whether the administrator's account that the API made at its first start is the one we know the password of.

/**
 * @param {string} apiUrl
 * @param {{ adminEmail: string, adminPassword: string }} account
 */
export async function administratorCanLogIn(apiUrl, { adminEmail, adminPassword }) {
  const response = await fetch(`${apiUrl}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: adminEmail, password: adminPassword }),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok ?? false;
}
