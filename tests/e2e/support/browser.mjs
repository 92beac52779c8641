// People in browsers: a Chromium with fake devices, one context a person or device, driven through the web app.
import { chromium } from 'playwright-core';

import { until } from './until.mjs';

const patienceMs = 30_000;

const program = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** `executable`: what starts the browser instead, such as a script that puts it into a network of its own. */
export function launch({ executable = program, args = [] } = {}) {
  return chromium.launch({
    executablePath: executable,
    headless: true,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
      ...args,
    ],
  });
}

const byId = (id) => `[data-testid="${id}"]`;

/** One device: a browser context of its own with the web app open. */
export class Device {
  constructor(page, errors) {
    this.page = page;
    this.errors = errors;
  }

  static async open(browser, url) {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'], locale: 'en-GB' });
    const page = await context.newPage();
    page.setDefaultTimeout(patienceMs);
    const errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && /Content Security Policy/.test(message.text())) errors.push(message.text());
    });
    await page.goto(url);
    return new Device(page, errors);
  }

  find(id) {
    return this.page.locator(byId(id));
  }

  async click(id) {
    await this.find(id).click();
  }

  /** The form opens as sign-in or as sign-up: the name field tells. */
  async showForm(kind) {
    await this.find('auth-email').waitFor();
    const isSignUp = (await this.find('auth-name').count()) > 0;
    if (isSignUp !== (kind === 'sign-up')) await this.click('auth-switch');
  }

  async signUp(person) {
    await this.showForm('sign-up');
    await this.find('auth-name').fill(person.name);
    await this.find('auth-email').fill(person.email);
    await this.find('auth-password').fill(person.password);
    await this.click('auth-submit');
    await this.find('nav-people').waitFor();
  }

  async signIn(person) {
    await this.showForm('sign-in');
    await this.find('auth-email').fill(person.email);
    await this.find('auth-password').fill(person.password);
    await this.click('auth-submit');
    await this.find('nav-people').waitFor();
  }

  /** Starts a call to the person with that name, once that person is `online`. */
  async call(name, kind, { online = true } = {}) {
    await this.click('nav-people');
    const person = this.page
      .locator(`[data-testid^="person-"]${online ? '[data-online="true"]' : ''}`)
      .filter({ hasText: name });
    await person.first().waitFor();
    const id = (await person.first().getAttribute('data-testid')).slice('person-'.length);
    const button = this.find(`call-${kind}-${id}`);
    if (!(await button.isVisible())) await person.first().click();
    await button.click();
  }

  async awaitState(state) {
    await this.page.locator(`${byId('call-screen')}[data-state="${state}"]`).waitFor();
  }

  async awaitEnded(reason) {
    await this.page.locator(`${byId('call-ended')}[data-reason="${reason}"]`).waitFor();
  }

  /** What getStats of the call's connection says about incoming media. */
  async media() {
    return this.page.evaluate(async () => {
      const connection = window.__zvonok?.currentPeerConnection();
      const found = { framesDecoded: 0, audioEnergy: 0, audioPackets: 0, connection: connection?.connectionState ?? 'none' };
      if (!connection) return found;
      for (const report of (await connection.getStats()).values()) {
        if (report.type !== 'inbound-rtp') continue;
        if (report.kind === 'video') found.framesDecoded += report.framesDecoded ?? 0;
        if (report.kind === 'audio') {
          found.audioEnergy += report.totalAudioEnergy ?? 0;
          found.audioPackets += report.packetsReceived ?? 0;
        }
      }
      return found;
    });
  }

  /** Asks for media() until `done` is true of it and the first answer. */
  async awaitMedia(done, what) {
    const first = await this.media();
    const told = await until(what, async () => {
      const now = await this.media();
      return { done: done(now, first), first, now };
    }, patienceMs);
    return told.now;
  }

  awaitVideo() {
    return this.awaitMedia((now, first) => now.framesDecoded > first.framesDecoded + 10, 'frames are decoded');
  }

  awaitSound() {
    return this.awaitMedia((now, first) => now.audioEnergy > first.audioEnergy + 0.001, 'sound is heard');
  }

  /** Audio goes on arriving for `packets` packets, and all of it is silence. */
  async expectSilence(packets = 100) {
    // What was on its way when the other side muted is still heard: silence is measured from where energy stands still.
    let start = await this.media();
    for (let i = 0; i < 10; i += 1) {
      const before = start;
      start = await this.awaitMedia((now, first) => now.audioPackets > first.audioPackets + 50, 'packets arrive');
      if (start.audioEnergy - before.audioEnergy < 0.0001) break;
    }
    const end = await this.awaitMedia((now, first) => now.audioPackets > first.audioPackets + packets, 'packets arrive');
    return end.audioEnergy - start.audioEnergy;
  }

  async historyStatuses(count) {
    await this.click('nav-history');
    await this.page.locator(byId('history-item')).nth(count - 1).waitFor();
    return this.page.locator(byId('history-item')).evaluateAll((items) => items.map((item) => item.dataset.status));
  }

  async close() {
    await this.page.context().close();
  }
}
