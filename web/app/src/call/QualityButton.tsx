// The bars in a corner of the call, and the numbers behind them.
import type { CallQuality } from '@zvonok/client';
import { useI18n } from '../state/app';
import { cx } from '../lib/cx';
import { Popover } from '../ui/Popover';
import { lookOf, rowsOf } from './quality';

export function QualityButton({ quality, cameraOn }: { quality: CallQuality | null; cameraOn: boolean }): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const look = lookOf(quality);
  return (
    <Popover
      title={t(look.text)}
      side="below"
      trigger={(props) => (
        <button
          type="button"
          className={cx('stage-button', 'quality', `quality-${look.tone}`)}
          aria-label={`${t('quality.label')}: ${t(look.text)}`}
          title={t(look.text)}
          data-testid="call-quality"
          {...props}
        >
          <span className="quality-bars" aria-hidden="true">
            {[1, 2, 3, 4].map((bar) => (
              <span key={bar} className={cx('quality-bar', bar <= look.bars && 'is-lit')} />
            ))}
          </span>
        </button>
      )}
    >
      {quality ? (
        <dl className="quality-table">
          {rowsOf(quality, translator).map((row) => (
            <div key={row.label}>
              <dt>{t(row.label)}</dt>
              <dd className="numbers">{row.value}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <p className="popover-text">{t('quality.unknown')}</p>
      )}
      {look.tone === 'poor' && cameraOn && <p className="popover-text">{t('quality.tip')}</p>}
    </Popover>
  );
}
