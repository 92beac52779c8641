// The bars of a connection's quality, with words for those who don't see them.
import type { QualityLook } from '../call/quality';
import { cx } from '../lib/cx';

export function QualityBars({ look, label }: { look: QualityLook; label: string }): JSX.Element {
  return (
    <span className={`quality-${look.tone}`} role="img" aria-label={label} title={label}>
      <span className="quality-bars" aria-hidden="true">
        {[1, 2, 3, 4].map((bar) => (
          <span key={bar} className={cx('quality-bar', bar <= look.bars && 'is-lit')} />
        ))}
      </span>
    </span>
  );
}
