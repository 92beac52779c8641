// What the types must allow and refuse. Checked by tsc; running it checks nothing but that it loads.
import { expect, it } from 'vitest';
import type { Call, CallEnd, CallState, CallClient, Listenable, CallEvents, MediaChoice, Zvonok, ZvonokApi } from '../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function type<T extends true>(): T | undefined {
  return undefined;
}

/** Never called. */
function usage(zvonok: Zvonok, call: Call, api: ZvonokApi, calls: CallClient): void {
  const off: () => void = call.on('end', (end) => {
    type<Equal<typeof end, CallEnd>>();
    switch (end.reason) {
      case 'busy':
        break;
      // @ts-expect-error: no such reason
      case 'bored':
    }
  });
  off();
  calls.on('incoming', (incoming) => type<Equal<typeof incoming, Call>>());
  calls.on('current', (current) => type<Equal<typeof current, Call | null>>());
  // @ts-expect-error: no such event
  call.on('hangup', () => undefined);
  // @ts-expect-error: the state is read only
  call.state = 'ended';
  // @ts-expect-error: a number is no user id
  calls.call(42);
  calls.call('bob', { video: { deviceId: 'cam' }, audio: undefined, extra: { subject: 'lunch' } });
  // @ts-expect-error: `camera` is called video
  calls.call('bob', { camera: true });
  // @ts-expect-error: a password is needed
  void api.login({ email: 'a' });
  const choice: MediaChoice = { video: undefined };
  void call.accept(choice);
  const listenable: Listenable<CallEvents> = call;
  void listenable;
  // The names that are promised to applications.
  type<Equal<CallState, 'idle' | 'initiating' | 'ringing' | 'accepting' | 'connecting' | 'active' | 'reconnecting' | 'ended' | 'rejected' | 'error'>>();
  void zvonok.api.people({ search: undefined });
  // @ts-expect-error: private
  zvonok.signal.queue;
}

it('loads', () => expect(typeof usage).toBe('function'));
