// Firefox with fake devices, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): as much of it as pages in
// rooms need, in the shape of playwright's browser and page.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { WebSocket } from 'ws';

const binary = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const patienceMs = 30_000;

const preferences = {
  // Devices that ask nobody and play at once.
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.block-autoplay-until-in-foreground': false,
  // A machine may have no other network.
  'media.peerconnection.ice.loopback': true,
  // A page that shows JSON in the viewer is not of the server's origin.
  'devtools.jsonview.enabled': false,
  // Nothing but the pages of the test: no first run, no updates, no reports, no plugins to fetch.
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.server': 'data:,',
};

/** Why there is no Firefox to test with, as `skip` of node:test wants it; false when there is one. */
export function absent() {
  try {
    accessSync(binary, constants.X_OK);
    return false;
  } catch {
    return `${binary} is not installed (Debian package firefox-esr; FIREFOX names another)`;
  }
}

/** The connection of commands: each is answered once, in any order. */
class Session {
  #waiting = new Map();
  #last = 0;

  static async open(url) {
    const session = new Session();
    session.socket = new WebSocket(url, { perMessageDeflate: false });
    session.socket.on('message', (data) => session.#take(JSON.parse(data.toString())));
    session.socket.on('close', () => session.#end());
    await once(session.socket, 'open');
    await session.command('session.new', { capabilities: {} });
    return session;
  }

  #take({ id, type, result, error, message }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return; // an event
    this.#waiting.delete(id);
    if (type === 'success') waiting.resolve(result);
    else waiting.reject(new Error(`${waiting.method}: ${error}: ${message}`));
  }

  #end() {
    for (const { method, reject } of this.#waiting.values()) reject(new Error(`${method}: Firefox has ended`));
    this.#waiting.clear();
  }

  command(method, params) {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      if (this.socket.readyState !== WebSocket.OPEN) throw new Error(`${method}: Firefox has ended`);
      this.#waiting.set(id, { method, resolve, reject });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }
}

class Page {
  constructor(session, id, userContext) {
    Object.assign(this, { session, id, userContext });
  }

  async goto(url) {
    await this.session.command('browsingContext.navigate', { context: this.id, url, wait: 'complete' });
  }

  /** What `fn(arg)` gives, or what its promise does; it and `arg` are what JSON can hold. */
  async evaluate(fn, arg) {
    const { type, result, exceptionDetails } = await this.session.command('script.callFunction', {
      functionDeclaration: `async (text) => JSON.stringify(await (${fn})(text && JSON.parse(text)))`,
      arguments: [arg === undefined ? { type: 'undefined' } : { type: 'string', value: JSON.stringify(arg) }],
      target: { context: this.id },
      awaitPromise: true,
      userActivation: true,
    });
    if (type === 'exception') throw new Error(exceptionDetails.text);
    return result.type === 'undefined' ? undefined : JSON.parse(result.value);
  }

  /** Each page has a context of its own, which closes with it. */
  context() {
    return { close: () => this.session.command('browser.removeUserContext', { userContext: this.userContext }) };
  }
}

/** Where Firefox says that it listens for commands. */
function awaitAddress(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    const give = (why) => reject(new Error(`Firefox ${why}; its output:\n${output}`));
    const timer = setTimeout(() => give('does not listen'), patienceMs);
    child.stderr.on('data', (chunk) => {
      output += chunk;
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(output);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[1]);
    });
    child.once('error', (error) => give(String(error)));
    child.once('exit', (code) => {
      clearTimeout(timer);
      give(`ended with ${code}`);
    });
  });
}

export async function launch() {
  const profile = mkdtempSync(join(tmpdir(), 'zvonok-firefox-'));
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  const child = spawn(binary, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank'], {
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop); // a crashed test leaves no browser behind
  const session = await Session.open(`${await awaitAddress(child)}/session`);
  return {
    async newPage() {
      const { userContext } = await session.command('browser.createUserContext', {});
      // A window and no tab: what is in the background is slowed down.
      const { context } = await session.command('browsingContext.create', { type: 'window', userContext });
      return new Page(session, context, userContext);
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        await session.command('browser.close', {}).catch(() => {}); // it may end before it answers
        await ended;
      }
      process.off('exit', stop);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
