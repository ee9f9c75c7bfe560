// What a profile tells.
export interface Profile {
  /** Milliseconds of tracing, of each phase of the compiler, and of planning. */
  readonly ms: Readonly<Record<string, number>>
}
