// By which way media goes, as far as a page can find out.
import { createEnvironment, type Environment } from './environment.js';

/**
 * tunnel: to an address that exists in a tunnel only. tcp, udp: to the server itself. relay: through a TURN server.
 */
export type MediaPath = 'tunnel' | 'tcp' | 'udp' | 'relay';

type Stat = Readonly<Record<string, unknown>>;

/** Virtual addresses of tunnels are of the block that no network routes (RFC 2544). */
function isVirtual(address: unknown): boolean {
  return typeof address === 'string' && /^198\.1[89]\./.test(address);
}

/** null: there is no path yet. */
export function mediaPathOf(report: Iterable<readonly [string, Stat]>): MediaPath | null {
  const stats = new Map(report);
  const all = [...stats.values()];
  const transport = all.find((stat) => stat['type'] === 'transport' && stat['selectedCandidatePairId'] !== undefined);
  const pair =
    stats.get(String(transport?.['selectedCandidatePairId'])) ??
    all.find((stat) => stat['type'] === 'candidate-pair' && stat['selected'] === true) ??
    all.find((stat) => stat['type'] === 'candidate-pair' && stat['nominated'] === true && stat['state'] === 'succeeded');
  const local = stats.get(String(pair?.['localCandidateId']));
  const remote = stats.get(String(pair?.['remoteCandidateId']));
  if (!pair || !remote) return null;
  if (isVirtual(remote['address'])) return 'tunnel';
  if (local?.['candidateType'] === 'relay' || remote['candidateType'] === 'relay') return 'relay';
  return remote['protocol'] === 'tcp' ? 'tcp' : 'udp';
}

/** Where nothing comes any more the browser has told all it will. */
const kGatherMs = 2_000;

/**
 * Whether this browser sends UDP past a proxy. One that is kept from it, as a tunnel needs it (`disable_non_proxied_udp`), has no
 * candidates for UDP.
 */
export async function sendsUdpDirectly(environment?: Partial<Environment>): Promise<boolean> {
  const env = createEnvironment(environment);
  const connection = env.createPeerConnection({});
  try {
    return await new Promise<boolean>((resolve) => {
      const timer = env.setTimeout(() => resolve(false), kGatherMs);
      const end = (found: boolean): void => {
        env.clearTimeout(timer);
        resolve(found);
      };
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate && / udp /i.test(candidate.candidate)) end(true);
        else if (!candidate) end(false);
      };
      connection.addTransceiver('audio', { direction: 'recvonly' });
      connection
        .createOffer()
        .then((offer) => connection.setLocalDescription(offer))
        .catch(() => end(false));
    });
  } finally {
    connection.close();
  }
}
