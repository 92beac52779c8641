// Calls that are encrypted end to end, between two clients over a server of the pair dialect; media is not there, keys are.
import { beforeEach, describe, expect, it } from 'vitest';
import type { AcceptOptions, CallOptions } from '../src/index.js';
import { FakeClock, FakeLocks, settle } from './fakes.js';
import { PairServer, party, type Party } from './pair-server.js';

let server: PairServer;
let clock: FakeClock;
beforeEach(() => {
  server = new PairServer();
  clock = new FakeClock();
});

/** Keys are made by WebCrypto, which microtasks don't wait for. */
async function until(done: () => boolean): Promise<void> {
  for (let turns = 0; !done(); turns += 1) {
    if (turns > 2_000) throw new Error('it does not come about');
    await new Promise((resolve) => setImmediate(resolve));
    await settle();
  }
}

async function pair(prepare: (alice: Party, bob: Party) => void = () => undefined): Promise<{ alice: Party; bob: Party }> {
  const alice = await party(server, 'alice', clock);
  const bob = await party(server, 'bob', clock);
  prepare(alice, bob);
  return { alice, bob };
}

async function call({ alice, bob }: { alice: Party; bob: Party }, options: CallOptions, accept: AcceptOptions = {}): Promise<void> {
  alice.calls.call('bob', options);
  await until(() => bob.incoming.length > 0);
  await bob.call.accept(accept);
  await settle();
}

const guardOf = (each: Party) => {
  const guard = each.browser.guards[each.browser.guards.length - 1];
  if (!guard) throw new Error('nothing is guarded');
  return guard;
};
const isOn = (each: Party): boolean => each.call.encryption.state === 'on';

describe('a call with e2e', () => {
  it('comes to the same code, and seals all it sends with keys that the other side opens', async () => {
    const both = await pair();
    await call(both, { video: true, e2e: true });
    const { alice, bob } = both;
    expect(bob.call.offeredEncryption).toBe(true);
    await until(() => isOn(alice) && isOn(bob));
    expect(alice.call.snapshot.encryption).toEqual({ state: 'on', code: bob.call.encryption.code, problem: null });
    for (const [from, to] of [[alice, bob], [bob, alice]] as const) {
      expect(guardOf(from).sent.map(({ kid }) => kid)).toEqual(guardOf(to).received.map(({ kid }) => kid));
      expect([...guardOf(from).guarded]).toEqual(from.browser.pc.getTransceivers());
      expect(from.browser.pc.configuration).toMatchObject({ encodedInsertableStreams: true });
    }
    alice.call.hangup();
    await settle();
    expect([guardOf(alice).closed, guardOf(bob).closed]).toEqual([true, true]);
  });

  it('agrees only with the same secret', async () => {
    const both = await pair();
    await call(both, { e2e: { secret: 'one' } }, { e2e: { secret: 'another' } });
    await until(() => isOn(both.alice) && isOn(both.bob));
    expect(both.alice.call.encryption.code).not.toBe(both.bob.call.encryption.code);
    expect(guardOf(both.alice).sent[0]?.kid).not.toBe(guardOf(both.bob).received[0]?.kid);
  });

  it('leaves calls without it as they were', async () => {
    const both = await pair();
    await call(both, {});
    expect(both.bob.call.offeredEncryption).toBe(false);
    expect(both.alice.call.encryption).toEqual({ state: 'off', code: null, problem: null });
    expect(both.alice.browser.guards).toEqual([]);
    expect(both.alice.browser.sockets.flatMap(({ sent }) => sent).join()).not.toContain('e2e');
  });

  it('does not begin in a browser that can not', async () => {
    const { alice, bob } = await pair((a) => (a.browser.canEncrypt = false));
    alice.calls.call('bob', { e2e: true });
    await until(() => alice.call.isOver);
    expect(alice.call.end).toMatchObject({ reason: 'failed', by: 'local' });
    expect(alice.call.encryption.problem).toBe('unsupported');
    expect(bob.incoming).toEqual([]);
    expect(alice.browser.connections).toEqual([]);
  });

  it('ends when the callee can not, and tells the caller', async () => {
    const both = await pair((_, b) => (b.browser.canEncrypt = false));
    await call(both, { e2e: true });
    await until(() => both.alice.call.isOver);
    expect(both.bob.call.encryption.problem).toBe('unsupported');
    expect(both.alice.call.end).toMatchObject({ reason: 'failed', by: 'remote', message: 'e2e: unsupported' });
  });

  it('ends when the answer knows nothing of it', async () => {
    const both = await pair((alice) => {
      const receive = alice.browser.socket.receive.bind(alice.browser.socket);
      alice.browser.socket.receive = (event, payload) => {
        const { zvonok: _, ...rest } = payload as Record<string, unknown>;
        receive(event, event === 'call:answer' ? rest : payload);
      };
    });
    await call(both, { e2e: true });
    await until(() => both.alice.call.isOver);
    expect(both.alice.call.encryption.problem).toBe('peer-unsupported');
    expect(both.alice.call.state).toBe('error');
  });

  it('ends when the callee wants it and the caller does not offer it', async () => {
    const both = await pair();
    await call(both, {}, { e2e: true });
    await until(() => both.alice.call.isOver);
    expect(both.bob.call.encryption.problem).toBe('not-offered');
    expect(both.bob.browser.connections).toEqual([]);
  });

  it('ends when a later offer is without it', async () => {
    const both = await pair();
    await call(both, { e2e: true });
    await until(() => isOn(both.bob));
    both.bob.browser.socket.receive('call:offer', { fromUserId: 'alice', sdp: 'v=0\r\no=- 999 1 IN IP4 0\r\n', zvonok: { v: 1, fresh: true } });
    await until(() => both.bob.call.isOver);
    expect(both.bob.call.encryption.problem).toBe('not-offered');
  });

  it('ends when the key does not come', async () => {
    const both = await pair((_, bob) => {
      const receive = bob.browser.socket.receive.bind(bob.browser.socket);
      bob.browser.socket.receive = (event, payload) => {
        if (event !== 'call:ice') receive(event, payload);
      };
    });
    await call(both, { e2e: true });
    await until(() => isOn(both.alice));
    expect(both.bob.call.encryption.state).toBe('agreeing');
    expect(both.bob.browser.pc.getTransceivers().map(({ sender }) => sender.track)).toEqual([null, null]);
    expect(both.alice.browser.pc.getTransceivers()[0]?.sender.track).not.toBeNull();
    for (const each of [both.alice, both.bob]) each.browser.pc.become('connected');
    await clock.advance(15_000);
    await until(() => both.bob.call.isOver);
    expect(both.bob.call.encryption.problem).toBe('timeout');
  });

  it('agrees anew with a page that was loaded again', async () => {
    const both = await pair();
    await call(both, { e2e: true });
    const { alice, bob } = both;
    await until(() => isOn(alice) && isOn(bob));
    const before = bob.call.encryption.code;
    server.drop('alice');
    const back = await party(server, 'alice', clock, { session: alice.browser.session, locks: new FakeLocks() });
    await until(() => back.all.length > 0 && isOn(back) && isOn(bob) && bob.call.encryption.code !== before);
    expect(back.call.encryption.code).toBe(bob.call.encryption.code);
    expect(guardOf(back).sent.at(-1)?.kid).toBe(guardOf(bob).received.at(-1)?.kid);
  });

  it('comes out when both call at once', async () => {
    const { alice, bob } = await pair();
    server.holding = true;
    alice.calls.call('bob', { e2e: true });
    bob.calls.call('alice', { e2e: true });
    await until(() => server.log.filter((line) => line.endsWith('> call:offer')).length === 2);
    server.release();
    await until(() => isOn(alice) && isOn(bob));
    expect(alice.call.encryption.code).toBe(bob.call.encryption.code);
  });
});
