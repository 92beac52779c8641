// Numbers and times as people read them. Pure: the time of day is an argument.
import type { Translator } from '../i18n';

/** 0:07, 12:34, 1:02:03. Whole seconds; negatives count as zero. */
export function formatTimer(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** The same as an ISO 8601 duration, for <time datetime>. */
export function isoDuration(seconds: number): string {
  return `PT${Math.max(0, Math.floor(seconds))}S`;
}

/** "12 minutes 5 seconds", "1 hour 2 minutes": two units at most. */
export function formatDurationWords(seconds: number, { t }: Translator): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = whole % 60;
  const parts: string[] = [];
  if (hours > 0) parts.push(t('duration.hours', { count: hours }));
  if (minutes > 0) parts.push(t('duration.minutes', { count: minutes }));
  if (hours === 0 && (rest > 0 || minutes === 0)) parts.push(t('duration.seconds', { count: rest }));
  return parts.join(' ');
}

/** A key that is the same for two moments of one local day. */
export function dayKey(date: Date): string {
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

export function formatDay(date: Date, now: Date, { language, t }: Translator): string {
  if (dayKey(date) === dayKey(now)) return t('history.today');
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (dayKey(date) === dayKey(yesterday)) return t('history.yesterday');
  const sameYear = date.getFullYear() === now.getFullYear();
  return new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(date);
}

export function formatTime(date: Date, { language }: Translator): string {
  return new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(date);
}

/** "Today 14:05", "3 May 14:05": for a list that is not grouped by day. */
export function formatMoment(date: Date, now: Date, translator: Translator): string {
  const time = formatTime(date, translator);
  const today = dayKey(date) === dayKey(now);
  const yesterday = dayKey(date) === dayKey(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1));
  if (today || yesterday) return `${formatDay(date, now, translator)}, ${time}`;
  const day = new Intl.DateTimeFormat(translator.language, { day: 'numeric', month: 'short' }).format(date);
  return `${day}, ${time}`;
}

export function formatBitrate(bitsPerSecond: number, { t, language }: Translator): string {
  if (bitsPerSecond >= 1_000_000) {
    const value = new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(bitsPerSecond / 1_000_000);
    return t('unit.mbps', { value });
  }
  return t('unit.kbps', { value: Math.round(bitsPerSecond / 1000) });
}

export function formatPercent(share: number, { language }: Translator): string {
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }).format(share);
}

/** Up to two initials: of the first and the last word. Emoji and other astral characters stay whole. */
export function initialsOf(name: string): string {
  const words = name
    .trim()
    .split(/\s+/u)
    .map((word) => word.replace(/^[^\p{L}\p{N}]+/u, ''))
    .filter((word) => word !== '');
  const first = [...(words[0] ?? name.trim())][0] ?? '?';
  const last = words.length > 1 ? ([...(words[words.length - 1] ?? '')][0] ?? '') : '';
  return (first + last).toLocaleUpperCase();
}

/** Which of `count` avatar colours an id gets: FNV-1a, so that neighbours differ. */
export function hueIndex(id: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i += 1) {
    hash ^= id.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  // FNV alone keeps ids that differ in their last character close together: mix the bits once more (murmur3's end).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % count;
}
