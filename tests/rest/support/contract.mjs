// openapi.yaml as a contract: every answer that passes through `ask` is held against it, and what was never seen of it is
// known at the end.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

export const document = parse(readFileSync(new URL('../../../src/rest/openapi.yaml', import.meta.url), 'utf8'));

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(document, 'openapi');

const validators = new Map();
/** `pointer`: of a schema in the document, whose references are looked up there. */
function validatorAt(pointer) {
  let validator = validators.get(pointer);
  if (!validator) validators.set(pointer, (validator = ajv.compile({ $ref: `openapi#${pointer}` })));
  return validator;
}
const escape = (part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));

/** Follows $ref: [value, pointer]. */
function resolve(value, pointer) {
  if (value?.$ref === undefined) return [value, pointer];
  const path = value.$ref.slice(1);
  const target = path.split('/').slice(1).reduce((at, part) => at[part.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  return resolve(target, path);
}

/** "POST /api/calls/initiate" and so on. */
export const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([, operation]) => operation.responses !== undefined)
    .map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, operation })),
);
export const operationOf = (name) => operations.find((each) => each.name === name) ?? assert.fail(`no ${name} in the document`);

/** Statuses that the HTTP layer answers for every route, before it is known which. */
const seen = new Set();

function checkAnswer({ name, method, path, operation }, status, headers, body) {
  const said = `${name} answered ${status} ${body.slice(0, 300)}`;
  const declared = operation.responses[status];
  assert.ok(declared, `${said}, which the document does not know`);
  seen.add(`${name} ${status}`);
  const [response, pointer] = resolve(declared, `/paths/${escape(path)}/${method.toLowerCase()}/responses/${status}`);
  for (const [header, value] of Object.entries(response.headers ?? {})) {
    const text = headers.get(header);
    if (value.required === false) continue;
    assert.notEqual(text, null, `${said}, without ${header}`);
    const [described, at] = resolve(value, `${pointer}/headers/${escape(header)}`);
    const isNumber = described.schema.type === 'integer';
    const validate = validatorAt(`${at}/schema`);
    assert.ok(validate(isNumber ? Number(text) : text), `${said}, with ${header}: ${text}`);
  }
  const content = response.content;
  if (content === undefined) {
    assert.equal(body, '', `${said}, where the document has no body`);
    return;
  }
  const type = (headers.get('content-type') ?? '').split(';')[0];
  assert.ok(content[type], `${said}, as ${type}`);
  if (!type.endsWith('json')) return;
  const validate = validatorAt(`${pointer}/content/${escape(type)}/schema`);
  assert.ok(validate(JSON.parse(body)), `${said}: ${ajv.errorsText(validate.errors, { separator: '\n' })}`);
}

/** Every status of these operations that was not produced. */
export function unseen(which = operations) {
  return which.flatMap(({ name, operation }) =>
    Object.keys(operation.responses)
      .map((status) => `${name} ${status}`)
      .filter((each) => !seen.has(each)),
  );
}

export class Api {
  constructor(server, token) {
    this.base = `http://127.0.0.1:${server.port}`;
    this.token = token;
  }
  as(token) {
    const other = new Api({ port: 0 }, token);
    other.base = this.base;
    return other;
  }

  /** `name` as in the document; `path` fills its braces. What the answer is gets checked; what it should be the caller knows. */
  async ask(name, { path = {}, query = '', body, raw, headers = {}, signal } = {}) {
    const operation = operationOf(name);
    const target = operation.path.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(path[key] ?? `no-such-${key}`));
    const response = await fetch(`${this.base}${target}${query}`, {
      method: operation.method,
      headers: {
        ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
        ...(body !== undefined || raw !== undefined ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
      signal,
    });
    const isStream = response.headers.get('content-type') === 'text/event-stream';
    const text = isStream ? await firstEvent(response) : await response.text();
    checkAnswer(operation, response.status, response.headers, text);
    const json = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
  }

  /** The same, when only one answer is right. */
  async expect(status, name, options) {
    const answer = await this.ask(name, options);
    assert.equal(answer.status, status, `${name}: ${answer.text}`);
    return answer;
  }
}

/** Of a stream of events: what comes first; then it is left. */
async function firstEvent(response) {
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

/** Holds the data of an event against a schema of the document. */
export function checkSchema(name, value) {
  const validate = validatorAt(`/components/schemas/${name}`);
  assert.ok(validate(value), `${JSON.stringify(value)} is no ${name}: ${ajv.errorsText(validate.errors)}`);
}
