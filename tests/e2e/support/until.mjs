// Waiting for what a page or a program tells only when it is asked: asked again and again until it holds, and no longer
// than `ms`.
const betweenMs = 50;

/**
 * Resolves with what `check` gives once that holds: when it is truthy, or, of an object with `done`, when that is. The
 * error says what was waited for, and what there was at last.
 */
export async function until(what, check, ms = 15_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await check();
    const told = typeof found === 'object' && found !== null && 'done' in found;
    if (told ? found.done : found) return found;
    if (Date.now() > end) throw new Error(`not in time: ${what}${told ? `; there is ${JSON.stringify(found)}` : ''}`);
    await new Promise((resolve) => {
      setTimeout(resolve, betweenMs);
    });
  }
}
