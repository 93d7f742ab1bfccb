/** Holds back the first bytes of a stream until there are enough to tell a kind of file by; a slow client may send them one by one. */
export class Beginning {
  private held: Buffer | null = Buffer.alloc(0);

  constructor(private readonly enough: number) {}

  /** What can be read now: nothing while too little has come, then all of it at once, then each chunk as it is. */
  add(chunk: Buffer): Buffer | null {
    if (this.held === null) return chunk;
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    return this.held.length < this.enough ? null : this.release();
  }

  /** What is still held, at the end of a short stream or when there is enough. */
  release(): Buffer | null {
    const { held } = this;
    this.held = null;
    return held?.length ? held : null;
  }
}
