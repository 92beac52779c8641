// Two ends agree on keys over the signalling: both commit to a public key before either shows it, so that nobody between
// them can choose keys until the digits they compare come out the same (docs/protocol/e2e.md). A machine without a network:
// it is told what the other end says, and tells what there is to say.
import { asMembers, type Members } from '../protocol.js';
import { equal, fromBase64Url, toBase64Url, type Bytes } from './bytes.js';
import {
  commitmentOf,
  derivePairKeys,
  kCommitmentBytes,
  kPublicKeyBytes,
  makeKeyPair,
  sharedSecret,
  type KeyPair,
  type PairKeys,
} from './key-schedule.js';

/**
 * Rounds of a call: one, and one more for each time that a page is loaded again. Somebody between the ends can begin them as
 * well, and has one try in each to make the codes the same.
 */
export const kRoundsMax = 16;

export interface AgreementOptions {
  readonly selfId: string;
  readonly peerId: string;
  /** What both ends know besides. */
  readonly extra: Bytes;
  /** Say `words`: something in them is new, or (`again`) the other end has missed them. */
  readonly onWords: (again: boolean) => void;
  /** A new round has begun: what was agreed before holds no more. */
  readonly onRound: () => void;
  readonly onKeys: (keys: PairKeys) => void;
  /** The other end, or somebody between, does not keep to the protocol. */
  readonly onForged: (why: string) => void;
}

interface Round {
  readonly number: number;
  readonly pair: KeyPair;
  readonly commitment: Bytes;
}

interface Heard {
  readonly round: number;
  readonly commitment: Bytes;
  readonly publicKey: Bytes | null;
}

function parse(value: unknown): Heard | null {
  const { round, commit, key } = asMembers(value);
  const commitment = fromBase64Url(commit, kCommitmentBytes);
  if (typeof round !== 'number' || !Number.isInteger(round) || round < 0 || round > kRoundsMax || !commitment) return null;
  const publicKey = fromBase64Url(key, kPublicKeyBytes);
  return key !== undefined && !publicKey ? null : { round, commitment, publicKey };
}

export class KeyAgreement {
  private round: Round | null = null;
  private peerCommitment: Bytes | null = null;
  private agreed = false;
  /** The round in which the public key has been shown. */
  private shownIn = -1;
  private over = false;
  private work: Promise<void> = Promise.resolve();

  constructor(private readonly options: AgreementOptions) {}

  /** Resolves once there is something to say. Rejects where there is no X25519. */
  start(): Promise<void> {
    const begun = newRound(0).then((round) => {
      this.round = round;
    });
    this.work = begun.catch(() => undefined);
    return begun;
  }

  /** For the other end: round and commitment, and the public key once the other end's commitment is known. */
  get words(): Members | null {
    const { round } = this;
    if (!round) return null;
    const words: Members = { v: 1, round: round.number, commit: toBase64Url(round.commitment) };
    return this.peerCommitment ? { ...words, key: toBase64Url(round.pair.publicKey) } : words;
  }

  /** Whether the public key is among the words. */
  get showsKey(): boolean {
    return this.round !== null && this.peerCommitment !== null;
  }

  /** What the other end said: any number of times, in the order of sending. */
  hear(value: unknown): void {
    const heard = parse(value);
    if (!heard) {
      this.fail('what the other end says of its key is not understood');
      return;
    }
    // The first words need nothing to be computed: the answer that is made now already shows the key.
    if (this.round?.number === heard.round) this.peerCommitment ??= heard.commitment;
    this.work = this.work.then(() => (this.over ? undefined : this.take(heard)));
  }

  stop(): void {
    this.over = true;
  }

  private async take(heard: Heard): Promise<void> {
    const { round } = this;
    if (!round) return;
    if (heard.round < round.number) {
      this.options.onWords(true); // it does not know yet
      return;
    }
    if (heard.round > round.number) await this.begin(heard.round);
    else if (this.peerCommitment && !equal(this.peerCommitment, heard.commitment)) {
      // Another page of theirs. Its key may be chosen knowing ours, so ours is spent: both choose again.
      await this.begin(round.number + 1);
      return;
    }
    if (this.over) return;
    this.peerCommitment = heard.commitment;
    const shown = this.shownIn === heard.round;
    this.shownIn = heard.round;
    if (!shown || !heard.publicKey) this.options.onWords(shown);
    if (heard.publicKey && !this.agreed) await this.agree(heard.publicKey);
  }

  private async begin(number: number): Promise<void> {
    if (number > kRoundsMax) {
      this.fail('too many rounds');
      return;
    }
    this.round = await newRound(number);
    this.peerCommitment = null;
    this.agreed = false;
    if (this.over) return;
    this.options.onRound();
    this.options.onWords(false);
  }

  private async agree(publicKey: Bytes): Promise<void> {
    const { round, peerCommitment } = this;
    if (!round || !peerCommitment) return;
    const { selfId, peerId, extra } = this.options;
    const own = { userId: selfId, publicKey: round.pair.publicKey };
    if (!equal(await commitmentOf(publicKey), peerCommitment)) {
      this.fail('the public key is not the one that was promised');
      return;
    }
    const shared = equal(publicKey, own.publicKey) ? null : await sharedSecret(round.pair.privateKey, publicKey);
    if (!shared) {
      this.fail('the public key leads to no secret');
      return;
    }
    const keys = await derivePairKeys(shared, extra, own, { userId: peerId, publicKey });
    if (this.over || this.round !== round) return;
    this.agreed = true;
    this.options.onKeys(keys);
  }

  private fail(why: string): void {
    if (this.over) return;
    this.over = true;
    this.options.onForged(why);
  }
}

async function newRound(number: number): Promise<Round> {
  const pair = await makeKeyPair();
  return { number, pair, commitment: await commitmentOf(pair.publicKey) };
}
