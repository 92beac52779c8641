// The server's REST API as a person uses it.

/** Resolves with `{status, body}`. */
export async function ask(server, method, path, { body, token } = {}) {
  const response = await fetch(new URL(path, server.url), {
    method,
    headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  return { status: response.status, body: await response.json() };
}

/** Like ask() by POST, of what has to succeed. Resolves with the body. */
export async function post(server, path, body, token) {
  const answer = await ask(server, 'POST', path, { body, token });
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A new person: `{id, token}`. */
export async function register(server, name) {
  const { user, access_token: token } = await post(server, '/api/auth/register', {
    email: `${name.toLowerCase()}@example.org`,
    password: 'a long password',
    display_name: name,
  });
  return { id: user.id, token };
}
