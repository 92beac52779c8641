// Keys of telephones that come back as their two tones.
import { until } from './until.mjs';

/** `page` is one of phone_page.mjs, in a call. Pressed again after a while: a page on a busy machine may not listen in time. */
export async function expectKeyBack(page, [low, high], press) {
  await page.evaluate((both) => window.phone.listenForKey(...both), [low, high]);
  let pressedAt = -Infinity;
  await until('the key comes back as its two tones', async () => {
    if (performance.now() - pressedAt > 4000) {
      pressedAt = performance.now();
      await press();
    }
    return page.evaluate(() => window.phone.keyHeard);
  });
}
