// What a tunnel can do for this page, what has to be done by hand for it, and by which way media goes.
import { useEffect, useRef, useState } from 'react';
import { browserFlags, formatSocks, usualSocks } from '../lib/tunnelSetup';
import type { PlainKey } from '../i18n';
import { setPrefs, useI18n, usePrefs } from '../state/app';
import { findWay, hasBridge, type WayFound } from '../state/tunnel';
import { Button } from '../ui/Button';
import { Switch } from '../ui/fields';
import { Icon } from '../ui/Icon';
import { CopyField } from './CopyField';

type Checked = WayFound | 'no_room' | 'failed' | 'checking' | null;

const wayTexts = {
  tunnel: 'tunnel.way.tunnel',
  tcp: 'tunnel.way.tcp',
  udp: 'tunnel.way.udp',
  relay: 'tunnel.way.relay',
} as const satisfies Record<NonNullable<WayFound['path']>, PlainKey>;

function textOf(checked: Exclude<Checked, null | 'checking'>): PlainKey {
  if (checked === 'no_room') return 'tunnel.way.no_room';
  if (checked === 'failed') return 'tunnel.way.failed';
  return checked.path === null ? 'tunnel.way.none' : wayTexts[checked.path];
}

export function TunnelSettings(): JSX.Element {
  const { t } = useI18n();
  const { tunnel } = usePrefs();
  return (
    <>
      <Switch label={t('tunnel.on')} hint={t('tunnel.on.hint')} checked={tunnel} onChange={(on) => setPrefs({ tunnel: on })} />
      {hasBridge() ? <p className="tunnel-text">{t('tunnel.bridge')}</p> : <ByHand />}
      <WayCheck />
      <p className="tunnel-text">{t('tunnel.otherwise')}</p>
    </>
  );
}

function ByHand(): JSX.Element {
  const { t } = useI18n();
  return (
    <>
      <p className="tunnel-text" data-testid="tunnel-plain">
        {t('tunnel.plain')}
      </p>
      <CopyField label={t('tunnel.socks')} value={formatSocks(usualSocks)} testId="tunnel-socks" />
      <CopyField label={t('tunnel.flags')} value={browserFlags(usualSocks, window.location.hostname)} />
    </>
  );
}

function WayCheck(): JSX.Element {
  const { t } = useI18n();
  const [checked, setChecked] = useState<Checked>(null);
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);
  const check = async (): Promise<void> => {
    setChecked('checking');
    const found = await findWay().then((way) => way ?? ('no_room' as const), () => 'failed' as const);
    if (mounted.current) setChecked(found);
  };
  const busy = checked === 'checking';
  const way = typeof checked === 'object' ? checked : null;
  return (
    <>
      <div className="settings-buttons">
        <Button look="quiet" icon="globe" busy={busy} onClick={() => void check()} data-testid="tunnel-check">
          {t('tunnel.check')}
        </Button>
      </div>
      <div role="status">
        {checked === 'checking' && <p className="tunnel-text">{t('tunnel.checking')}</p>}
        {checked !== null && checked !== 'checking' && (
          <p className="iconed" data-testid="tunnel-way" data-path={way?.path ?? 'none'} data-leaks={way?.leaks ?? false}>
            <Icon name={way?.path === 'tunnel' ? 'check' : 'alert'} size={18} />
            <span>{t(textOf(checked))}</span>
          </p>
        )}
        {way?.leaks && <p className="tunnel-text">{t('tunnel.leaks')}</p>}
      </div>
    </>
  );
}
