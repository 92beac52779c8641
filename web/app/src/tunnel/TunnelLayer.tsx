// A call through a tunnel, until media goes: it rings, the tunnel is built, by hand where nothing else can. Then the two are in
// their room, and this is over.
import type { ToneName } from '@zvonok/client';
import { CallState } from '@zvonok/client/tunnel';
import { AnswerButton, IncomingCard } from '../call/IncomingCard';
import { useCallSurroundings } from '../call/surroundings';
import { formatSocks } from '../lib/tunnelSetup';
import type { PlainKey } from '../i18n';
import { useI18n, usePrefs } from '../state/app';
import { usePerson } from '../state/directory';
import { acceptTunnelCall, endTunnelCall, useTunnel, type TunnelCall } from '../state/tunnel';
import { Avatar } from '../ui/Avatar';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { CopyField } from './CopyField';

export function TunnelLayer(): JSX.Element | null {
  const { call } = useTunnel();
  // Once both tunnels are there, the room is what there is to see.
  if (!call || call.state === CallState.VPN_CONNECTED || call.state === CallState.ACTIVE) return null;
  return <TunnelView call={call} />;
}

const stateTexts: Partial<Record<CallState, PlainKey>> = {
  [CallState.INITIATING]: 'tunnel.state.calling',
  [CallState.RINGING]: 'tunnel.state.ringing',
};

function toneOf(incoming: boolean, ringing: boolean, ringTone: boolean): ToneName | null {
  if (!ringing) return null;
  return incoming ? (ringTone ? 'ring' : null) : 'ringback';
}

function TunnelView({ call }: { call: TunnelCall }): JSX.Element {
  const { t } = useI18n();
  const { ringTone } = usePrefs();
  const { info, state } = call;
  const incoming = info.direction === 'incoming';
  const peerId = incoming ? info.callerId : info.calleeId;
  const name = usePerson(peerId).name ?? t('history.unknown');
  const ringing = state === CallState.RINGING;
  const phase = ringing && incoming ? 'incoming' : 'call';
  useCallSurroundings({ phase, name, tone: toneOf(incoming, ringing, ringTone), ringing: t('tunnel.incoming') });
  if (phase === 'incoming') {
    return (
      <IncomingCard id="tunnel-incoming" face={<Avatar id={peerId} name={name} size="large" />} name={name} kind={t('tunnel.incoming')} testId="tunnel-incoming">
        <AnswerButton icon="hangup" kind="decline" text={t('call.decline')} onClick={endTunnelCall} testId="tunnel-decline" />
        <AnswerButton icon="phone" kind="audio" text={t('call.accept.audio')} onClick={acceptTunnelCall} testId="tunnel-accept" />
      </IncomingCard>
    );
  }
  return <Building call={call} name={name} />;
}

/** Placing it, and what is to be done by hand. */
function Building({ call, name }: { call: TunnelCall; name: string }): JSX.Element {
  const { t } = useI18n();
  const { byHand, built, state } = call;
  return (
    <Dialog
      title={t('tunnel.with', { name })}
      onClose={endTunnelCall}
      actions={
        <>
          <Button look="danger" onClick={endTunnelCall} data-testid="tunnel-end">
            {t('call.hangup')}
          </Button>
          {byHand && (
            <Button look="primary" onClick={byHand.done} data-testid="tunnel-runs">
              {t('tunnel.runs')}
            </Button>
          )}
        </>
      }
    >
      {byHand ? (
        <ByHand config={JSON.stringify(byHand.config.xrayConfig, null, 2)} socks={formatSocks(byHand.socks)} />
      ) : (
        <p role="status" data-testid="tunnel-state" data-state={state}>
          {t(stateTexts[state] ?? (built ? 'tunnel.state.waiting' : 'tunnel.state.starting'))}
        </p>
      )}
    </Dialog>
  );
}

function ByHand({ config, socks }: { config: string; socks: string }): JSX.Element {
  const { t } = useI18n();
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([config], { type: 'application/json' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = 'zvonok-xray.json';
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <>
      <p>{t('tunnel.by_hand', { socks })}</p>
      <Button look="quiet" icon="copy" onClick={save} data-testid="tunnel-file">
        {t('tunnel.download')}
      </Button>
      <CopyField label={t('tunnel.socks')} value={socks} />
    </>
  );
}
