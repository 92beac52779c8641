// Waiting for events with a deadline: what is waited for is said in the error, and what was there instead.
export const patienceMs = 12_000;

/** A list that grows, and those who wait for something in it. */
export class Journal {
  entries = [];
  #waiting = new Set();

  add(entry) {
    this.entries.push(entry);
    for (const wake of [...this.#waiting]) wake();
  }

  /** Wakes the waiting without an entry: what they look at lies elsewhere. */
  poke() {
    for (const wake of [...this.#waiting]) wake();
  }

  /** The first entry from `from` on for which `test` is true; it may come later. */
  find(what, test, { from = 0, ms = patienceMs } = {}) {
    let next = from;
    return this.until(what, () => {
      for (; next < this.entries.length; next += 1) if (test(this.entries[next])) return this.entries[next];
      return undefined;
    }, { ms });
  }

  /** Resolves with what `check` gives as soon as that is truthy; asked whenever the list changes. */
  until(what, check, { ms = patienceMs, describe } = {}) {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
      };
      const wake = () => {
        let found;
        try {
          found = check();
        } catch (error) {
          stop();
          reject(error);
          return;
        }
        if (!found) return;
        stop();
        resolve(found);
      };
      const timer = setTimeout(() => {
        stop();
        const seen = describe ? describe() : this.entries.slice(-25).map(brief).join('\n  ');
        reject(new Error(`not within ${ms} ms: ${what}; seen:\n  ${seen}`));
      }, ms);
      this.#waiting.add(wake);
      wake();
    });
  }
}

function brief(entry) {
  const text = JSON.stringify(entry) ?? String(entry);
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}

/** Fails when `promise` takes longer than `ms`. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
