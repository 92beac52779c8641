// The connection's quality in words, bars and a table. Pure.
import type { CallQuality } from '@zvonok/client';
import type { PlainKey, Translator } from '../i18n';
import { formatBitrate, formatPercent } from '../lib/format';

export interface QualityLook {
  /** Of four. */
  readonly bars: 0 | 1 | 2 | 3 | 4;
  readonly tone: 'good' | 'fair' | 'poor' | 'unknown';
  readonly text: PlainKey;
}

export function lookOf(quality: Pick<CallQuality, 'score'> | null): QualityLook {
  switch (quality?.score) {
    case 5:
      return { bars: 4, tone: 'good', text: 'quality.excellent' };
    case 4:
      return { bars: 3, tone: 'good', text: 'quality.good' };
    case 3:
      return { bars: 2, tone: 'fair', text: 'quality.fair' };
    case 2:
      return { bars: 1, tone: 'poor', text: 'quality.poor' };
    case 1:
      return { bars: 1, tone: 'poor', text: 'quality.lost' };
    case undefined:
      return { bars: 0, tone: 'unknown', text: 'quality.unknown' };
  }
}

export interface QualityRow {
  readonly label: PlainKey;
  readonly value: string;
}

export function rowsOf(quality: CallQuality, translator: Translator): readonly QualityRow[] {
  const { t } = translator;
  const bitrate = (side: CallQuality['sending']): string =>
    formatBitrate((side.audio?.bitrate ?? 0) + (side.video?.bitrate ?? 0), translator);
  const rows: QualityRow[] = [
    { label: 'quality.rtt', value: quality.rtt === null ? t('quality.none') : t('unit.ms', { value: Math.round(quality.rtt) }) },
    { label: 'quality.loss', value: formatPercent(quality.loss, translator) },
    { label: 'quality.jitter', value: t('unit.ms', { value: Math.round(quality.jitter) }) },
    { label: 'quality.bitrate_in', value: bitrate(quality.receiving) },
    { label: 'quality.bitrate_out', value: bitrate(quality.sending) },
  ];
  const picture = quality.receiving.video;
  if (picture && picture.width > 0) {
    const { width, height } = picture;
    rows.push({
      label: 'quality.resolution',
      // Pixels are written without a thousands separator.
      value: t('unit.fps', { width: String(width), height: String(height), fps: Math.round(picture.framesPerSecond) }),
    });
  }
  if (quality.relayed !== null) {
    rows.push({ label: 'quality.route', value: t(quality.relayed ? 'quality.route.relay' : 'quality.route.direct') });
  }
  return rows;
}
