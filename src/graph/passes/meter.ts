// How long each rewrite took, where it fired and where it only looked.

export class Meter {
  /** Milliseconds by name. */
  readonly ms = new Map<string, number>()
  private last = 0

  start(): void {
    this.last = performance.now()
  }

  /** What passed since the start or the last mark was spent on this rewrite. */
  mark(name: string): void {
    const now = performance.now()
    this.ms.set(name, (this.ms.get(name) ?? 0) + now - this.last)
    this.last = now
  }
}
