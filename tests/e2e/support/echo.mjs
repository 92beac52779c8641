// How long sound is on its way from a browser to a telephone that echoes it, and back.
import assert from 'node:assert/strict';

/** `page` is one of phone_page.mjs, in a call. The middle one of five. */
export async function expectEchoWithin150Ms(page) {
  const delays = [];
  for (let i = 0; i < 5; i += 1) {
    const delay = await page.evaluate((hz) => window.phone.echoDelay(hz), 700 + 200 * i);
    assert.notEqual(delay, null);
    delays.push(delay);
  }
  delays.sort((a, b) => a - b);
  console.log(`round trip: ${delays.map((ms) => Math.round(ms)).join(', ')} ms`);
  assert.ok(delays[2] < 150 + 85, `${delays}`); // the analyser needs 85 ms of sound
}
