// What the check page and its worker say to each other.
import type { Result, World } from '../../test/golden/adapter.ts'
import type { DeviceChoice, DeviceName, OpenDevice } from '../shared/protocol.ts'

/** One pass through the calls. */
export interface Pass {
  readonly device: DeviceName
  readonly world: World
}

/** Addresses of a family's files. */
export interface Family {
  readonly name: string
  readonly manifest: string
  /** None where the tensors stand in the manifest. */
  readonly numbers: string | null
}

/** `known` is the reason why this one may differ. */
export type Checked = Result & { readonly known: string | null }

export type ToWorker =
  | { readonly type: 'probe' }
  /** Empty `ops` means all. */
  | { readonly type: 'check'; readonly passes: readonly Pass[]; readonly families: readonly Family[]; readonly ops: readonly string[] }

export type FromWorker =
  | { readonly type: 'devices'; readonly devices: readonly DeviceChoice[] }
  /** How many calls each family has. */
  | { readonly type: 'plan'; readonly counts: readonly number[] }
  | { readonly type: 'opened'; readonly pass: number; readonly device: OpenDevice }
  | { readonly type: 'checked'; readonly pass: number; readonly family: number; readonly results: readonly Checked[]; /** Since the family began. */ readonly ms: number }
  | { readonly type: 'refused'; readonly pass: number; readonly why: string }
  | { readonly type: 'done' }
  | { readonly type: 'broken'; readonly why: string }
