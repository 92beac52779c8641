// A server of the pair dialect for two users with any number of devices: as much of docs/protocol/pair.md as the tests
// of calls need. What it delivers can be held back, to make messages cross.
import { CallClient, SignalConnection, ZvonokApi, type Call, type CallClientOptions } from '../src/index.js';
import { FakeBrowser, FakeClock, settle, type FakeBrowserOptions, type FakeSocket } from './fakes.js';

type Members = Record<string, unknown>;

interface Device {
  readonly user: string;
  readonly name: string;
  socket: FakeSocket | null;
  kept: { event: string; payload: Members }[];
  saidHello: boolean;
}

interface ServerSideCall {
  readonly id: string;
  readonly caller: string;
  readonly callee: string;
  callerDevice: Device;
  calleeDevice: Device | null;
  rung: Device[];
  offer: Members;
  candidates: Members[];
  heldFromCallee: Map<Device, Members[]>;
  crossed: Device | null;
}

export class PairServer {
  readonly devices: Device[] = [];
  call: ServerSideCall | null = null;
  calls = 0;
  /** Set: deliveries wait in `held` until release(). */
  holding = false;
  private held: (() => void)[] = [];
  readonly log: string[] = [];

  release(): void {
    this.holding = false;
    for (const deliver of this.held.splice(0)) deliver();
  }

  accept(user: string, socket: FakeSocket): void {
    const name = new URL(socket.url).searchParams.get('device') ?? '';
    let device = this.devices.find((each) => each.user === user && each.name === name);
    if (!device) {
      device = { user, name, socket: null, kept: [], saidHello: false };
      this.devices.push(device);
    }
    device.socket = socket;
    device.saidHello = false;
    const mine = device;
    socket.onSend = ({ event, payload }): void => this.onMessage(mine, event, payload);
    queueMicrotask(() => {
      socket.open();
      for (const message of mine.kept.splice(0)) socket.receive(message.event, message.payload);
      const call = this.call;
      if (call && !call.calleeDevice && call.callee === user) {
        if (!call.rung.includes(mine)) call.rung.push(mine);
        this.present(call, mine);
      }
    });
  }

  drop(user: string, code = 1006): void {
    for (const device of this.devices.filter((each) => each.user === user)) {
      const socket = device.socket;
      device.socket = null;
      socket?.drop(code);
    }
  }

  end(reason: string): void {
    const call = this.call;
    if (!call) return;
    this.call = null;
    for (const device of [call.callerDevice, ...(call.calleeDevice ? [call.calleeDevice] : call.rung)]) {
      this.deliver(device, 'call:hangup', { reason });
    }
  }

  private deliver(device: Device, event: string, payload: Members): void {
    // Never at once: no socket does that.
    const act = (): void => queueMicrotask(() => {
      if (device.socket?.readyState === 1) device.socket.receive(event, payload);
      else if (event === 'call:offer' || event === 'call:answer' || event === 'call:ice') device.kept.push({ event, payload });
    });
    this.log.push(`${device.user} < ${event}`);
    if (this.holding) this.held.push(act);
    else act();
  }

  private present(call: ServerSideCall, device: Device): void {
    if (device.saidHello) this.deliver(device, 'call:started', { callId: call.id, peerUserId: call.caller, role: 'callee' });
    this.deliver(device, 'call:offer', { ...call.offer, fromUserId: call.caller });
    for (const candidate of call.candidates) this.deliver(device, 'call:ice', candidate);
  }

  private onMessage(from: Device, event: string, payload: Members): void {
    this.log.push(`${from.user} > ${event}`);
    const call = this.call;
    const mine = call && (call.callerDevice === from || call.calleeDevice === from || (!call.calleeDevice && call.rung.includes(from))) ? call : null;
    switch (event) {
      case 'client:hello':
        from.saidHello = true;
        this.deliver(from, 'server:hello', {
          userId: from.user,
          device: from.name,
          reconnectGraceMs: 10_000,
          ringTimeoutMs: 45_000,
          call: mine && {
            callId: mine.id,
            peerUserId: mine.caller === from.user ? mine.callee : mine.caller,
            state: mine.calleeDevice ? 'active' : 'ringing',
            role: mine.caller === from.user ? 'caller' : 'callee',
          },
        });
        return;
      case 'call:offer':
        this.onOffer(from, payload, mine);
        return;
      case 'call:answer':
        this.onAnswer(from, payload, mine);
        return;
      case 'call:ice':
        this.onIce(from, payload, mine);
        return;
      case 'call:hangup':
        if (!mine) {
          this.deliver(from, 'call:error', { code: 'not-in-call', message: 'nothing to hang up' });
          return;
        }
        this.call = null;
        for (const device of [mine.callerDevice, ...(mine.calleeDevice ? [mine.calleeDevice] : mine.rung)]) {
          if (device === from) continue;
          const reason = mine.calleeDevice ? 'hangup' : from.user === mine.caller ? 'canceled' : 'declined';
          this.deliver(device, 'call:hangup', { reason, ...payload }); // a reason of the client's own is relayed
        }
    }
  }

  private onOffer(from: Device, payload: Members, mine: ServerSideCall | null): void {
    const target = String(payload['userId']);
    if (mine && mine.calleeDevice) {
      const other = mine.callerDevice === from ? mine.calleeDevice : mine.callerDevice;
      this.deliver(other, 'call:offer', { ...payload, fromUserId: from.user });
      return;
    }
    if (mine && mine.callerDevice === from) {
      mine.offer = payload;
      for (const device of mine.rung) this.deliver(device, 'call:offer', { ...payload, fromUserId: from.user });
      return;
    }
    if (mine) {
      mine.crossed = from;
      this.deliver(mine.callerDevice, 'call:offer', { ...payload, fromUserId: from.user });
      for (const candidate of mine.heldFromCallee.get(from) ?? []) this.deliver(mine.callerDevice, 'call:ice', candidate);
      return;
    }
    if (this.call) {
      this.deliver(from, 'call:error', { code: 'busy', message: 'in another call' });
      return;
    }
    const rung = this.devices.filter((device) => device.user === target && device.socket);
    if (rung.length === 0) {
      const known = this.devices.some((device) => device.user === target);
      this.deliver(from, 'call:error', { code: known ? 'offline' : 'target-unknown', message: 'nobody there' });
      return;
    }
    this.calls += 1;
    const call: ServerSideCall = {
      id: `call-${this.calls}`, caller: from.user, callee: target, callerDevice: from, calleeDevice: null, rung, offer: payload,
      candidates: [], heldFromCallee: new Map(), crossed: null,
    };
    this.call = call;
    this.deliver(from, 'call:started', { callId: call.id, peerUserId: target, role: 'caller' });
    for (const device of rung) this.present(call, device);
    this.deliver(from, 'call:ringing', { callId: call.id, devices: rung.length });
  }

  private onAnswer(from: Device, payload: Members, mine: ServerSideCall | null): void {
    if (!mine) {
      this.deliver(from, 'call:error', { code: 'not-in-call', message: 'nothing to answer' });
      return;
    }
    if (mine.calleeDevice) {
      this.deliver(mine.callerDevice === from ? mine.calleeDevice : mine.callerDevice, 'call:answer', payload);
      return;
    }
    const winner = mine.callerDevice === from ? mine.crossed : from;
    if (!winner) return;
    this.deliver(mine.callerDevice === from ? winner : mine.callerDevice, 'call:answer', payload);
    for (const candidate of mine.heldFromCallee.get(winner) ?? []) if (!mine.crossed) this.deliver(mine.callerDevice, 'call:ice', candidate);
    mine.calleeDevice = winner;
    for (const device of mine.rung) if (device !== winner) this.deliver(device, 'call:hangup', { reason: 'answered-elsewhere' });
    for (const device of [mine.callerDevice, winner]) this.deliver(device, 'call:answered', { callId: mine.id });
  }

  private onIce(from: Device, payload: Members, mine: ServerSideCall | null): void {
    if (!mine) {
      this.deliver(from, 'call:error', { code: 'not-in-call', message: 'a candidate without a call' });
    } else if (mine.calleeDevice) {
      this.deliver(mine.callerDevice === from ? mine.calleeDevice : mine.callerDevice, 'call:ice', payload);
    } else if (mine.callerDevice === from) {
      mine.candidates.push(payload);
      for (const device of mine.rung) this.deliver(device, 'call:ice', payload);
    } else if (mine.crossed === from) {
      this.deliver(mine.callerDevice, 'call:ice', payload);
    } else {
      mine.heldFromCallee.set(from, [...(mine.heldFromCallee.get(from) ?? []), payload]);
    }
  }
}

/** One tab of one user, connected. */
export interface Party {
  readonly browser: FakeBrowser;
  readonly signal: SignalConnection;
  readonly calls: CallClient;
  readonly incoming: Call[];
  readonly all: Call[];
  /** The newest call. */
  readonly call: Call;
}

let seeds = 100;

export async function party(
  server: PairServer,
  user: string,
  clock: FakeClock,
  options: FakeBrowserOptions & Pick<CallClientOptions, 'resume'> = {},
  prepare: (browser: FakeBrowser) => void = () => undefined,
): Promise<Party> {
  seeds += 1;
  const browser = new FakeBrowser({ seed: seeds, ...options, clock });
  browser.respond = (url) => (url.endsWith('/ws-ticket') ? { status: 200, body: { ticket: user } } : { status: 404, body: {} });
  browser.onSocket = (socket) => server.accept(user, socket);
  prepare(browser);
  const environment = browser.environment;
  const api = new ZvonokApi({ environment, getToken: async () => user });
  const signal = new SignalConnection({ api, environment });
  const calls = new CallClient({ signal, environment, resume: options.resume });
  const incoming: Call[] = [];
  const all: Call[] = [];
  calls.on('incoming', (call) => incoming.push(call));
  calls.on('call', (call) => all.push(call));
  signal.connect();
  await settle();
  return {
    browser, signal, calls, incoming, all,
    get call() {
      const call = all[all.length - 1];
      if (!call) throw new Error(`${user} has no call`);
      return call;
    },
  };
}

/** Both connections report that media flows. */
export async function connect(...parties: Party[]): Promise<void> {
  await settle();
  for (const each of parties) each.browser.pc.become('connected');
  await settle();
}

export async function activeCall(
  server: PairServer,
  clock: FakeClock,
  media: { audio?: boolean; video?: boolean } = {},
): Promise<{ alice: Party; bob: Party }> {
  const alice = await party(server, 'alice', clock);
  const bob = await party(server, 'bob', clock);
  alice.calls.call('bob', media);
  await settle();
  await bob.call.accept(media);
  await connect(alice, bob);
  return { alice, bob };
}
