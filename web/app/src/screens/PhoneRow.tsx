// One phone call of a history.
import { formatNumber } from '../lib/phone';
import { navigate } from '../lib/route';
import type { HistoryItem } from '../state/history';
import { useCallBusy } from '../state/calls';
import { dialNumber } from '../state/phone';
import { useI18n } from '../state/app';
import { IconButton } from '../ui/Button';
import { PhoneFace } from '../phone/PhoneFace';
import { HistoryLine } from './HistoryLine';

export function PhoneRow({ item }: { item: HistoryItem }): JSX.Element {
  const { t } = useI18n();
  const busy = useCallBusy();
  const number = item.phoneNumber ?? '';
  const withheld = number === '';
  const name = withheld ? t('phone.withheld') : formatNumber(number);
  return (
    <HistoryLine
      item={item}
      face={<PhoneFace />}
      name={name}
      numbers
      title={withheld ? undefined : t('phone.edit')}
      onOpen={withheld ? null : () => navigate({ tab: 'phone', personId: number })}
    >
      <IconButton
        icon="phone"
        look="call"
        label={t('people.call_audio', { name })}
        disabled={busy || withheld}
        onClick={() => dialNumber(number)}
      />
    </HistoryLine>
  );
}
