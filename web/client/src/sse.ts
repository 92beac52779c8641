// Server-sent events over fetch (HTML Living Standard section 9.2.6): unlike EventSource it carries the token in a header.

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** So long a line is no event of ours. */
const kLineMax = 1 << 20;

/** Text in pieces to events. */
export class EventReader {
  private line = '';
  private name = '';
  private data: string[] = [];
  private endedInReturn = false;

  /** The events that this piece completes. */
  take(piece: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    let rest = this.endedInReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    if (piece !== '') this.endedInReturn = false;
    for (;;) {
      const end = rest.search(/[\r\n]/);
      if (end < 0) break;
      this.line += rest.slice(0, end);
      const isReturn = rest[end] === '\r';
      const pair = isReturn && rest[end + 1] === '\n';
      this.endedInReturn = isReturn && end + 1 === rest.length;
      rest = rest.slice(end + (pair ? 2 : 1));
      const event = this.takeLine(this.line);
      this.line = '';
      if (event) events.push(event);
    }
    this.line += rest;
    if (this.line.length > kLineMax) throw new Error('A line of the event stream is too long');
    return events;
  }

  private takeLine(line: string): ServerEvent | null {
    if (line === '') {
      const event = this.data.length > 0 ? { name: this.name || 'message', data: this.data.join('\n') } : null;
      this.name = '';
      this.data = [];
      return event;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return null; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.name = value;
    if (field === 'data') this.data.push(value);
    return null;
  }
}
