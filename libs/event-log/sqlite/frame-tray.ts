/** What a transaction at full load comes to, and some. Memory that was never written costs nothing. */
const TRAY_BYTES = 2 * 1_048_576;

/**
 * Memory for the frames of one transaction, which the writer's thread reads where it is. It is used again and again: memory that is new for each
 * batch has to be cleared by the system, is in no cache, and waits in the other thread to be collected, which all costs more than storing does.
 */
export class FrameTray {
  private readonly bytes = Buffer.from(new SharedArrayBuffer(TRAY_BYTES));
  private used = 0;

  /** What finds no room gets memory of its own. */
  readonly take = (bytes: number): Buffer => {
    const start = this.used;
    if (bytes > TRAY_BYTES - start) return Buffer.allocUnsafeSlow(bytes);
    this.used += bytes;
    return this.bytes.subarray(start, this.used);
  };

  /** Nobody may read any longer what was written into it. */
  clear(): void {
    this.used = 0;
  }
}
