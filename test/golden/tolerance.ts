// Where a device may be further off than the files allow: per intrinsic of the shading language, with the reason. Everything that is not
// here is held to the files' own tolerances.
import type { DeviceName } from '../../src/index.ts'

export interface Loose {
  readonly device: DeviceName
  /** The operation of the shading language. */
  readonly intrinsic: string
  /** Ops whose results or gradients come from it. */
  readonly ops: readonly string[]
  /** The file's tolerances are multiplied by this. */
  readonly factor: number
  readonly reason: string
}

export const loose: readonly Loose[] = []

export const factorFor = (op: string, device: DeviceName): number =>
  loose.reduce((most, l) => (l.device === device && l.ops.includes(op) ? Math.max(most, l.factor) : most), 1)
