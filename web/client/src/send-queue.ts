// Messages that wait for the connection: as many as the server itself would keep for us, no more.

export interface QueuedMessage {
  readonly text: string;
  readonly tag: string;
}

export const kQueueMessagesMax = 64;
export const kQueueCharsMax = 256 * 1024;

export class SendQueue {
  private items: QueuedMessage[] = [];
  private chars = 0;

  get size(): number {
    return this.items.length;
  }

  /** false: full, and the message was not taken. */
  push(item: QueuedMessage): boolean {
    if (this.items.length >= kQueueMessagesMax || this.chars + item.text.length > kQueueCharsMax) return false;
    this.items.push(item);
    this.chars += item.text.length;
    return true;
  }

  take(): readonly QueuedMessage[] {
    const taken = this.items;
    this.clear();
    return taken;
  }

  drop(tag: string): boolean {
    const kept = this.items.filter((item) => item.tag !== tag);
    const dropped = kept.length < this.items.length;
    this.items = kept;
    this.chars = kept.reduce((sum, item) => sum + item.text.length, 0);
    return dropped;
  }

  clear(): void {
    this.items = [];
    this.chars = 0;
  }
}
