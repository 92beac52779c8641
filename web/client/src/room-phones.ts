// Invitations of telephones that are not answered yet: the server answers each with its request's number.
import type { Environment, TimerId } from './environment.js';
import { PhoneInviteError } from './errors.js';
import { asText, type Members } from './protocol.js';

interface Waiting {
  readonly resolve: (sessionId: string) => void;
  readonly reject: (error: PhoneInviteError) => void;
  readonly timer: TimerId;
}

/** The server answers at once: who hears nothing for so long is not connected any more. */
const kAnswerMs = 15_000;

export class RoomPhones {
  private readonly waiting = new Map<string, Waiting>();
  private counter = 0;

  constructor(
    private readonly env: Environment,
    /** False: there is no connection. */
    private readonly send: (payload: Members) => boolean,
  ) {}

  invite(number: string, name: string | undefined): Promise<string> {
    this.counter += 1;
    const requestId = `phone-${this.counter}`;
    if (!this.send({ number, requestId, ...(name ? { name } : {}) })) {
      return Promise.reject(new PhoneInviteError('unavailable', 'There is no connection to the server just now'));
    }
    return new Promise((resolve, reject) => {
      const timer = this.env.setTimeout(() => this.settle(requestId)?.reject(lost()), kAnswerMs);
      this.waiting.set(requestId, { resolve, reject, timer });
    });
  }

  onInvited(payload: Members): void {
    this.settle(payload['requestId'])?.resolve(asText(payload['sessionId']) ?? '');
  }

  /** Whether the error was about an invitation. */
  onError(payload: Members): boolean {
    const waiting = this.settle(payload['requestId']);
    waiting?.reject(new PhoneInviteError(asText(payload['code']) ?? '', asText(payload['message']) ?? ''));
    return waiting !== null;
  }

  /** Nothing will be answered any more. */
  giveUp(): void {
    for (const requestId of [...this.waiting.keys()]) this.settle(requestId)?.reject(lost());
  }

  private settle(requestId: unknown): Waiting | null {
    const waiting = typeof requestId === 'string' ? this.waiting.get(requestId) : undefined;
    if (!waiting || typeof requestId !== 'string') return null;
    this.waiting.delete(requestId);
    this.env.clearTimeout(waiting.timer);
    return waiting;
  }
}

function lost(): PhoneInviteError {
  return new PhoneInviteError('unavailable', 'The connection was lost before the server answered');
}
