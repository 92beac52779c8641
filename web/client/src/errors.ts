// The errors that are thrown. What happens to a call is no exception: see CallEnd and CallWarning.

/** A request to the server that did not succeed. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0: no answer came. */
  readonly status: number;
  /** Stable, for programs: `wrong_credentials`, `email_taken`, `invalid_field`, ...; `network` with status 0. */
  readonly code: string;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | null;
  /** The member of the request that is at fault. */
  readonly field: string | null;
  readonly requestId: string | null;

  constructor(
    message: string,
    details: {
      readonly status: number;
      readonly code: string;
      readonly retryAfter?: number | null;
      readonly field?: string | null;
      readonly requestId?: string | null;
      readonly cause?: unknown;
    },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = details.status;
    this.code = details.code;
    this.retryAfter = details.retryAfter ?? null;
    this.field = details.field ?? null;
    this.requestId = details.requestId ?? null;
  }

  /** Whether the same request may succeed later. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export type CallErrorCode = 'busy' | 'bad-state' | 'disposed' | 'unsupported' | 'not-connected';

/** A call was asked for something that makes no sense just now. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: CallErrorCode;

  constructor(code: CallErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A telephone could not be invited into a room. */
export class PhoneInviteError extends Error {
  override readonly name = 'PhoneInviteError';
  /**
   * `bad-number`, `number-not-allowed`, `forbidden`, `locked`, `room-full`, `in-another-call`, `daily-limit`,
   * `spend-limit`, `too-many-requests`, `unavailable`, or one of a later server.
   */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
