// How loud a stream is: whether one is heard at all.
import { useRef } from 'react';
import { useI18n } from '../state/app';
import { useLevel } from '../state/devices';
import { Icon } from '../ui/Icon';

export function VoiceLevel({ stream, hint }: { stream: MediaStream; hint?: string }): JSX.Element {
  const { t } = useI18n();
  const ref = useRef<HTMLDivElement>(null);
  useLevel(ref, stream);
  return (
    <div className="level">
      <Icon name="mic" size={18} />
      <div ref={ref} className="level-bar" role="img" aria-label={t('settings.level')}>
        <span className="level-fill" />
      </div>
      {hint !== undefined && <p className="level-hint">{hint}</p>}
    </div>
  );
}
