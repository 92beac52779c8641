// Telephone numbers as people type and read them. Pure.

/** Country codes of one and two digits (E.164, list of assigned codes); all others have three. */
const short = new Set(
  ('1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 ' +
    '90 91 92 93 94 95 98')
    .split(' '),
);

/** What was typed, pasted or dictated, as E.164 where that is what it means: 00 is a plus, blanks and brackets are none. */
export function toE164(typed: string): string {
  const plain = typed.trim().replace(/[\s().\-\u2010-\u2015/]/g, '');
  return plain.startsWith('00') ? `+${plain.slice(2)}` : plain;
}

/** Whether the server would try to call it, as far as one can see from here. */
export function looksDialable(typed: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(toE164(typed));
}

function countryOf(digits: string): string {
  for (const length of [1, 2]) if (short.has(digits.slice(0, length))) return digits.slice(0, length);
  return digits.slice(0, 3);
}

/** +491512345678 as +49 151 234 5678: in threes, and at the end what is left. What is no such number stays as it is. */
export function formatNumber(number: string): string {
  if (!/^\+\d{4,15}$/.test(number)) return number;
  const country = countryOf(number.slice(1));
  const rest = number.slice(1 + country.length);
  if (rest === '') return number;
  const groups: string[] = [];
  let left = rest;
  while (left.length > 4) {
    groups.push(left.slice(0, 3));
    left = left.slice(3);
  }
  groups.push(left);
  return `+${country} ${groups.join(' ')}`;
}
