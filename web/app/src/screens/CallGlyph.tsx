// The arrow of a history record: which way the call went, and whether it was missed.
import { isMissed, type HistoryItem } from '../state/history';
import { cx } from '../lib/cx';
import { Icon, type IconName } from '../ui/Icon';

function glyphOf(item: HistoryItem): IconName {
  if (isMissed(item)) return 'missed';
  return item.direction === 'incoming' ? 'incoming' : 'outgoing';
}

export function CallGlyph({ item }: { item: HistoryItem }): JSX.Element {
  return (
    <span className={cx('glyph', isMissed(item) && 'is-missed', item.status === 'completed' && 'is-answered')}>
      <Icon name={glyphOf(item)} size={16} />
    </span>
  );
}
