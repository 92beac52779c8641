// Walks two people through every screen of the app on a running server, at three widths, in both themes and languages:
// takes a picture of each screen, runs axe-core on it and looks for overflow and small targets.
// Usage: node scripts/shots.mjs URL FOLDER [WIDTH,THEME,LANGUAGE ...]      e.g. http://localhost:8080 shots 360,dark,ru
// CHROMIUM names the browser; exit code 1: something serious was found.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base = 'http://localhost:8080', folder = 'shots', ...chosen] = process.argv.slice(2);
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const heights = { 360: 740, 768: 1024, 1440: 900 };
const names = { en: ['Alice Winter', 'Konstantin Featherstonehaugh'], ru: ['Алиса Зимина', 'Константин Константинопольский'] };
const patienceMs = 30_000;
const args = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

const variants = chosen.length > 0 ? chosen.map((text) => text.split(',')) : [];
if (variants.length === 0) {
  for (const width of Object.keys(heights)) {
    for (const theme of ['light', 'dark']) for (const language of ['en', 'ru']) variants.push([width, theme, language]);
  }
}

let findings = 0;
function report(kind, where, text) {
  findings += 1;
  console.log(`${kind} ${where}: ${text}`);
}

/** What a designer would see at once: sideways scrolling, cut words, targets too small for a finger. */
function findLayoutFaults() {
  const faults = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) faults.push('the page scrolls sideways');
  for (const area of document.querySelectorAll('.main, .pane, .dialog-body')) {
    if (area.scrollWidth > area.clientWidth + 1) faults.push(`${area.className} scrolls sideways`);
  }
  for (const target of document.querySelectorAll('button, a[href]:not(.skip), select, input:not([type=radio])')) {
    if (target.closest('[inert]')) continue;
    const box = target.getBoundingClientRect();
    if (box.width === 0) continue;
    const name = target.className || target.tagName;
    if (box.width < 43.5 || box.height < 43.5) faults.push(`${name} is ${Math.round(box.width)}x${Math.round(box.height)}`);
    if (box.left < -1 || box.right > width + 1) faults.push(`${name} leaves the window`);
  }
  return [...new Set(faults)];
}

async function check(page, where) {
  for (const fault of await page.evaluate(findLayoutFaults)) report('layout', where, fault);
  await page.evaluate(`${axeSource};0`);
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ['violations'] });
    return result.violations.map(({ impact, id, nodes }) => ({ impact, text: `${id} ${nodes.map((node) => node.target.join(' ')).join(', ')}` }));
  });
  for (const { impact, text } of violations) {
    if (impact === 'serious' || impact === 'critical') report(impact, where, text);
    else console.log(`${impact} ${where}: ${text}`);
  }
}

async function walk(browser, [width, theme, language]) {
  const variant = `${width}-${theme}-${language}`;
  const tag = Math.random().toString(36).slice(2, 8);
  const id = (name) => `[data-testid=${name}]`;
  const open = async () => {
    const context = await browser.newContext({
      viewport: { width: Number(width), height: heights[width] },
      colorScheme: theme,
      locale: language === 'ru' ? 'ru-RU' : 'en-GB',
      permissions: ['camera', 'microphone'],
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(patienceMs);
    const page = await context.newPage();
    page.on('pageerror', (error) => report('error', variant, error.message));
    await page.goto(base);
    return page;
  };
  const shoot = async (page, name) => {
    await page.waitForTimeout(250);
    await page.screenshot({ path: join(folder, `${name}-${variant}.png`) });
    await check(page, `${name}-${variant}`);
  };
  const signUp = async (page, name, email) => {
    await page.fill(id('auth-name'), name);
    await page.fill(id('auth-email'), email);
    await page.fill(id('auth-password'), 'correct horse battery');
    await page.click(id('auth-submit'));
    await page.waitForSelector(id('nav-people'));
  };
  const talking = (page) => page.waitForSelector(`${id('call-screen')}[data-state=active]`);

  /** By the mock's numbers: see docs/protocol/phone.md. */
  const walkPhone = async (page) => {
    const dial = async (number) => {
      await page.fill(`${id('dial-number')}:visible`, number);
      await page.click(`${id('dial')}:visible`);
    };
    const close = () => page.click(id('phone-close'));
    await page.click(id('nav-phone'));
    await shoot(page, 'phone');
    await dial('12');
    await shoot(page, 'phone-wrong');
    await dial('+15005550003');
    await page.waitForSelector(id('phone-ended'));
    await shoot(page, 'phone-refused');
    await close();
    await dial('+491512345678');
    await page.waitForSelector(`${id('phone-screen')}[data-status=ringing]`);
    await shoot(page, 'phone-ringing');
    await page.waitForSelector(`${id('phone-screen')}[data-status=in_progress]`);
    await page.click(id('phone-keypad'));
    await page.click(`${id('phone-screen')} ${id('key-5')}`);
    await shoot(page, 'phone-keys');
    await page.click(id('phone-keypad'));
    await page.click(id('phone-hold'));
    await shoot(page, 'phone-hold');
    await page.click(id('phone-hangup'));
    await close();
    await dial('+15005550010');
    await page.waitForSelector(id('phone-ended'));
    await page.waitForSelector(id('phone-incoming'));
    await shoot(page, 'phone-incoming');
    await page.click(id('phone-decline'));
    await page.waitForSelector(id('phone-incoming'), { state: 'detached' });
    await shoot(page, 'phone-recents');
  };

  const one = await open();
  await one.waitForSelector(id('auth-submit'));
  await shoot(one, 'sign-in');
  await one.click(id('auth-switch'));
  await shoot(one, 'sign-up');
  const two = await open();
  await two.click(id('auth-switch'));
  await signUp(two, `${names[language][1]}`, `two-${tag}@example.org`);
  await signUp(one, `${names[language][0]}`, `one-${tag}@example.org`);
  const other = await two.evaluate(() => JSON.parse(Object.values(localStorage).find((text) => text.includes('accessToken')) ?? '{}').user?.id);
  await one.fill('#people-search', names[language][1]);
  await one.waitForSelector(id(`person-${other}`));
  await one.fill('#people-search', '');
  await one.waitForSelector(`${id(`person-${other}`)}[data-online=true]`);
  await shoot(one, 'people');

  await one.click(id(`call-video-${other}`));
  await two.waitForSelector(id('incoming-accept-video'));
  await shoot(two, 'incoming');
  await shoot(one, 'outgoing');
  await two.click(id('incoming-accept-video'));
  await Promise.all([talking(one), talking(two)]);
  await one.waitForTimeout(2500);
  await shoot(one, 'call-video');
  await one.click(id('call-quality'));
  await shoot(one, 'call-quality');
  await one.keyboard.press('Escape');
  await one.click(id('call-devices'));
  await shoot(one, 'call-devices');
  await one.keyboard.press('Escape');
  await two.click(id('call-camera'));
  await two.click(id('call-mute'));
  await one.waitForSelector('.stage-person');
  await shoot(one, 'call-camera-off');
  await two.click(id('call-hangup'));
  await one.waitForSelector(id('call-ended'));
  await shoot(one, 'ended');
  await one.click(id('call-close'));
  await two.click(id('call-close'));
  await two.click(`${id('nav-history')}`);
  await two.click(`${id('history-item')} .icon-button`);
  await one.waitForSelector(id('incoming-decline'));
  await one.click(id('incoming-decline'));
  await two.waitForSelector(id('call-ended'));
  await shoot(two, 'declined');
  await one.click(id('call-close'));
  await one.click(id('nav-history'));
  await one.waitForSelector(id('history-item'));
  await shoot(one, 'history');
  await one.click(`${id('history-item')} .row-main`);
  await shoot(one, 'person');
  await walkPhone(one);
  await one.click(id('nav-settings'));
  await one.click('.settings-buttons button');
  await one.waitForSelector('.preview-video');
  await shoot(one, 'settings');
  await one.keyboard.press('?');
  await one.waitForSelector('.dialog');
  await shoot(one, 'help');
  await one.context().close();
  await two.context().close();
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
for (const variant of variants) await walk(browser, variant).catch((error) => report('failed', variant.join('-'), error.message.split('\n').slice(0, 4).join(' ')));
await browser.close();
console.log(`${findings} findings`);
process.exit(findings > 0 ? 1 : 0);
