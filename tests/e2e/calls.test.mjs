// Calls through the web app, on both databases: what a user sees, and what getStats says of the media.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Device, launch } from './support/browser.mjs';
import { startPostgres, startServer } from './support/server.mjs';

const person = (name) => ({ name, email: `${name.toLowerCase()}@example.org`, password: 'a long password' });

for (const database of ['SQLite', 'PostgreSQL']) {
  describe(`calls on ${database}`, { timeout: 300_000 }, () => {
    let postgres;
    let server;
    let browser;
    const devices = [];
    const open = async () => {
      const device = await Device.open(browser, server.url);
      devices.push(device);
      return device;
    };
    const closeDevices = async () => {
      const errors = devices.flatMap((device) => device.errors);
      await Promise.all(devices.map((device) => device.close()));
      devices.length = 0;
      assert.deepEqual(errors, [], 'no script errors and no refusals by the content security policy');
    };
    const pair = async (first, second) => {
      const [a, b] = await Promise.all([open(), open()]);
      await Promise.all([a.signUp(person(first)), b.signUp(person(second))]);
      return [a, b];
    };

    before(async () => {
      postgres = database === 'PostgreSQL' ? await startPostgres() : undefined;
      server = await startServer({ environment: postgres?.environment ?? {} });
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await server?.stopAndClean();
      await postgres?.stop();
    });

    it('two people hold a video call, mute, hang up and find it in their history', async () => {
      const [a, b] = await pair('Ada', 'Boris');
      await a.call('Boris', 'video');
      await b.click('incoming-accept-video');
      await Promise.all([a.awaitState('active'), b.awaitState('active')]);
      await Promise.all([a.awaitVideo(), b.awaitVideo(), a.awaitSound(), b.awaitSound()]);
      await a.click('call-mute');
      assert.ok((await b.expectSilence()) < 0.0005, 'a muted microphone is not heard');
      await a.awaitSound();
      await a.click('call-mute');
      await b.awaitSound();
      await a.click('call-hangup');
      await b.find('call-ended').waitFor();
      for (const device of [a, b]) {
        await device.find('call-close').click();
        assert.deepEqual(await device.historyStatuses(1), ['completed']);
      }
      await closeDevices();
    });

    it('every device rings, one answers, the others stop', async () => {
      const [a, b] = await pair('Clara', 'Dmitri');
      const second = await open();
      await second.signIn(person('Dmitri'));
      await a.call('Dmitri', 'audio');
      await Promise.all([b.find('incoming-accept-audio').waitFor(), second.find('incoming-accept-audio').waitFor()]);
      await second.click('incoming-accept-audio');
      await b.find('incoming-accept-audio').waitFor({ state: 'detached' });
      await Promise.all([a.awaitSound(), second.awaitSound()]);
      await second.click('call-hangup');
      await a.find('call-ended').waitFor();
      await closeDevices();
    });

    it('a page that is loaded again comes back into its call', async () => {
      const [a, b] = await pair('Elena', 'Felix');
      await a.call('Felix', 'video');
      await b.click('incoming-accept-video');
      await Promise.all([a.awaitVideo(), b.awaitVideo()]);
      await a.page.reload();
      await a.awaitState('active');
      await Promise.all([a.awaitVideo(), b.awaitVideo(), a.awaitSound(), b.awaitSound()]);
      await b.click('call-hangup');
      await a.find('call-ended').waitFor();
      await closeDevices();
    });

    it('a call can be declined', async () => {
      const [a, b] = await pair('Grace', 'Hugo');
      await a.call('Hugo', 'audio');
      await b.click('incoming-decline');
      await a.awaitEnded('declined');
      await closeDevices();
    });

    it('who is offline is said to be, and finds the missed call later', async () => {
      const [a, b] = await pair('Irina', 'Jonas');
      await b.close();
      devices.splice(devices.indexOf(b), 1);
      await a.page.locator('[data-testid^="person-"][data-online="false"]').filter({ hasText: 'Jonas' }).first().waitFor();
      await a.call('Jonas', 'audio', { online: false });
      await a.awaitEnded('offline');
      const later = await open();
      await later.signIn(person('Jonas'));
      assert.deepEqual(await later.historyStatuses(1), ['offline']);
      await closeDevices();
    });

    it('signalling that is lost and found again does not end the call', async () => {
      const [a, b] = await pair('Karin', 'Leo');
      await a.call('Leo', 'audio');
      await b.click('incoming-accept-audio');
      await Promise.all([a.awaitSound(), b.awaitSound()]);
      await a.page.context().setOffline(true);
      await a.find('banner-reconnecting').first().waitFor();
      await a.page.context().setOffline(false);
      await a.find('banner-reconnecting').first().waitFor({ state: 'detached' });
      await Promise.all([a.awaitSound(), b.awaitSound()]);
      await a.click('call-hangup');
      await b.find('call-ended').waitFor();
      await closeDevices();
    });
  });
}
