// Callbacks at the nodes of a compiled function.
export interface Monitor {
  before?(): void
  after?(): void
}
